import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection, RawAnswer } from '../support/http-client.js';
import { authorizationOf, TestServer } from '../support/make-server.js';

/** Too large for the database. */
const SIZE = 100_000;
let server: TestServer;
let connection: Connection;

beforeAll(async () => {
  server = await TestServer.start();
  connection = await server.connect();
});
afterAll(async () => {
  connection.close();
  await server.stop();
});

async function ask(method: string, target: string, body = ''): Promise<RawAnswer> {
  const authorization = `Authorization: ${authorizationOf('alice')}`;
  connection.writeHead(`${method} ${target} HTTP/1.1`, 'Host: x', authorization, `Content-Length: ${body.length}`);
  connection.write(body);
  return connection.readAnswer();
}

/** Takes all descriptors from this process, and with them from the server in it; gives what brings them back. */
async function takeDescriptors(): Promise<() => Promise<void>> {
  const set = `prlimit --pid ${process.pid} --nofile=`;
  // Started before, because without a descriptor nothing can be started.
  const script = `old=$(${set.slice(0, -1)} --noheadings --output SOFT) && ${set}1: && echo taken && read _ && ${set}$old: && echo back`;
  const child: ChildProcess = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const says = async (word: string) => expect(String((await once(child.stdout!, 'data'))[0]).trim()).toBe(word);
  await says('taken');
  return async () => {
    child.stdin!.write('\n');
    await says('back');
  };
}

describe('security Low — out of file descriptors', () => {
  test('what needs a file is 503 with a time to come back, the rest works, and all of it does afterwards', async () => {
    const body = randomBytes(SIZE / 2).toString('hex');
    const target = '/dav/123456/file';
    // Whatever is loaded or kept at the first use is there then.
    const steps = async () => [
      await ask('PUT', target, body),
      await ask('GET', target),
      await ask('PUT', '/dav/123456/small', 'small'),
      await ask('GET', '/dav/123456/small'),
      await ask('GET', '/healthz'),
    ];
    const statuses = (answers: RawAnswer[]) => answers.map(({ status }) => status);
    expect(statuses(await steps())).toEqual([201, 200, 201, 200, 200]);
    const giveBack = await takeDescriptors();
    let answers: RawAnswer[];
    let refused: unknown;
    try {
      answers = await steps();
      refused = await server.send('GET', '/healthz').catch((error: NodeJS.ErrnoException) => error.code);
    } finally {
      await giveBack();
    }
    expect(statuses(answers)).toEqual([503, 503, 204, 200, 200]);
    expect(answers.map(({ headers }) => headers['retry-after'])).toEqual(['5', '5', undefined, undefined, undefined]);
    expect(answers[1]!.body).toContain('too many files open');
    // Of this process too no connection comes without one.
    expect(refused).toBe('EMFILE');
    expect(statuses(await steps())).toEqual([204, 200, 204, 200, 200]);
    expect((await server.send('GET', '/healthz')).status).toBe(200);
  });
});
