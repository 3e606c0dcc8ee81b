import { randomUUID } from 'node:crypto';
import Koa from 'koa';
import type { Logger } from 'pino';
import type { Authenticator } from '../accounts/authenticator.js';
import { OPTIONS_HEADERS } from '../dav/dispatch.js';
import { HttpError } from '../http-error.js';
import { authenticate, makeSignIn } from './authenticate.js';
import { type ChangesApiParts, changesApi } from './changes-api.js';
import { type CloudParts, cloudBridge } from './cloud-bridge.js';
import { type ConsoleBridgeParts, consoleBridge } from './console-bridge.js';
import { consolePages } from './console-pages.js';
import type { FirnState } from './context.js';
import { cors } from './cors.js';
import { davBridge } from './dav-bridge.js';
import { errors } from './errors.js';
import { clientAddress } from './forwarded.js';
import { health } from './health.js';
import { boundRest } from './http-body.js';
import { type MetricsParts, metrics } from './metrics.js';
import { parents } from './parents.js';
import { below, pathOf, prefixOf } from './prefix.js';
import { checkHead } from './request-head.js';
import { send } from './send.js';

export interface AppParts extends CloudParts, ChangesApiParts, ConsoleBridgeParts {
  readonly metrics: MetricsParts;
  readonly authenticator: Authenticator;
  readonly log: Logger;
  readonly realm: string;
  /** Null where TLS isn't ours to speak of (RFC 6797 §7.2). */
  readonly hstsSeconds: number | null;
  readonly corsOrigins: readonly string[];
  /** Rejects with what keeps the server from working. */
  readonly checkReady: () => Promise<void>;
}

/** The middlewares of all requests, in their order (ARCHITECTURE "The middlewares"). */
export function makeApp(parts: AppParts): Koa<FirnState> {
  const app = new Koa<FirnState>();
  app.use(begin(parts));
  app.use(errors);
  app.use(checkHead);
  app.use(findMount(parts));
  if (parts.corsOrigins.length > 0) app.use(cors(parts.corsOrigins));
  app.use(options);
  app.use(health(parts.checkReady));
  app.use(metrics(parts.metrics, parts.trustedProxies));
  app.use(consolePages());
  app.use(parents);
  app.use(consoleBridge(parts));
  const signIn = makeSignIn(parts.authenticator, parts.realm);
  app.use(cloudBridge(parts, signIn));
  app.use(authenticate(signIn));
  app.use(changesApi(parts));
  app.use(davBridge(parts));
  app.use(nothing);
  // Koa's own catch is behind ours; what comes here is a defect of ours, or a connection that broke.
  app.on('error', (error) => {
    if (isConnectionError(error)) parts.log.debug({ code: error.code }, 'a connection broke');
    else parts.log.error({ err: error }, 'a request failed outside the error middleware');
  });
  return app;
}

/** Request id, logger, counts, and one line a request at level debug. */
function begin({ log, trustedProxies, hstsSeconds, metrics: { requests } }: AppParts): Koa.Middleware<FirnState> {
  return (context, next) => {
    const { req, res, state } = context;
    state.note = requests.begin(req.method ?? '');
    res.on('close', () => {
      requests.end(state.note, state.mount?.kind ?? 'other', res);
      boundRest(req);
    });
    if (hstsSeconds !== null) res.setHeader('Strict-Transport-Security', `max-age=${hstsSeconds}`);
    state.requestId = randomUUID();
    state.remoteAddress = clientAddress(req, trustedProxies);
    if (log.isLevelEnabled('debug')) {
      const startedAt = performance.now();
      const { method } = req;
      res.once('close', () => {
        const url = loggable(state);
        const ms = Math.round(performance.now() - startedAt);
        log.debug({ requestId: state.requestId, method, url, status: res.statusCode, ms }, 'request');
      });
      state.log = log.child({ requestId: state.requestId });
    } else {
      state.log = lazyChild(log, state);
    }
    return next();
  };
}

/**
 * The address without what is secret in it: a query (Nextcloud's iOS app polls with its token there), the tokens of login
 * flows. Undefined where the target is refused: it may hold a password then.
 */
function loggable({ mount, url }: FirnState): string | undefined {
  return mount?.kind === 'cloud' ? url.replace(/(\/index\.php\/).+/s, '$1…') : url;
}

/** A child logger costs more than a small request; it is made when something is to be said. */
function lazyChild(log: Logger, state: FirnState): Logger {
  return {
    debug: log.debug.bind(log),
    info: (facts: object, text: string) => log.info({ requestId: state.requestId, ...facts }, text),
    warn: (facts: object, text: string) => log.warn({ requestId: state.requestId, ...facts }, text),
    error: (facts: object, text: string) => log.error({ requestId: state.requestId, ...facts }, text),
  } as Logger;
}

/** For addresses that nobody answered: Koa would say so in a text of its own. */
function nothing(): never {
  throw new HttpError(404, 'There is nothing here.');
}

function findMount({ mounts, trustedProxies, publicUrl }: AppParts): Koa.Middleware<FirnState> {
  // Without a path it says nothing here.
  const ownUrl = publicUrl !== null && pathOf(publicUrl) !== '' ? publicUrl : null;
  return (context, next) => {
    const { req, state } = context;
    const target = req.url ?? '/';
    const query = target.indexOf('?');
    state.url = query < 0 ? target : target.slice(0, query);
    state.search = query < 0 ? '' : target.slice(query);
    state.prefix = prefixOf(req, trustedProxies, ownUrl);
    state.mount = below(state.prefix, mounts.find(req.headers.host ?? '', state.url));
    return next();
  };
}

/** OPTIONS is answered everywhere, to everyone (PRODUCT A4). */
function options(context: Koa.ParameterizedContext<FirnState>, next: Koa.Next): Promise<void> | undefined {
  if (context.method !== 'OPTIONS') return next();
  send(context, { status: 200, headers: { ...OPTIONS_HEADERS }, body: null });
  return undefined;
}

/** ECONNRESET and its like, and what Node's parser says of a request that ends in its middle (`HPE_…`). */
function isConnectionError(error: NodeJS.ErrnoException): boolean {
  return /^(?:E[A-Z]+|HPE_\w+)$/.test(error.code ?? '');
}
