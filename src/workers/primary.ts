import { createServer } from 'node:net';
import type { Logger } from 'pino';
import { UnderWay } from '../accounts/throttle.js';
import { makeBackgroundMetrics } from '../app-parts.js';
import { type Background, prepareBackground } from '../background.js';
import { type Config, ConfigError, checkMayListen } from '../config.js';
import type { Metrics } from '../metrics/metrics.js';
import { openParts, type Parts } from '../parts.js';
import { type RunningServer, tellLog } from '../server.js';
import { Crew, type WorkerSide } from './crew.js';

/** Beyond the grace of running requests: what interrupted ones may take, and a disk that is slow. */
const END_MS = 20_000;

/**
 * As `startServer`, with workers that answer the requests: this process has the claim, the log and the jobs
 * (docs/decisions/0025).
 */
export async function startPrimary(config: Config, log: Logger): Promise<RunningServer> {
  checkMayListen(config);
  const parts = await openParts(config, { mayMake: true, isServer: true, hasWorkers: true, tell: tellLog(log) });
  try {
    return await run(parts, log);
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function run(parts: Parts, log: Logger): Promise<RunningServer> {
  const { config } = parts;
  if (!parts.engines.lendTurns) throw new ConfigError('workers need the metadata engine sqlite.');
  const port = await findPort(config);
  const background = await prepareBackground(parts, log);
  const metrics = makeBackgroundMetrics(parts, background);
  const underWay = new UnderWay();
  const crew: Crew = new Crew({
    count: config.workers,
    // One that is started later finds the same.
    environment: { FIRN_PORT: String(port) },
    endMs: (config.drainSeconds + config.shutdownGraceSeconds) * 1000 + END_MS,
    side: (name) => makeSide(name, { parts, background, underWay, textOfAll: () => textOfAll(crew, metrics) }),
    log,
  });
  const url = await crew.start();
  await background.start();
  const stop = async () => {
    await Promise.all([crew.stop(), background.jobs.stop()]);
    await background.end();
    await parts.close();
  };
  return { url, parts, stop };
}

async function textOfAll(crew: Crew, metrics: Metrics): Promise<string> {
  return metrics.textOfAll(await crew.counts());
}

interface SideMeans {
  readonly parts: Parts;
  readonly background: Background;
  readonly underWay: UnderWay;
  readonly textOfAll: () => Promise<string>;
}

/** What a worker may ask of this process, and what it leaves when it ends. */
function makeSide(name: string, { parts, background, underWay, textOfAll }: SideMeans): WorkerSide {
  const { engines } = parts;
  const turns = engines.lendTurns!();
  /** Guesses that the worker checks; wrong where it ends meanwhile. */
  const guesses: string[] = [];
  return {
    answers: {
      take: () => turns.take(),
      give: () => turns.give(),
      failed: (failure) => turns.failed(failure),
      makeRoom: () => turns.makeRoom(),
      emptyLog: () => turns.emptyLog(),
      beginGuess: (counter) => {
        guesses.push(counter);
        underWay.begin(counter);
      },
      endGuess: (counter, isWrong) => {
        guesses.splice(guesses.indexOf(counter), 1);
        underWay.end(counter, isWrong);
      },
      hasGuess: (counter) => underWay.has(counter),
      guessEnded: (counter) => underWay.ended(counter),
      received: background.onReceived,
      metrics: textOfAll,
    },
    gone: async () => {
      for (const counter of guesses) underWay.end(counter, true);
      await turns.gone();
      // With leases they are found by these.
      if (!engines.leases) await engines.blobs.clearIncoming(name);
    },
  };
}

/** The port that the workers will listen on. Rejects when the address is taken, or isn't one of this machine. */
function findPort({ host, port }: Config): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });
}
