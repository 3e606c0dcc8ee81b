import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HashThreads } from '../../src/engines/hashing/hash-threads.js';
import { mustRun } from '../support/run-program.js';

const STORE = new URL('../../dist/engines/disk/disk-blob-store.js', import.meta.url).href;

/** Stores a content of `size` bytes and releases it, in a process of its own; with `again`, the same content twice. */
const PROGRAM = `
  const { DiskBlobStore } = await import(${JSON.stringify(STORE)});
  const [folder, size, again] = process.argv.slice(1);
  const store = await DiskBlobStore.open(folder);
  async function* source() {
    for (let left = Number(size); left > 0; left -= 65536) yield Buffer.alloc(Math.min(left, 65536), 'firn');
  }
  const put = async () => {
    const stored = await store.put(source(), { verify: () => process.stderr.write('') });
    process.chdir('/');
    return stored;
  };
  if (again) await (await put()).release('named');
  process.chdir(folder);
  await (await put()).release('named');
`;

describe('DiskBlobStore, as the operating system sees it', () => {
  let folder: string;

  beforeAll(async () => {
    const program = new URL('../../scripts/prepare.js', import.meta.url).href;
    const { ensureBuild } = (await import(program)) as { ensureBuild: () => void };
    ensureBuild();
    folder = await mkdtemp(join(tmpdir(), 'firn-writes-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The calls from `chdir(folder)` to `chdir(/)`, with what each was about: `data` is the file in incoming/. */
  async function trace(storage: string, size: number, ...again: string[]): Promise<string[]> {
    const log = join(folder, 'trace');
    const script = join(folder, 'store.mjs');
    await writeFile(script, PROGRAM.replace('process.argv.slice(1)', 'process.argv.slice(2)'));
    const calls = 'trace=openat,pwrite64,fsync,fdatasync,link,rename,unlink,chdir';
    const command = [process.execPath, script, storage, `${size}`, ...again];
    await mustRun('strace', ['-f', '-y', '-o', log, '-e', calls, '-e', 'signal=none', ...command]);
    const text = await readFile(log, 'utf8');
    return callsIn(text, storage);
  }

  it('PRODUCT U4 — bytes, fsync of the file, link, fsync of the folder, in this order', async () => {
    const storage = join(folder, 'once');
    const calls = await trace(storage, 200_000);
    expect(calls.filter((call) => !call.startsWith('write'))).toEqual(['sync file', 'link', 'sync folder', 'release']);
    expect(calls.indexOf('sync file')).toBeGreaterThan(calls.lastIndexOf('write file'));
  });

  it('PRODUCT U4 — the same where the bytes are there already: the fresh file takes the place', async () => {
    const calls = await trace(join(folder, 'twice'), 200_000, 'again');
    const order = ['sync file', 'link taken', 'link aside', 'replace', 'sync folder', 'release'];
    expect(calls.filter((call) => !call.startsWith('write'))).toEqual(order);
  });

  it('syncs a large upload in steps while it runs, so that its end is short', async () => {
    const calls = await trace(join(folder, 'large'), 200 * 1024 * 1024);
    const steps = calls.filter((call) => call === 'sync step').length;
    expect(steps).toBeGreaterThanOrEqual(1);
    expect(calls.indexOf('sync step')).toBeLessThan(calls.lastIndexOf('write file'));
    expect(calls.slice(-4)).toEqual(['sync file', 'link', 'sync folder', 'release']);
  });
});

/** strace's lines in words, in the order in which the calls came back. */
function callsIn(text: string, storage: string): string[] {
  const started = new Map<string, string>();
  const calls: string[] = [];
  let isPutting = false;
  for (const line of text.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (rest.endsWith('<unfinished ...>')) {
      started.set(thread, rest.replace(' <unfinished ...>', ''));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const call = resumed ? `${started.get(thread)}${resumed[1]}` : rest;
    if (call.startsWith(`chdir("${storage}")`)) isPutting = true;
    else if (call.startsWith('chdir("/")')) isPutting = false;
    const words = inWords(call, storage);
    if (words && (isPutting || words === 'release')) calls.push(words);
  }
  // With the same content twice the first release is not of the traced upload.
  return calls[0] === 'release' ? calls.slice(1) : calls;
}

function inWords(call: string, storage: string): string | null {
  const incoming = `${storage}/incoming/`;
  const blobs = `${storage}/blobs/`;
  if (call.startsWith('pwrite64(') && call.includes(`<${incoming}`)) return 'write file';
  if (call.startsWith('fdatasync(') && call.includes(`<${incoming}`)) return 'sync step';
  if (call.startsWith('fsync(') && call.includes(`<${incoming}`)) return 'sync file';
  if (call.startsWith('fsync(') && call.includes(`<${blobs}`)) return 'sync folder';
  if (call.startsWith(`link("${incoming}`)) {
    if (!call.includes(`, "${blobs}`)) return 'link aside';
    return call.includes('EEXIST') ? 'link taken' : 'link';
  }
  if (call.startsWith(`rename("${incoming}`) && call.includes(`, "${blobs}`)) return 'replace';
  if (call.startsWith(`unlink("${incoming}`)) return 'release';
  return null;
}

describe('HashThreads', () => {
  const buffer = Buffer.from(new SharedArrayBuffer(1_000)).fill(1);

  it('a thread that dies fails its uploads, not the process, and the next upload gets another', async () => {
    const threads = new HashThreads(1);
    const doomed = threads.hash(['no-such-hash']);
    const neighbour = threads.hash(['sha256']);
    await expect(doomed.update(buffer, 10)).rejects.toThrow('has ended');
    await expect(neighbour.digest()).rejects.toThrow('has ended');
    await expect(doomed.digest()).rejects.toThrow('has ended');
    await expect.poll(() => threads.hash(['sha256']).digest()).toHaveLength(1);
  });

  it('ending an upload rejects what waits, and leaves its neighbours alone', async () => {
    const threads = new HashThreads(1);
    const given = threads.hash(['sha256', 'md5']);
    const other = threads.hash(['sha256']);
    const waiting = expect(given.update(buffer, 1_000)).rejects.toThrow('has ended');
    given.end();
    given.end();
    await waiting;
    await other.update(buffer, 3);
    expect(await other.digest()).toEqual([createHash('sha256').update(buffer.subarray(0, 3)).digest('hex')]);
  });

  it('an idle thread doesn’t keep the process alive', async () => {
    const module = new URL('../../dist/engines/hashing/hash-threads.js', import.meta.url).href;
    const program = `const { HashThreads } = await import(${JSON.stringify(module)});
      const hashing = new HashThreads(1).hash(['sha256']);
      console.log((await hashing.digest())[0].slice(0, 8));
      hashing.end();`;
    const started = performance.now();
    const output = await mustRun(process.execPath, ['--input-type=module', '-e', program]);
    expect(output.trim()).toBe('e3b0c442');
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});
