import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { parsePrometheus } from '../support/prometheus-text.js';
import { waitUntil } from '../support/run-program.js';

/** The processes that a process has started, by what the kernel says. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Longer than any answer takes, on a busy machine. */
const answerTimeoutMs = 25_000;

/** Connections of their own, which the workers get by turns. */
class Client {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  /** Requests that nothing came of in `answerTimeoutMs`. */
  timeouts = 0;

  constructor(private readonly server: BootedServer) {}

  send(method: string, target: string, options: { body?: string; password?: string } = {}): Promise<Answer> {
    const { user, password } = this.server;
    const authorization = `Basic ${Buffer.from(`${user}:${options.password ?? password}`).toString('base64')}`;
    const url = new URL(target, this.server.pathMount);
    return new Promise((resolve, reject) => {
      const request = http.request(url, { method, agent: this.#agent, headers: { authorization } }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        answer.on('error', reject);
      });
      request.on('error', reject);
      request.setTimeout(answerTimeoutMs, () => {
        this.timeouts++;
        request.destroy(new Error(`${method} ${target} has no answer`));
      });
      request.end(options.body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

describe('workers: 2', () => {
  let server: BootedServer;
  beforeAll(async () => {
    server = await bootServer({
      settings: { workers: 2, shutdownGraceSeconds: 10 },
      environment: { FIRN_LOG_LEVEL: 'info' },
    });
  });
  afterAll(() => server?.remove());
  const workers = () => childrenOf(server.pid);

  async function withClients<T>(work: (one: Client, other: Client) => Promise<T>): Promise<T> {
    const clients = [new Client(server), new Client(server)] as const;
    try {
      return await work(...clients);
    } finally {
      for (const client of clients) client.close();
    }
  }

  /** What one scrape says, by name and labels. */
  async function scrape(): Promise<Map<string, number>> {
    const metrics = parsePrometheus(await (await fetch(`${server.url}/metrics`)).text());
    return new Map(
      [...metrics.values()].flatMap(({ samples }) =>
        samples.map(({ name, labels, value }) => [`${name} ${Object.values(labels).join(' ')}`.trim(), value] as const),
      ),
    );
  }

  test('two processes answer, beside the one that has the claim', async () => {
    expect(await workers()).toHaveLength(2);
    await withClients(async (one, other) => {
      expect((await one.send('PUT', 'seen.txt', { body: 'by all' })).status).toBe(201);
      expect(await other.send('GET', 'seen.txt')).toEqual({ status: 200, text: 'by all' });
    });
  });

  test('one scrape shows the counts of both, and each number of the storage once', async () => {
    const puts = 'firn_requests_total PUT drive 2xx';
    const before = (await scrape()).get(puts) ?? 0;
    await withClients(async (one, other) => {
      for (const client of [one, other, one, other]) await client.send('PUT', 'counted.txt', { body: 'x' });
      expect((await one.send('GET', 'counted.txt')).status).toBe(200);
    });
    const counts = await scrape();
    expect(counts.get(puts)).toBe(before + 4);
    expect(counts.get('firn_drives')).toBe(1);
    expect(counts.get('firn_store_failing')).toBe(0);
    expect(counts.get('firn_connections_total')).toBeGreaterThan(2);
    for (const client of [1, 2]) expect((await fetch(`${server.url}/readyz`)).status, `${client}`).toBe(200);
  });

  test('a withdrawn app password is refused by both at once', async () => {
    const password = (await server.firn('app-password', 'create', server.user, 'short-lived')).trim();
    await withClients(async (one, other) => {
      for (const client of [one, other]) expect((await client.send('PROPFIND', '', { password })).status).toBe(207);
      await server.firn('app-password', 'revoke', server.user, '2');
      for (const client of [one, other]) expect((await client.send('PROPFIND', '', { password })).status).toBe(401);
    });
  });

  test('PRODUCT S5 — right passwords that come to both at once all get in', async () => {
    const { accountPassword: password } = server;
    const clients = Array.from({ length: 24 }, () => new Client(server));
    // Not known from before: each client brings a credential that a worker has to hash.
    await server.restart();
    const answers = await Promise.all(clients.map((client) => client.send('PROPFIND', '', { password })));
    for (const client of clients) client.close();
    expect(answers.map(({ status }) => status)).toEqual(clients.map(() => 207));
  });

  test('a change that one worker makes wakes who waits at the other', async () => {
    const { driveId } = server;
    await withClients(async (one, other) => {
      const feed = `${server.url}/api/drives/${driveId}/changes`;
      const { cursor } = JSON.parse((await one.send('GET', feed)).text) as { cursor: string };
      const waiting = one.send('GET', `${feed}?since=${encodeURIComponent(cursor)}&timeout=20`);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const changedAt = performance.now();
      await other.send('PUT', 'woken.txt', { body: 'x' });
      expect((await waiting).text).toContain('woken.txt');
      expect(performance.now() - changedAt).toBeLessThan(5_000);
    });
  });

  test('a second server is refused, also where the first one has workers', async () => {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, '../../dist/main.js')], {
      env: { ...process.env, FIRN_STORAGE: server.storage, FIRN_PORT: '0', FIRN_WORKERS: '2' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(said).toMatch(/another Firn server is running/);
  });

  describe('killed', () => {
    beforeEach(async () => {
      await waitUntil('two workers answer', async () => (await workers()).length === 2);
    });

    test('a worker that is killed is started again; what was acknowledged is there, its leftovers are not', {
      timeout: 120_000,
    }, async () => {
      const incoming = path.join(server.storage, 'incoming');
      const before = await scrape();
      const acknowledged: string[] = [];
      let isOver = false;
      const write = async (client: Client, number: number) => {
        for (let count = 0; !isOver; count++) {
          const name = `kill-${number}-${count}.txt`;
          // Every fourth is a file of its own, on its way through incoming/.
          const body = 'x'.repeat(count % 4 === 0 ? 300_000 : 100);
          const answer = await client.send('PUT', name, { body }).catch(() => null);
          if (answer?.status === 201) acknowledged.push(name);
        }
      };
      const clients = Array.from({ length: 4 }, () => new Client(server));
      const load = Promise.all(clients.map(write));
      for (let round = 0; round < 3; round++) {
        await waitUntil('both write', async () => acknowledged.length > 20 * (round + 1));
        const [first] = await workers();
        process.kill(first!, 'SIGKILL');
        await waitUntil('another one', async () => server.logs().split('another worker answers').length === round + 2);
        expect(await workers()).not.toContain(first);
      }
      isOver = true;
      await load;
      for (const client of clients) client.close();
      // A connection that was handed to a worker which had just died would wait for good.
      expect(clients.map(({ timeouts }) => timeouts)).toEqual([0, 0, 0, 0]);
      const listing = await withClients((one) => one.send('PROPFIND', ''));
      expect(acknowledged.filter((name) => !listing.text.includes(name))).toEqual([]);
      expect(await readdir(incoming)).toEqual([]);
      await server.firn('fsck');
      const counted = (await scrape()).get('firn_connections_total')!;
      expect(counted).toBeGreaterThanOrEqual(before.get('firn_connections_total')!);
      expect(server.logs()).toMatch(/a worker ended; another one is started/);
    });

    test('with the one that started them killed they end at once, and the next start has the storage', async () => {
      const former = await workers();
      await server.kill();
      await waitUntil('they have ended', async () => !former.some(isAlive), 5);
      await server.restart();
      await withClients(async (one) => expect((await one.send('GET', 'seen.txt')).text).toBe('by all'));
    });

    test('a worker that is stopped keeps the claim: the next start waits until it has ended', async () => {
      const former = await workers();
      // It can't notice that the other one has gone.
      process.kill(former[0]!, 'SIGSTOP');
      await server.kill();
      const started = server.restart();
      let isStarted = false;
      void started.then(() => {
        isStarted = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      expect(isStarted).toBe(false);
      process.kill(former[0]!, 'SIGCONT');
      await started;
      // The claim goes with the descriptor, a moment before the process does.
      await waitUntil('the former ones have ended', () => !former.some(isAlive), 5);
    });

    test('SIGTERM lets requests end in both, and ends all', async () => {
      const former = await workers();
      const slow = Array.from({ length: 2 }, (_, number) => {
        const url = new URL(`slow-${number}.txt`, server.pathMount);
        const headers = { authorization: server.authorization, 'content-length': 4 };
        const request = http.request(url, { method: 'PUT', headers, agent: false });
        request.write('ab');
        const status = once(request, 'response').then(([answer]) => (answer as http.IncomingMessage).statusCode);
        return { request, status };
      });
      await new Promise((resolve) => setTimeout(resolve, 500));
      const stopped = server.stop();
      await new Promise((resolve) => setTimeout(resolve, 500));
      for (const { request } of slow) request.end('cd');
      expect(await Promise.all(slow.map(({ status }) => status))).toEqual([201, 201]);
      await stopped;
      expect(former.filter(isAlive)).toEqual([]);
      await server.restart();
      await server.firn('fsck');
    });
  });
});

test('workers: 1 starts no other process, and loads nothing of workers', async () => {
  const server = await bootServer();
  try {
    expect(await childrenOf(server.pid)).toEqual([]);
  } finally {
    await server.remove();
  }
});
