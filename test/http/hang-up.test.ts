import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { checkSameBytes } from '../support/trees.js';
import { testOnOneServer } from '../support/tried.js';

const KIB = 1024;
let server: TestServer;
let alice: DriveRequest;

beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
  await alice('MKCOL', '/d');
});
afterAll(() => server.stop());

type Form = 'length' | 'chunks';
/** `gone`: the connection is closed behind the last byte. `listening`: only for writing. */
type End = 'gone' | 'listening';

function bytesOf(
  method: string,
  target: string,
  headers: Record<string, string>,
  body: Uint8Array,
  form: Form,
): Buffer {
  const framing = form === 'length' ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked';
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`${method} ${target} HTTP/1.1`, 'Host: x', `Authorization: ${authorizationOf('alice')}`, framing];
  const start = Buffer.from(`${[...head, ...lines].join('\r\n')}\r\n\r\n`);
  if (form === 'length') return Buffer.concat([start, body]);
  const half = body.length >> 1;
  const chunks = [body.subarray(0, half), body.subarray(half)].flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([start, ...chunks, Buffer.from('0\r\n\r\n')]);
}

/** Sends all, hangs up, and gives what came back until the other side closed: nothing for who is gone. */
function sendAndHangUp(bytes: Buffer, end: End, socket: Socket = connect(server.port, '127.0.0.1')): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.on('error', reject).on('close', () => resolve(received));
    socket.end(bytes, () => {
      if (end === 'gone') socket.destroy();
    });
  });
}

const send = (
  method: string,
  target: string,
  {
    body,
    end,
    form = 'length',
    headers = {},
  }: { body: Uint8Array | string; end: End; form?: Form; headers?: Record<string, string> },
) => sendAndHangUp(bytesOf(method, target, headers, Buffer.from(body), form), end);

async function expectFile(target: string, content: Uint8Array): Promise<void> {
  await vi.waitFor(async () => expect((await alice('GET', target)).status).toBe(200), {
    timeout: 30_000,
    interval: 20,
  });
  checkSameBytes((await alice('GET', target)).bytes, content);
}

