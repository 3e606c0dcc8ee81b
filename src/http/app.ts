import { randomUUID } from 'node:crypto';
import type { BlockList } from 'node:net';
import Koa from 'koa';
import type { Logger } from 'pino';
import type { Authenticator } from '../accounts/authenticator.js';
import { OPTIONS_HEADERS } from '../dav/dispatch.js';
import { HttpError } from '../http-error.js';
import { makeSignIn } from './authenticate.js';
import { type ChangesApiParts, changesAnswer } from './changes-api.js';
import { type CloudParts, cloudAnswer } from './cloud-bridge.js';
import { type ConsoleBridgeParts, consoleAnswer } from './console-bridge.js';
import { pagesAnswer } from './console-pages.js';
import type { Answer, Context, FirnState } from './context.js';
import { preflightAnswer } from './cors.js';
import { driveAnswer } from './dav-bridge.js';
import { errors } from './errors.js';
import { clientAddress } from './forwarded.js';
import { answerHealth, readinessAnswer } from './health.js';
import { boundRest } from './http-body.js';
import { answerMetrics, type MetricsParts } from './metrics.js';
import type { Mount, MountKind, MountOf } from './mounts.js';
import { answerParent } from './parents.js';
import { below, pathOf, prefixOf } from './prefix.js';
import { checkHead } from './request-head.js';
import { send } from './send.js';

export interface AppParts extends CloudParts, ChangesApiParts, ConsoleBridgeParts {
  readonly authenticator: Authenticator;
  readonly realm: string;
  readonly metrics: MetricsParts;
  readonly trustedProxies: BlockList;
  /** Rejects with what keeps the server from working. */
  readonly checkReady: () => Promise<void>;
  readonly log: Logger;
  /** Null where TLS isn't ours to speak of (RFC 6797 §7.2). */
  readonly hstsSeconds: number | null;
  readonly corsOrigins: readonly string[];
}

/** What every request passes in this order; then the table of mounts answers it. */
export function makeApp(parts: AppParts): Koa<FirnState> {
  const app = new Koa<FirnState>();
  app.use(begin(parts));
  app.use(errors);
  app.use(checkHead);
  app.use(answerAtMount(parts));
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
    state.url = state.search = state.prefix = '';
    state.mount = state.challenge = null;
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
  if (mount === null) return undefined;
  return mount.kind === 'cloud' ? url.replace(/(\/index\.php\/).+/s, '$1…') : url;
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

/** Finds where a request leads, and lets it be answered there; OPTIONS is answered alike everywhere, to everyone (PRODUCT A4). */
function answerAtMount(parts: AppParts): Koa.Middleware<FirnState> {
  const find = mountFinder(parts);
  const isPreflight = preflightAnswer(parts.corsOrigins);
  const answer = answersOf(parts);
  return (context) => {
    const mount = find(context);
    if (isPreflight(context)) return undefined;
    if (context.method !== 'OPTIONS') return answer(context, mount);
    send(context, { status: 200, headers: { ...OPTIONS_HEADERS }, body: null });
    return undefined;
  };
}

type Answers = { readonly [Kind in MountKind]: Answer<Kind> };

/** Makes what answers a request by the kind of its mount: the one place that says where each address is answered. */
function answersOf(parts: AppParts): <Kind extends MountKind>(context: Context, mount: MountOf<Kind>) => Promise<void> {
  const signIn = makeSignIn(parts.authenticator, parts.realm);
  const answers: Answers = {
    drive: driveAnswer(parts, signIn),
    cloud: cloudAnswer(parts, signIn),
    api: changesAnswer(parts, signIn),
    'console-api': consoleAnswer(parts),
    console: pagesAnswer(),
    parent: answerParent,
    other: otherAnswer(parts),
  };
  return (context, mount) => answers[mount.kind](context, mount);
}

/** Answers what is no drive's and no page's: the probes, the metrics, and 404 for all else. */
function otherAnswer({ checkReady, metrics, trustedProxies }: AppParts): Answer<'other'> {
  const answerReadiness = readinessAnswer(checkReady);
  return async (context, { path }) => {
    switch (path) {
      case '/healthz':
        return answerHealth(context);
      case '/readyz':
        return answerReadiness(context);
      case '/metrics':
        return answerMetrics(metrics, trustedProxies, context);
      default:
        throw new HttpError(404, 'There is nothing here. Drives are at /dav/ID/, with the ID of the drive.');
    }
  };
}

/** Makes what splits the address of a request, and notes its parts and its mount. */
function mountFinder({ mounts, trustedProxies, publicUrl }: AppParts): (context: Context) => Mount {
  // Without a path it says nothing here.
  const ownUrl = publicUrl !== null && pathOf(publicUrl) !== '' ? publicUrl : null;
  return ({ req, state }) => {
    const target = req.url ?? '/';
    const query = target.indexOf('?');
    state.url = query < 0 ? target : target.slice(0, query);
    state.search = query < 0 ? '' : target.slice(query);
    state.prefix = prefixOf(req, trustedProxies, ownUrl);
    const mount = below(state.prefix, mounts.find(req.headers.host ?? '', state.url));
    state.mount = mount;
    return mount;
  };
}

/** ECONNRESET and its like, and what Node's parser says of a request that ends in its middle (`HPE_…`). */
function isConnectionError(error: NodeJS.ErrnoException): boolean {
  return /^(?:E[A-Z]+|HPE_\w+)$/.test(error.code ?? '');
}
