import type { Logger } from 'pino';
import { startAnswering } from './answering.js';
import { prepareBackground } from './background.js';
import { Cluster } from './cluster/cluster.js';
import { type Config, checkMayListen, readVersion } from './config.js';
import { openParts, type Parts } from './parts.js';
import type { Tell } from './stores/durability.js';

export interface RunningServer {
  readonly url: string;
  readonly parts: Parts;
  /** Takes no new connections, lets transfers finish for a while, ends the others, closes the stores. */
  stop(): Promise<void>;
}

/** What the engines have to say goes to the log. */
export function tellLog(log: Logger): Tell {
  return ({ level, message, cause }) => log[level](cause === undefined ? {} : { err: cause }, message);
}

/** Wires everything and listens. Rejects when a setting, the storage or the address doesn't allow it. */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  checkMayListen(config);
  const parts = await openParts(config, { mayMake: true, isServer: true, tell: tellLog(log) });
  try {
    return await run(parts, log);
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function run(parts: Parts, log: Logger): Promise<RunningServer> {
  // Who has another key than the others leaves nothing behind.
  await parts.openSecretBox();
  const cluster = await joinCluster(parts, log);
  try {
    return await runIn(cluster, parts, log);
  } catch (error) {
    await cluster?.leave();
    throw error;
  }
}

async function joinCluster({ config, engines }: Parts, log: Logger): Promise<Cluster | null> {
  const { cluster: engine, checkBucket } = engines;
  if (!engine) return null;
  return Cluster.join({ engine, checkBucket, log }, { name: config.nodeName, version: readVersion() });
}

async function runIn(cluster: Cluster | null, parts: Parts, log: Logger): Promise<RunningServer> {
  const background = await prepareBackground(parts, log);
  const { onReceived } = background;
  const around = { background, cluster, onReceived, shownBy: <T>(own: T) => own };
  const answering = await startAnswering(parts, around, log);
  await background.start();
  const stop = async () => {
    await Promise.all([answering.stop(), background.jobs.stop()]);
    await background.end();
    await cluster?.leave();
    await parts.engines.close();
  };
  return { url: answering.url, parts, stop };
}
