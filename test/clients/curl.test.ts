import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { mustRun, runProgram } from '../support/run-program.js';
import { checkSameBytes, readOverHttp, seededBytes } from '../support/trees.js';

const largeBytes = 300_000_000;
const memoryGrowthBytesMax = 100_000_000;

/** Writes `largeBytes` pseudo-random bytes; returns their SHA-256 in hex. */
async function writeLargeFile(place: string): Promise<string> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16, 2));
  const hash = createHash('sha256');
  const file = await open(place, 'w');
  const zeros = Buffer.alloc(1_000_000);
  for (let done = 0; done < largeBytes; done += zeros.length) {
    const bytes = cipher.update(zeros);
    hash.update(bytes);
    await file.write(bytes);
  }
  await file.close();
  return hash.digest('hex');
}

async function hashFile(place: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(place)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** The largest resident size that a process has had so far (VmHWM). */
async function peakMemoryBytes(pid: number): Promise<number> {
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status gives no VmHWM`);
  return Number(kilobytes) * 1024;
}

describe('curl', () => {
  let server: BootedServer;
  let folder: string;
  const content = seededBytes('curl', 2_500_000);

  beforeAll(async () => {
    server = await bootServer({ hostMount: true });
    folder = await mkdtemp(path.join(tmpdir(), 'firn-curl-'));
    await writeFile(path.join(folder, 'local.bin'), content);
  });
  afterAll(async () => {
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs curl with the app password; returns the status of the last answer, and what curl said about the exchange. */
  async function curl(...parameters: string[]): Promise<{ status: number; exchange: string }> {
    const login = ['-sS', '-v', '-u', `${server.user}:${server.password}`, '-w', '%{stderr}status=%{http_code}\n'];
    const result = await runProgram('curl', [...login, ...parameters], { folder });
    if (result.code !== 0) throw new Error(`curl ended with ${result.code}: ${result.errors}`);
    return { status: Number(/^status=(\d+)$/m.exec(result.errors)?.[1]), exchange: result.errors };
  }

  const stored = (name: string) => readOverHttp(`${server.pathMount}${name}`, server.authorization);

  for (const mount of ['pathMount', 'hostMount'] as const) {
    test(`PRODUCT U1 — -T uploads with a length, and again over it (${mount})`, async () => {
      const name = `length-${mount}.bin`;
      expect((await curl('-T', 'local.bin', `${server[mount]}${name}`)).status).toBe(201);
      checkSameBytes(await stored(name), content);
      expect((await curl('-T', 'local.bin', `${server[mount]}${name}`)).status).toBe(204);
      checkSameBytes(await stored(name), content);
    });

    test(`PRODUCT U1 — -T - uploads chunked, without a length (${mount})`, async () => {
      const url = `${server[mount]}chunked-${mount}.bin`;
      const login = `${server.user}:${server.password}`;
      // The shell gives curl a pipe for standard input: its length is unknown.
      await mustRun('sh', ['-c', 'cat local.bin | curl -sSf -u "$1" -T - "$2"', 'sh', login, url], { folder });
      checkSameBytes(await stored(`chunked-${mount}.bin`), content);
      await mustRun('sh', ['-c', 'printf "" | curl -sSf -u "$1" -T - "$2"', 'sh', login, url], { folder });
      checkSameBytes(await stored(`chunked-${mount}.bin`), Buffer.alloc(0));
    });
  }

  test('client-requirements R3 — Expect: 100-continue is answered with 100 before the body goes out', async () => {
    const { status, exchange } = await curl(
      '-H',
      'Expect: 100-continue',
      '--expect100-timeout',
      '30',
      '-T',
      'local.bin',
      `${server.pathMount}expect.bin`,
    );
    expect(exchange).toMatch(/^< HTTP\/1\.1 100 Continue/m);
    expect(status).toBe(201);
    checkSameBytes(await stored('expect.bin'), content);
  });

  test('client-requirements R3 — Expect: 100-continue with a wrong password is answered 401 without 100', async () => {
    const result = await runProgram(
      'curl',
      ['-sS', '-v', '-u', `${server.user}:wrong`, '-H', 'Expect: 100-continue', '--expect100-timeout', '30'].concat(
        '-T',
        'local.bin',
        `${server.pathMount}refused.bin`,
      ),
      { folder },
    );
    expect(result.errors).toMatch(/^< HTTP\/1\.1 401 /m);
    expect(result.errors).not.toMatch(/^< HTTP\/1\.1 100 /m);
    expect((await curl(`${server.pathMount}refused.bin`)).status).toBe(404);
  });

  test('PRODUCT U6 — Range answers 206 with these bytes, and 416 past the end', async () => {
    await curl('-T', 'local.bin', `${server.pathMount}range.bin`);
    const url = `${server.pathMount}range.bin`;
    for (const [range, first, end] of [
      ['0-0', 0, 1],
      ['1000000-1999999', 1_000_000, 2_000_000],
      ['2400000-', 2_400_000, content.length],
      ['-17', content.length - 17, content.length],
    ] as const) {
      expect((await curl('-r', range, '-o', 'part.bin', url)).status).toBe(206);
      checkSameBytes(await readFile(path.join(folder, 'part.bin')), content.subarray(first, end));
    }
    expect((await curl('-r', '99999999-', '-o', 'part.bin', url)).status).toBe(416);
  });

  test('PRODUCT U6 — a broken download is resumed where it ended', async () => {
    await curl('-T', 'local.bin', `${server.pathMount}resume.bin`);
    await writeFile(path.join(folder, 'resumed.bin'), content.subarray(0, 1_234_567));
    expect((await curl('-C', '-', '-o', 'resumed.bin', `${server.pathMount}resume.bin`)).status).toBe(206);
    checkSameBytes(await readFile(path.join(folder, 'resumed.bin')), content);
  });

  test('client-requirements R28 — a PUT with Content-Range is refused and changes nothing', async () => {
    await curl('-T', 'local.bin', `${server.pathMount}partial.bin`);
    const { status } = await curl(
      '-H',
      'Content-Range: bytes 10-2500009/2500010',
      '-T',
      'local.bin',
      `${server.pathMount}partial.bin`,
    );
    expect([400, 501]).toContain(status);
    checkSameBytes(await stored('partial.bin'), content);
  });

  test('PRODUCT U1 — 300 MB go up, chunked too, and come down in constant memory', { timeout: 300_000 }, async () => {
    const hash = await writeLargeFile(path.join(folder, 'large.bin'));
    const before = await peakMemoryBytes(server.pid);
    const url = `${server.pathMount}large.bin`;
    expect((await curl('-T', 'large.bin', url)).status).toBe(201);
    expect((await curl('-o', 'down.bin', url)).status).toBe(200);
    expect(await hashFile(path.join(folder, 'down.bin'))).toBe(hash);
    expect((await curl('-H', 'Transfer-Encoding: chunked', '-T', 'large.bin', url)).status).toBe(204);
    expect((await curl('-o', 'down.bin', url)).status).toBe(200);
    expect(await hashFile(path.join(folder, 'down.bin'))).toBe(hash);
    expect((await peakMemoryBytes(server.pid)) - before).toBeLessThan(memoryGrowthBytesMax);
  });
});

describe('curl over TLS', () => {
  let server: BootedServer;
  let folder: string;
  const content = seededBytes('curl over TLS', 2_500_000);

  beforeAll(async () => {
    server = await bootServer({ hostMount: true, tls: true });
    folder = await mkdtemp(path.join(tmpdir(), 'firn-curl-'));
    await writeFile(path.join(folder, 'local.bin'), content);
  });
  afterAll(async () => {
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const curl = (...parameters: string[]) =>
    runProgram('curl', ['-sSf', '-u', `${server.user}:${server.password}`, ...parameters], { folder });

  for (const mount of ['pathMount', 'hostMount'] as const) {
    test(`uploads with a length and chunked, and reads back (${mount})`, async () => {
      const trust = ['--cacert', server.ca!.caFile];
      for (const framing of ['Content-Type: application/octet-stream', 'Transfer-Encoding: chunked']) {
        const url = `${server[mount]}${mount}.bin`;
        expect(await curl(...trust, '-H', framing, '-T', 'local.bin', url)).toMatchObject({ code: 0, errors: '' });
        expect(await curl(...trust, '-o', 'back.bin', url)).toMatchObject({ code: 0, errors: '' });
        checkSameBytes(await readFile(path.join(folder, 'back.bin')), content);
      }
    });
  }

  test('an authority that it does not trust is refused', async () => {
    const { code, errors } = await curl(server.hostMount);
    // CURLE_PEER_FAILED_VERIFICATION.
    expect([code, errors]).toEqual([60, expect.stringContaining('certificate')]);
  });
});
