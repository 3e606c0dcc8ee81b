import { pino } from 'pino';
import { readConfig } from './config.js';
import { prepareFirstStart } from './first-start.js';
import { startServer } from './server.js';

/** How long a forced end may take after a second signal or a defect, in milliseconds. */
const EXIT_MS = 1_000;

async function start(): Promise<void> {
  const config = readConfig();
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
  const server = await startServer(config, log);
  const welcome = await prepareFirstStart(server.parts, server.url);
  let isEnding = false;
  const end = async (signal: string) => {
    if (isEnding) process.exit(1);
    isEnding = true;
    log.info({ signal }, 'ending');
    await server.stop();
    log.info('ended');
    // An ordinary end closes the database, which isn't to be trusted after its disk failed.
    if (server.parts.engines.durability.trouble() !== null) process.exit(1);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal));
  // No request gets here: errors end in the error middleware. What does is a defect, whose process can't be trusted.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      log.fatal({ err: error }, 'a defect outside of any request');
      setTimeout(() => process.exit(1), EXIT_MS).unref();
      void end(event).finally(() => process.exit(1));
    });
  }
  // Last: who reads this may send a signal at once.
  if (welcome) console.log(welcome);
  console.log(`listening on ${server.url}`);
  log.info({ url: server.url, storage: config.storage }, 'started');
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
