import type { Logger } from 'pino';
import { startAnswering } from '../answering.js';
import type { Config } from '../config.js';
import { GcTotals } from '../jobs/gc-totals.js';
import { ScrubTotals } from '../jobs/scrub.js';
import type { Counts, Metrics } from '../metrics/metrics.js';
import { openParts } from '../parts.js';
import { type RunningServer, tellLog } from '../server.js';
import type { CallsOfWorkers, CallsToWorkers } from './calls.js';
import { Channel } from './channel.js';

/** A worker, started: it answers requests, and all else is done by the process that started it. */
export interface RunningWorker extends RunningServer {
  /** Resolves when the other process wants it to end. */
  readonly isToStop: Promise<void>;
}

/** Opens the storage as the worker `name` of the server that has claimed it, and listens. Rejects as `startServer` does. */
export async function startWorker(config: Config, name: string, log: Logger): Promise<RunningWorker> {
  let stop = () => {};
  const isToStop = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let own: Metrics | null = null;
  const answers: CallsToWorkers = { stop, counts: async (): Promise<Counts> => (await own?.counts()) ?? [] };
  const server = new Channel<CallsOfWorkers>(process, answers);
  const turns = {
    take: () => server.ask('take'),
    give: () => server.tell('give'),
    failed: (failure: Parameters<CallsOfWorkers['failed']>[0]) => server.ask('failed', failure),
    makeRoom: () => server.ask('makeRoom'),
    emptyLog: () => server.ask('emptyLog'),
  };
  const parts = await openParts(config, { worker: { name, turns }, tell: tellLog(log) });
  const answering = await startAnswering(
    parts,
    {
      ...surroundings(server),
      shownBy: (metrics) => {
        own = metrics;
        return { contentType: metrics.contentType, text: () => server.ask('metrics') };
      },
    },
    log,
  );
  server.tell('listening', answering.url);
  const end = async () => {
    await answering.stop();
    await parts.engines.close();
  };
  return { url: answering.url, parts, isToStop, stop: end };
}

function surroundings(server: Channel<CallsOfWorkers>) {
  return {
    cluster: null,
    background: { jobs: { stats: () => [] }, gc: new GcTotals(), scrub: new ScrubTotals() },
    onReceived: ({ driveId, driveQuotaBytes }: Parameters<CallsOfWorkers['received']>[0], bytes: number) =>
      server.tell('received', { driveId, driveQuotaBytes }, bytes),
    underWay: {
      begin: (counter: string) => server.tell('beginGuess', counter),
      end: (counter: string, isWrong: boolean) => server.tell('endGuess', counter, isWrong),
      has: (counter: string) => server.ask('hasGuess', counter),
      ended: (counter: string) => server.ask('guessEnded', counter),
    },
  };
}
