import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBackupPlace } from '../../src/engines/open-backup-place.js';
import { S3Client } from '../../src/engines/s3/s3-client.js';
import type { BackupPlace, StoredName } from '../../src/stores/backup-place.js';
import { StorageFormatError } from '../../src/stores/storage-errors.js';
import { emptyPrefix, newPrefix, useS3Server } from '../support/s3-server.js';
import { inChunks } from './blob-sources.js';

const storage = useS3Server();

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-place-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

const openFolder = async () => openBackupPlace({ engine: 'folder', path: join(await makeFolder(), 'a place') });

async function openBucket(endpoint = storage.settings.endpoint): Promise<BackupPlace> {
  const { bucket, region, accessKey, secretKey, isPathStyle: pathStyle } = storage.settings;
  const accessKeyFile = join(await makeFolder(), 'key');
  await writeFile(accessKeyFile, `${accessKey}\n${secretKey}\n`, { mode: 0o600 });
  const prefix = newPrefix();
  const client = new S3Client(storage.settings);
  onTestFinished(async () => {
    await emptyPrefix(client, prefix);
    client.close();
  });
  const where = { endpoint: endpoint.origin, bucket, region, prefix, pathStyle, accessKeyFile, caFile: null };
  return openBackupPlace({ engine: 's3', ...where });
}

/** The same object storage, by a key that may do all but delete. */
async function startWithoutDeletion(): Promise<URL> {
  const { hostname, port } = storage.settings.endpoint;
  const server = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    if (method === 'DELETE' || (method === 'POST' && path?.includes('?delete'))) {
      answer.writeHead(403, { connection: 'close' });
      answer.end('<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>');
      return;
    }
    const passed = request({ hostname, port, method, path, headers }, (got) => {
      answer.writeHead(got.statusCode!, got.headers);
      got.pipe(answer);
    });
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

async function read(place: BackupPlace, name: string): Promise<Buffer | null> {
  const source = await place.open(name);
  if (!source) return null;
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function listed(place: BackupPlace, prefix: string): Promise<StoredName[]> {
  const found: StoredName[] = [];
  for await (const each of place.list(prefix)) found.push(each);
  return found;
}

describe.each([
  ['a folder', openFolder],
  ['a bucket', () => openBucket()],
] as const)('BackupPlace — %s', (_title, open) => {
  it('put, open — bytes of any size under a name, in place of what was there', async () => {
    const place = await open();
    for (const size of [0, 5, 300_000, 12_000_000]) {
      const bytes = randomBytes(size);
      const hash = createHash('sha256').update(bytes).digest('hex');
      expect(await place.put('backups/x/firn.db', inChunks(bytes))).toEqual({ hash, size });
      expect((await read(place, 'backups/x/firn.db'))?.equals(bytes)).toBe(true);
    }
    expect(await read(place, 'backups/x/none')).toBeNull();
    place.close();
  });

  it('put — where the source or verify fails nothing changes', async () => {
    const place = await open();
    await place.put('blobs/ab/x', inChunks(Buffer.from('before')));
    const failing = async function* () {
      yield randomBytes(100_000);
      throw new Error('the source failed');
    };
    await expect(place.put('blobs/ab/x', failing())).rejects.toThrow('the source failed');
    const refuse = () => {
      throw new Error('other bytes');
    };
    await expect(place.put('blobs/ab/x', inChunks(Buffer.from('after')), refuse)).rejects.toThrow('other bytes');
    expect((await read(place, 'blobs/ab/x'))?.toString()).toBe('before');
    expect((await listed(place, '')).map(({ name }) => name)).toEqual(['blobs/ab/x']);
    place.close();
  });

  it('list — in the order of code units, with sizes, below a prefix alone', async () => {
    const place = await open();
    expect(await listed(place, 'blobs/')).toEqual([]);
    const names = ['blobs/ab/b', 'blobs/ab/a', 'blobs/00/z', 'backups/2027-01-31T00/x', 'backups/2027-01-30T00/x'];
    await Promise.all(names.map((name, index) => place.put(name, inChunks(Buffer.from('x'.repeat(index))))));
    expect(await listed(place, 'blobs/')).toEqual([
      { name: 'blobs/00/z', size: 2 },
      { name: 'blobs/ab/a', size: 1 },
      { name: 'blobs/ab/b', size: 0 },
    ]);
    expect((await listed(place, 'backups/')).map(({ name }) => name)).toEqual([names[4], names[3]]);
    place.close();
  });

  it('delete — also what isn’t there; the name can be used again', async () => {
    const place = await open();
    await place.put('backups/a/x', inChunks(Buffer.from('x')));
    expect(await place.delete(['backups/a/x', 'backups/a/none', 'backups/none/x'])).toBe(true);
    expect(await listed(place, '')).toEqual([]);
    await place.put('backups/a/x', inChunks(Buffer.from('again')));
    expect((await read(place, 'backups/a/x'))?.toString()).toBe('again');
    place.close();
  });
});

it('past F10 — a key that may not delete: delete says so, all else works', async () => {
  const place = await openBucket(await startWithoutDeletion());
  await place.put('backups/a/x', inChunks(randomBytes(9_000_000)));
  expect(await place.delete(['backups/a/x'])).toBe(false);
  expect(await listed(place, '')).toEqual([{ name: 'backups/a/x', size: 9_000_000 }]);
  place.close();
});

it('a folder has nothing unfinished in its lists, and files for its owner alone', async () => {
  const folder = await makeFolder();
  const place = await openBackupPlace({ engine: 'folder', path: folder });
  await place.put('blobs/ab/x', inChunks(Buffer.from('x')));
  await writeFile(join(folder, 'blobs', 'ab', '.unfinished-1'), 'half');
  expect((await listed(place, 'blobs/')).map(({ name }) => name)).toEqual(['blobs/ab/x']);
  expect(await readdir(join(folder, 'blobs', 'ab'))).toEqual(['.unfinished-1', 'x']);
});

it('an access key that others can read is refused', async () => {
  const accessKeyFile = join(await makeFolder(), 'key');
  await writeFile(accessKeyFile, 'a\nb\n', { mode: 0o644 });
  const where = { endpoint: 'http://127.0.0.1:1', bucket: 'firn', region: 'us-east-1', prefix: '', pathStyle: true };
  await expect(openBackupPlace({ engine: 's3', ...where, accessKeyFile, caFile: null })).rejects.toThrow(
    StorageFormatError,
  );
});
