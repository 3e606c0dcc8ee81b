import { type Logger, pino } from 'pino';
import { type Config, readConfig } from './config.js';
import { prepareFirstStart } from './first-start.js';
import { type RunningServer, startServer } from './server.js';

/** How long a forced end may take after a second signal or a defect, in milliseconds. */
const EXIT_MS = 1_000;

async function start(): Promise<void> {
  const config = readConfig();
  const plain = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  const { server, log, isToStop } = await startOneOf(config, plain);
  const welcome = isToStop ? null : await prepareFirstStart(server.parts, server.url);
  endAtSignals(server, log, isToStop);
  if (isToStop) return;
  // Last: who reads this may send a signal at once.
  if (welcome) console.log(welcome);
  console.log(`listening on ${server.url}`);
  log.info({ url: server.url, storage: config.storage }, 'started');
}

/** Where there is one process, nothing of workers is loaded. */
async function startOneOf(config: Config, log: Logger) {
  if (config.workers === 1) return { server: await startServer(config, log), log, isToStop: null };
  const { startAsOneOfMany } = await import('./workers/start.js');
  return startAsOneOfMany(config, log);
}

/** `isToStop`, of a worker: the process that started it wants it to end. */
function endAtSignals(server: RunningServer, log: Logger, isToStop: Promise<void> | null): void {
  let ending: Promise<void> | null = null;
  let signals = 0;
  const end = async (signal: string) => {
    log.info({ signal }, 'ending');
    await server.stop();
    log.info('ended');
    // An ordinary end closes the database, which isn't to be trusted after its disk failed.
    if (server.parts.engines.durability.trouble() !== null) process.exit(1);
    // Its channel to the other process would keep it.
    if (isToStop) process.exit(0);
  };
  const endOnce = (signal: string) => {
    ending ??= end(signal);
    return ending;
  };
  void isToStop?.then(() => endOnce('stop'));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (++signals > 1) process.exit(1);
      void endOnce(signal);
    });
  }
  // No request gets here: errors end in the error middleware. What does is a defect, whose process can't be trusted.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      log.fatal({ err: error }, 'a defect outside of any request');
      setTimeout(() => process.exit(1), EXIT_MS).unref();
      void endOnce(event).finally(() => process.exit(1));
    });
  }
}

/** Reads the settings, starts the server, and ends it at a signal. Ends the process where it can't start. */
export async function serve(): Promise<void> {
  try {
    await start();
  } catch (error) {
    console.error(`firn: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}
