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

/**
 * The requests that a server, booted with `FIRN_LOG_LEVEL=debug`, has seen the end of while `work` was done. Of several nodes those of all,
 * by the time that each noted, but for the balancer's looks at them.
 */
export async function requestsDuring(server: BootedServer, work: () => Promise<unknown>): Promise<SeenRequest[]> {
  const begin = await writeMarks(server);
  await work();
  const end = await writeMarks(server);
  const lines = server.processes.flatMap(({ log }) => {
    const first = log.indexOf(begin);
    if (first < 0) throw new Error('the log has lost the begin of what is looked for');
    return log.slice(first, log.indexOf(end)).split('\n').slice(1);
  });
  const seen = lines.flatMap((line) => (line.includes('"msg":"request"') ? [readLine(line)] : []));
  return seen
    .sort((a, b) => a.time - b.time)
    .flatMap(({ time: _time, ...request }) => (request.path === '/readyz' ? [] : [request]));
}

/** Sends a request to each process that is found again in its log: what was answered before stands above it. */
async function writeMarks(server: BootedServer): Promise<string> {
  const mark = `/mark-${randomUUID()}`;
  for (const [index, { url }] of server.processes.entries()) {
    await (url.startsWith('http:') ? fetch : fetchFrom(server))(url + mark);
    await waitUntil('the server has logged a request', () => server.processes[index]!.log.includes(mark));
  }
  return mark;
}

function readLine(line: string): SeenRequest & { readonly time: number } {
  const { method, url, status, time } = JSON.parse(line) as {
    method: string;
    url: string;
    status: number;
    time: number | string;
  };
  return { method, path: decodeURIComponent(url.replace(/\?.*$/, '')), status, time: new Date(time).getTime() };
}