describe('client F — a body that came whole is stored, though the client hangs up before the answer', () => {
  test.each([1 * KIB, 300 * KIB, 5000 * KIB])(
    '60 of 60 PUTs of %d bytes',
    async (size) => {
      const run = async (round: number) => {
        const body = Buffer.alloc(size, `${size} ${round} `);
        const end: End = round % 2 === 0 ? 'gone' : 'listening';
        const form: Form = round % 4 < 2 ? 'length' : 'chunks';
        const target = `/d/${size}-${round}`;
        const answer = await send('PUT', `/dav/123456${target}`, { body, end, form });
        if (end === 'listening') expect(answer).toMatch(/^HTTP\/1\.1 201 /);
        await expectFile(target, body);
      };
      for (let round = 0; round < 60; round += 4) await Promise.all([0, 1, 2, 3].map((index) => run(round + index)));
    },
    240_000,
  );

  test.each<End>(['gone', 'listening'])('every other method with a body: %s', async (end) => {
    const at = '/dav/123456';
    const seen = async (target: string) =>
      vi.waitFor(async () => expect((await alice('PROPFIND', target, { headers: { Depth: '0' } })).status).toBe(207), {
        timeout: 30_000,
        interval: 20,
      });
    const tus = { 'Tus-Resumable': '1.0.0' };
    const bytes = { ...tus, 'Content-Type': 'application/offset+octet-stream' };
    const content = Buffer.alloc(300 * KIB, 'c');
    const name = (text: string) => `${text}-${end}`;

    const filename = `filename ${Buffer.from(name('created')).toString('base64')}`;
    const creation = { ...bytes, 'Upload-Length': String(content.length), 'Upload-Metadata': filename };
    await send('POST', `${at}/d`, { body: content, end, headers: creation });
    await expectFile(`/d/${name('created')}`, content);

    const begun = await alice('POST', '/d', {
      headers: {
        ...tus,
        'Upload-Length': String(content.length),
        'Upload-Metadata': `filename ${Buffer.from(name('patched')).toString('base64')}`,
      },
    });
    const upload = new URL(begun.headers.location!).pathname;
    await send('PATCH', upload, { body: content, end, headers: { ...bytes, 'Upload-Offset': '0' } });
    await expectFile(`/d/${name('patched')}`, content);

    const uploads = `/remote.php/dav/uploads/alice@example.org/${name('parts')}`;
    expect((await server.send('MKCOL', uploads, { user: 'alice' })).status).toBe(201);
    await send('PUT', `${uploads}/1`, { body: content, end, form: 'chunks' });
    await vi.waitFor(
      async () => {
        const Destination = `/remote.php/dav/files/alice@example.org/${name('assembled')}`;
        const headers = { Destination, 'OC-Total-Length': String(content.length) };
        const { status } = await server.send('MOVE', `${uploads}/.file`, { user: 'alice', headers });
        expect(status).toBe(201);
      },
      { timeout: 30_000, interval: 20 },
    );
    await expectFile(`/Drive/${name('assembled')}`, content);

    const part = `--b\r\nContent-Length: ${content.length}\r\nX-File-Path: /${name('bulk')}\r\n\r\n${content}\r\n--b--\r\n`;
    const type = { 'Content-Type': 'multipart/related; boundary=b' };
    await send('POST', '/remote.php/dav/bulk', { body: part, end, headers: type });
    await expectFile(`/Drive/${name('bulk')}`, content);

    const set = '<set xmlns="DAV:"><prop><x xmlns="urn:x">kept</x></prop></set>';
    const xml = { 'Content-Type': 'application/xml' };
    const mkcol = `<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/></resourcetype></prop></set></mkcol>`;
    await send('MKCOL', `${at}/d/${name('folder')}`, { body: mkcol, end, headers: xml });
    await seen(`/d/${name('folder')}`);
    await send('PROPPATCH', `${at}/d/${name('folder')}`, {
      body: `<propertyupdate xmlns="DAV:">${set}</propertyupdate>`,
      end,
      headers: xml,
    });
    const lock = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    await send('LOCK', `${at}/d/${name('locked')}`, { body: lock, end, headers: { ...xml, Depth: '0' } });
    await seen(`/d/${name('locked')}`);
    const found = await alice('PROPFIND', `/d/${name('folder')}`, { headers: { Depth: '0' } });
    expect(found.text).toContain('kept');
  });

  test('by TLS too', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'firn-tls-'));
    const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const names = ['-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...names], { stdio: 'ignore' });
    const secure = await TestServer.start({ tlsCertificate: certificate, tlsKey: key });
    try {
      for (const [index, size] of [1 * KIB, 300 * KIB, 5000 * KIB].entries()) {
        const body = Buffer.alloc(size, 'tls');
        const bytes = bytesOf('PUT', `/dav/123456/${index}`, {}, body, 'length');
        const socket = connectTls({ port: secure.port, host: '127.0.0.1', rejectUnauthorized: false });
        expect(await sendAndHangUp(bytes, 'listening', socket)).toMatch(/^HTTP\/1\.1 201 /);
      }
      // Who goes away before or within the handshake is gone at once.
      for (const start of ['', '\x16\x03\x01\x02']) {
        expect(await sendAndHangUp(Buffer.from(start), 'listening', connect(secure.port, '127.0.0.1'))).toBe('');
      }
    } finally {
      await secure.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('client F — what is half open stays bounded', () => {
  test('a body that did not come whole is not stored, and its connection ends', async () => {
    for (const form of ['length', 'chunks'] as const) {
      const whole = bytesOf('PUT', '/dav/123456/cut', {}, Buffer.alloc(300 * KIB), form);
      for (const end of ['gone', 'listening'] as const) {
        expect(await sendAndHangUp(whole.subarray(0, whole.length - 3), end)).not.toMatch(/ 2\d\d /);
      }
    }
    expect((await alice('GET', '/cut')).status).toBe(404);
  });

  test('half a request, none, and a long poll end at once', async () => {
    const poll = `GET /api/drives/123456/changes?timeout=55&since=SINCE HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorizationOf('alice')}\r\n\r\n`;
    const { cursor } = JSON.parse(
      (await server.send('GET', '/api/drives/123456/changes?limit=1000', { user: 'alice' })).text,
    );
    expect(await sendAndHangUp(Buffer.from(''), 'listening')).toBe('');
    expect(await sendAndHangUp(Buffer.from('GET /healthz HT'), 'listening')).toMatch(/^HTTP\/1\.1 400 /);
    const started = performance.now();
    expect(await sendAndHangUp(Buffer.from(poll.replace('SINCE', encodeURIComponent(cursor))), 'listening')).toMatch(
      /^HTTP\/1\.1 200 /,
    );
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  testOnOneServer('an answer that nobody reads ends by the idle time', async () => {
    const idle = await TestServer.start({ idleTimeoutSeconds: 1 });
    try {
      await idle.as('alice')('PUT', '/large', { body: Buffer.alloc(40_000 * KIB) });
      const sockets = Array.from({ length: 5 }, () =>
        connect({ port: idle.port, host: '127.0.0.1', allowHalfOpen: true }),
      );
      for (const socket of sockets) {
        socket.on('error', () => {}).pause();
        socket.end(`GET /dav/123456/large HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorizationOf('alice')}\r\n\r\n`);
      }
      const open = async () => /firn_connections_open (\d+)/.exec((await idle.send('GET', '/metrics')).text)?.[1];
      await vi.waitFor(async () => expect(Number(await open())).toBeGreaterThan(5), { timeout: 20_000 });
      await vi.waitFor(async () => expect(await open()).toBe('1'), { timeout: 30_000, interval: 100 });
      for (const socket of sockets) socket.destroy();
    } finally {
      await idle.stop();
    }
  });
});
