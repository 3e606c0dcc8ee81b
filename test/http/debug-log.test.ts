import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import { sendRequest } from '../support/http-client.js';

test('security Low — at the lowest level the log holds addresses, but no token and no password from them', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'firn-log-'));
  const environment = { FIRN_HOST: '127.0.0.1', FIRN_PORT: '0', FIRN_STORAGE: path.join(folder, 'storage') };
  let written = '';
  const write = (line: string) => {
    written += line;
  };
  const log = pino({ level: 'trace' }, { write });
  const running = await startServer({ ...readConfig(environment, folder), shutdownGraceSeconds: 0 }, log);
  try {
    const port = Number(new URL(running.url).port);
    const send = (method: string, target: string) => sendRequest(port, method, target, {});
    const { login, poll } = JSON.parse((await send('POST', '/index.php/login/v2')).text);
    const token = new URL(login).pathname.split('/').at(-1)!;
    const begun = await send('GET', '/index.php/login/flow');
    const tokens = [token, poll.token, begun.headers.location!.split('/').at(-1)!, 'hunter2'];
    for (const target of [
      new URL(login).pathname,
      `http://127.0.0.1/index.php/login/v2/flow/${token}`,
      `//index.php//login//v2//flow//${token}`,
      `/dav/123456/index.php/login/v2/flow/${token}`,
      `/index.php/login/v2/%66low/${token}`,
      begun.headers.location!,
      `/index.php/login/v2/poll?token=${poll.token}`,
      `/console/?token=${poll.token}`,
      'http://alice:hunter2@127.0.0.1/dav/123456/',
    ]) {
      await send('GET', target);
      await send('POST', target);
    }
    await send('GET', '/dav/123456/seen');
    await running.stop();
    expect(tokens.filter((secret) => written.includes(secret))).toEqual([]);
    expect(written).toContain('/dav/123456/seen');
    expect(written.split('\n').filter((line) => line.includes('"msg":"request"')).length).toBe(21);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
