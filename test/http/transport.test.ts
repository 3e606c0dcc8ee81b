import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkMayListen, readConfig } from '../../src/config.js';
import { authorizationOf, DRIVE_ID, TestServer } from '../support/make-server.js';

const folder = mkdtempSync(path.join(tmpdir(), 'firn-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('PRODUCT A5 — TLS', () => {
  const certificate = path.join(folder, 'cert.pem');
  const key = path.join(folder, 'key.pem');
  let server: TestServer;

  beforeAll(async () => {
    const names = ['-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...names], { stdio: 'ignore' });
    server = await TestServer.start({ tlsCertificate: certificate, tlsKey: key });
  });
  afterAll(() => server.stop());

  const send = (method: string, target: string, body?: string) =>
    new Promise<{ status: number; text: string; headers: IncomingHttpHeaders }>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, rejectUnauthorized: false };
      const headers = { Authorization: authorizationOf('alice') };
      const outgoing = request({ ...options, method, path: `/dav/${DRIVE_ID}${target}`, headers }, (incoming) => {
        let text = '';
        incoming.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode!, text, headers: incoming.headers }));
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  it('is built in: files go up and come down', async () => {
    expect((await send('PUT', '/a.txt', 'over tls')).status).toBe(201);
    expect(await send('GET', '/a.txt')).toMatchObject({ status: 200, text: 'over tls' });
  });

  /** What OpenSSL's own client agrees on with the server: a suite, or null. */
  const suiteFor = (...parameters: string[]): Promise<string | null> =>
    new Promise((resolve) => {
      const all = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-brief', ...parameters];
      const client = execFile('openssl', all, (_error, _output, facts) => {
        resolve(/^Ciphersuite: (\S+)/m.exec(facts)?.[1] ?? null);
      });
      client.stdin!.end();
    });

  it('security Low — TLS 1.2 takes suites with forward secrecy and AEAD alone, and nothing older is spoken', async () => {
    // At this level OpenSSL's client itself offers what it is asked for.
    const offer = (suites: string, version = '-tls1_2') => suiteFor(version, '-cipher', `${suites}@SECLEVEL=0`);
    expect(await offer('ALL')).toMatch(/^ECDHE-RSA-(AES\d+-GCM|CHACHA20)/);
    for (const suite of ['AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305']) {
      expect(await offer(suite)).toBe(suite.startsWith('ECDHE') ? suite : null);
    }
    for (const suites of ['kRSA', 'AES128-SHA', 'ECDHE-RSA-AES128-SHA', 'ECDHE-RSA-AES256-SHA384', 'kDHE', 'aNULL']) {
      expect([suites, await offer(suites)]).toEqual([suites, null]);
    }
    for (const version of ['-tls1', '-tls1_1']) expect(await offer('ALL', version)).toBeNull();
    expect(await suiteFor('-tls1_3')).toMatch(/^TLS_/);
  });

  it('security Low — HSTS says that this host has TLS, in every answer', async () => {
    const strict = 'max-age=31536000';
    for (const target of ['/a.txt', '/absent', '/%ff']) {
      expect((await send('GET', target)).headers['strict-transport-security']).toBe(strict);
    }
    await server.restart({ hstsSeconds: 0 });
    expect((await send('GET', '/a.txt')).headers['strict-transport-security']).toBe('max-age=0');
    const plain = await TestServer.start();
    const { headers } = await plain.send('GET', '/healthz', { headers: { 'X-Forwarded-Proto': 'https' } });
    expect(headers['strict-transport-security']).toBeUndefined();
    await plain.stop();
  });

  it('without it Firn listens on loopback only, unless the operator says otherwise', () => {
    const config = readConfig({ FIRN_STORAGE: folder, FIRN_HOST: '0.0.0.0' }, folder);
    expect(() => checkMayListen(config)).toThrow(/without TLS/);
    expect(() => checkMayListen({ ...config, allowPlainHttpBeyondLoopback: true })).not.toThrow();
    expect(() => checkMayListen({ ...config, tlsCertificate: certificate, tlsKey: key })).not.toThrow();
    for (const host of ['127.0.0.1', '::1', 'localhost']) {
      expect(() => checkMayListen({ ...config, host })).not.toThrow();
    }
  });
});

describe('PRODUCT U5 — a stalled transfer', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ idleTimeoutSeconds: 1 });
  });
  afterAll(() => server.stop());

  it('ends after the idle time and leaves nothing, and one that makes progress goes on', async () => {
    const stalled = await server.connect();
    const head = `PUT /dav/${DRIVE_ID}/stalled HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorizationOf('alice')}\r\n`;
    stalled.socket.write(`${head}Content-Length: 100000\r\n\r\nonly this`);
    const ended = new Promise((resolve) => stalled.socket.once('close', resolve));
    const slowly = async function* () {
      for (let count = 0; count < 6; count++) {
        yield Buffer.from('tick ');
        await new Promise((resolve) => setTimeout(resolve, 400));
      }
    };
    const slow = await server.as('alice')('PUT', '/slow', { body: slowly() });
    expect(slow.status).toBe(201);
    await ended;
    expect((await server.as('alice')('GET', '/slow')).text).toBe('tick '.repeat(6));
    expect((await server.as('alice')('GET', '/stalled')).status).toBe(404);
    expect(await server.unfinished()).toEqual([]);
  });
});

describe('PRODUCT A5 — trusted proxies', () => {
  it('X-Forwarded-For counts from them alone: guesses of one client do not throttle another', async () => {
    const server = await TestServer.start({ trustedProxies: ['127.0.0.0/8'] });
    try {
      const guess = (address: string, password: string) =>
        server.send('GET', `/dav/${DRIVE_ID}/`, {
          headers: {
            Authorization: `Basic ${Buffer.from(`alice@example.org:${password}`).toString('base64')}`,
            'X-Forwarded-For': address,
          },
        });
      let status = 401;
      for (let count = 0; status === 401 && count < 12; count++) {
        ({ status } = await guess('192.0.2.1', `wrong password ${count}`));
      }
      expect(status).toBe(429);
      expect((await guess('192.0.2.2', 'wrong password')).status).toBe(401);
      // Some proxies add the port: the same client, though by another connection each time.
      for (const address of ['192.0.2.1:50001', '192.0.2.1:50002']) {
        expect((await guess(address, `wrong from ${address}`)).status).toBe(429);
      }
    } finally {
      await server.stop();
    }
  });
});
