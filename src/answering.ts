import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Authenticator } from './accounts/authenticator.js';
import { type GuessesUnderWay, Throttle } from './accounts/throttle.js';
import { makeAppParts, type ServerParts } from './app-parts.js';
import type { DriveDependencies } from './drive/drive.js';
import { ChangeWatch } from './drive/sync/change-watch.js';
import { makeApp } from './http/app.js';
import { HttpServer } from './http/http-server.js';
import { ConnectionCounts } from './metrics/connection-counts.js';
import type { Parts } from './parts.js';

/** What answering requests needs of the rest of the server, which may be another process. */
export interface Surroundings extends Pick<ServerParts, 'background' | 'cluster' | 'shownBy'> {
  readonly onReceived: NonNullable<DriveDependencies['onReceived']>;
  /** Absent: no other process checks passwords. */
  readonly underWay?: GuessesUnderWay;
}

export interface Answering {
  readonly url: string;
  /** Takes no new connections, lets transfers finish for a while, and ends the others. */
  stop(): Promise<void>;
}

/** Listens. Rejects when a setting or the address doesn't allow it. */
export async function startAnswering(parts: Parts, around: Surroundings, log: Logger): Promise<Answering> {
  const damages = parts.makeDamages(log, null);
  parts.onDamage = (content) => damages.found(content);
  const own = await makeServerParts(parts, around, log);
  const { authenticator, changeWatch, connections } = own;
  let isLeaving = false;
  const app = makeApp(makeAppParts(parts, { ...own, isLeaving: () => isLeaving }));
  const http = new HttpServer(app.callback(), parts.config, { connections, log });
  await http.listen();
  const stop = async () => {
    isLeaving = true;
    await wait(parts.config.drainSeconds * 1000);
    changeWatch.stop();
    await http.close();
    await parts.drives.uploads.stop();
    await authenticator.close();
  };
  return { url: http.url, stop };
}

async function makeServerParts(
  parts: Parts,
  around: Surroundings,
  log: Logger,
): Promise<Omit<ServerParts, 'isLeaving'>> {
  const { config, engines, passwords, audit, now } = parts;
  const { onReceived, underWay, ...shown } = around;
  const box = await parts.openSecretBox();
  return {
    ...shown,
    box,
    imports: await parts.openImports(),
    drives: engines.leases ? parts.drives : { ...parts.drives, onReceived },
    authenticator: new Authenticator(engines.metadata, passwords, {
      audit,
      throttle: new Throttle(engines.metadata, { box, now, ...(underWay && { underWay }) }),
      box,
      now,
      mayLackFactor: !config.secondFactorRuleForDrives,
      onError: (error) => log.error({ err: error }, 'the use of app passwords could not be noted'),
    }),
    changeWatch: new ChangeWatch(engines.metadata),
    connections: new ConnectionCounts(),
    log,
  };
}
