import { randomUUID } from 'node:crypto';
import type { BootedServer } from './boot-server.js';
import { waitUntil } from './run-program.js';
import { fetchFrom } from './server-fetch.js';

/** A request as the server's log has it at level debug. */
export interface SeenRequest {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly status: number;
}

/** The requests that a server, booted with `FIRN_LOG_LEVEL=debug`, has seen the end of while `work` was done. */
export async function requestsDuring(server: BootedServer, work: () => Promise<unknown>): Promise<SeenRequest[]> {
  const begin = await writeMark(server);
  await work();
  const end = await writeMark(server);
  const log = server.logs();
  const first = log.indexOf(begin);
  if (first < 0) throw new Error('the log has lost the begin of what is looked for');
  const lines = log.slice(first, log.indexOf(end)).split('\n').slice(1);
  return lines.flatMap((line) => (line.includes('"msg":"request"') ? [readLine(line)] : []));
}

/** Sends a request that is found again in the log: what was answered before stands above it. */
async function writeMark(server: BootedServer): Promise<string> {
  const mark = `/mark-${randomUUID()}`;
  await fetchFrom(server)(server.url + mark);
  await waitUntil('the server has logged a request', () => server.logs().includes(mark));
  return mark;
}

function readLine(line: string): SeenRequest {
  const { method, url, status } = JSON.parse(line) as { method: string; url: string; status: number };
  return { method, path: decodeURIComponent(url.replace(/\?.*$/, '')), status };
}
