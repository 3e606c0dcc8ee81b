import cluster from 'node:cluster';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import type { RunningServer } from '../server.js';
import { nameOfWorker } from './crew.js';
import { startPrimary } from './primary.js';
import { startWorker } from './worker.js';

interface Started {
  readonly server: RunningServer;
  /** Says which worker it is. */
  readonly log: Logger;
  /** Of a worker alone. */
  readonly isToStop: Promise<void> | null;
}

/** Starts what this process is: the one that starts workers, or one of these. Rejects as `startServer` does. */
export async function startAsOneOfMany(config: Config, log: Logger): Promise<Started> {
  const { worker } = cluster;
  if (!worker) return { server: await startPrimary(config, log), log, isToStop: null };
  const own = log.child({ worker: worker.id });
  const server = await startWorker(config, nameOfWorker(worker), own);
  return { server, log: own, isToStop: server.isToStop };
}
