import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Config } from '../../src/config.js';
import { openEngines, openRestore } from '../../src/engines/open-engines.js';
import { StorageFormatError } from '../../src/stores/storage-errors.js';
import { inChunks } from '../conformance/blob-sources.js';
import { freePort } from '../support/free-port.js';
import { TestServer } from '../support/make-server.js';
import { newPrefix, useS3Server } from '../support/s3-server.js';
import { inFolder } from '../support/storage-config.js';

const storage = useS3Server();

type Bucket = Extract<Config['blobs'], { engine: 's3' }>;

/** The settings of the tests' bucket, with a prefix of its own. */
async function makeSettings(change: Partial<Bucket> = {}): Promise<Bucket> {
  const { endpoint, bucket, region, accessKey, secretKey, isPathStyle: pathStyle } = storage.settings;
  const accessKeyFile = join(await makeFolder(), 'key');
  await writeFile(accessKeyFile, `${accessKey}\n${secretKey}\n`, { mode: 0o600 });
  const place = { endpoint: endpoint.origin, bucket, region, prefix: newPrefix(), pathStyle };
  return { engine: 's3', ...place, accessKeyFile, caFile: null, ...change };
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-s3-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function startServer(blobs: Bucket): Promise<TestServer> {
  const server = await TestServer.start({ blobs });
  onTestFinished(() => server.stop());
  return server;
}

const open = async (blobs: Bucket, folder?: string) =>
  openEngines({ ...inFolder(folder ?? (await makeFolder())), blobs }, { mayMake: true });

describe('a server whose bytes are in a bucket', () => {
  it('stores, reads, overwrites and copies files, and finds them again after a restart', async () => {
    const server = await startServer(await makeSettings());
    const bytes = randomBytes(20_000_000);
    const alice = server.as('alice');
    expect((await alice('PUT', '/large', { body: bytes })).status).toBe(201);
    expect((await alice('PUT', '/small', { body: bytes.subarray(0, 100_000) })).status).toBe(201);
    expect((await alice('PUT', '/small', { body: bytes.subarray(0, 200_000) })).status).toBe(204);
    const Destination = server.urlOf('/copy');
    expect((await alice('COPY', '/large', { headers: { Destination } })).status).toBe(201);
    await server.restart();
    const again = server.as('alice');
    expect((await again('GET', '/copy')).bytes.equals(bytes)).toBe(true);
    expect((await again('GET', '/small')).bytes.equals(bytes.subarray(0, 200_000))).toBe(true);
    const part = await again('GET', '/large', { headers: { Range: 'bytes=9000000-9000099' } });
    expect([part.status, part.bytes.equals(bytes.subarray(9_000_000, 9_000_100))]).toEqual([206, true]);
    expect((await server.send('GET', '/readyz')).status).toBe(200);
    expect(await server.inconsistencies()).toEqual([]);
  });
});

describe('the bucket is asked for at the start', () => {
  it.each<[string, () => Promise<Partial<Bucket>>, RegExp]>([
    ['there is no such bucket', async () => ({ bucket: 'nothing-here' }), /There is no bucket nothing-here at http/],
    [
      'nobody listens',
      async () => ({ endpoint: `http://127.0.0.1:${await freePort()}` }),
      /can't be used: .*ECONNREFUSED/,
    ],
    [
      'the key is unknown',
      async () => ({ accessKeyFile: await keyFile('nobody\nsecret\n') }),
      /doesn't know the access key/,
    ],
    [
      'the secret is wrong',
      async () => ({ accessKeyFile: await keyFile(`${storage.settings.accessKey}\nwrong\n`) }),
      /its secret is another one/,
    ],
    ['the key file is empty', async () => ({ accessKeyFile: await keyFile('\n') }), /needs to hold two lines/],
    ['there is no key file', async () => ({ accessKeyFile: '/nowhere/key' }), /access key of the bucket can't be read/],
  ])('refuses where %s, and says so', async (_title, change, message) => {
    const opening = open(await makeSettings(await change()));
    await expect(opening).rejects.toThrow(StorageFormatError);
    await expect(opening).rejects.toThrow(message);
  });

  it('refuses a key file that others can read, and never tells the secret', async () => {
    const blobs = await makeSettings();
    await chmod(blobs.accessKeyFile, 0o640);
    await expect(open(blobs)).rejects.toThrow(/can be read by others; type: chmod 600/);
    await chmod(blobs.accessKeyFile, 0o600);
    const wrong = await open({ ...blobs, bucket: 'nothing-here' }).catch((error: Error) => error);
    expect(JSON.stringify([wrong, (wrong as Error).stack, (wrong as Error).cause])).not.toContain(
      storage.settings.secretKey,
    );
  });

  it('refuses a bucket that belongs to another storage', async () => {
    const blobs = await makeSettings();
    await (await open(blobs)).close();
    await expect(open(blobs)).rejects.toThrow(/belongs to another storage of Firn/);
  });

  it('refuses a bucket that has none of the contents that the database names', async () => {
    const [folder, blobs] = [await makeFolder(), await makeSettings()];
    const engines = await open(blobs, folder);
    const stored = await engines.blobs.put(inChunks(Buffer.alloc(30_000)));
    const content = { id: stored.id, size: stored.size, bytes: null, place: stored.place };
    await engines.metadata.write([], (transaction) => transaction.putContent(content, 0));
    await stored.release('named');
    await engines.close();
    await expect(open({ ...blobs, prefix: newPrefix() }, folder)).rejects.toThrow(/has none of the contents/);
    await (await open(blobs, folder)).close();
  });

  it('refuses a storage whose bytes are in the folder', async () => {
    const folder = await makeFolder();
    const engines = await openEngines(inFolder(folder), { mayMake: true });
    const stored = await engines.blobs.put(inChunks(Buffer.alloc(30_000)));
    const content = { id: stored.id, size: stored.size, bytes: null, place: null };
    await engines.metadata.write([], (transaction) => transaction.putContent(content, 0));
    await engines.close();
    await expect(open(await makeSettings(), folder)).rejects.toThrow(/are in the folder blobs\//);
  });

  it('restores no backup into a bucket', async () => {
    await expect(openRestore({ ...inFolder('/x'), blobs: await makeSettings() }, '/y')).rejects.toThrow(
      /into a folder/,
    );
  });
});

async function keyFile(text: string): Promise<string> {
  const file = join(await makeFolder(), 'key');
  await writeFile(file, text, { mode: 0o600 });
  return file;
}
