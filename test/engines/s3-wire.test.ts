import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openEngines } from '../../src/engines/open-engines.js';
import { S3BlobStore } from '../../src/engines/s3/s3-blob-store.js';
import { S3Client } from '../../src/engines/s3/s3-client.js';
import { StoreFailingError } from '../../src/stores/metadata-store.js';
import { StorageFormatError } from '../../src/stores/storage-errors.js';
import { inChunks, listed } from '../conformance/blob-sources.js';
import { ByteProxy, type Spoilt, WIRE_FAULTS } from '../support/byte-proxy.js';
import { MemoryLeases } from '../support/memory-leases.js';
import { emptyPrefix, newPrefix, useS3Server } from '../support/s3-server.js';
import { inFolder } from '../support/storage-config.js';
import { makeThrowawayCa, type ThrowawayCa } from '../support/throwaway-ca.js';

const storage = useS3Server();
const SMALL = randomBytes(300_000);
const LARGE = randomBytes(20 * 1024 * 1024);
const put = (store: S3BlobStore, bytes: Buffer) => store.put(inChunks(bytes, 1_000_000));

describe('S3 — faults of connections', () => {
  let proxy: ByteProxy;
  let direct: S3BlobStore;
  let client: S3Client;
  const prefix = newPrefix();

  beforeAll(async () => {
    proxy = await ByteProxy.start(Number(storage.settings.endpoint.port));
    client = new S3Client(storage.settings);
    direct = new S3BlobStore({ client, leases: new MemoryLeases(), prefix });
  });
  afterAll(async () => {
    await emptyPrefix(client, prefix);
    await proxy.close();
    await direct.close();
  });

  function openThere(): S3BlobStore {
    const endpoint = new URL(`http://127.0.0.1:${proxy.port}`);
    const settings = { ...storage.settings, endpoint, silenceMs: 1_000, backOffMs: 5 };
    const store = new S3BlobStore({ client: new S3Client(settings), leases: new MemoryLeases(), prefix });
    onTestFinished(() => store.close());
    return store;
  }

  /** Spoils the next connections, so many of them. */
  function spoilNext(times: number, spoilt: Spoilt): void {
    let left = times;
    proxy.spoil = () => (left-- > 0 ? spoilt : null);
    onTestFinished(() => {
      proxy.spoil = () => null;
    });
  }

  async function left(): Promise<string[]> {
    const names: string[] = (await listed(direct)).map(({ place }) => place);
    for await (const { key } of client.listParts(prefix)) names.push(key);
    return names;
  }

  describe.each([
    ['a small upload', SMALL],
    ['a large upload', LARGE],
  ])('%s', (_what, bytes) => {
    it.each(WIRE_FAULTS)('%s amid the body, once: it succeeds', async (fault) => {
      spoilNext(1, { fault, towards: 'server', after: 100_000 });
      const blob = await put(openThere(), bytes);
      expect((await buffer(await direct.open(blob))).equals(bytes)).toBe(true);
      await direct.deleteAll([blob.place!]);
    });

    it.each(WIRE_FAULTS)('%s amid the body, always: it is refused, and nothing is left', async (fault) => {
      spoilNext(Number.POSITIVE_INFINITY, { fault, towards: 'server', after: 100_000 });
      await expect(put(openThere(), bytes)).rejects.toThrow(StoreFailingError);
      // What was begun and can't be given up through such connections goes when the lease has ended.
      proxy.spoil = () => null;
      await direct.clearIncoming('');
      expect(await left()).toEqual([]);
    });
  });

  describe.each([
    ['a small download', SMALL],
    ['a large download', LARGE],
  ])('%s', (_what, bytes) => {
    it.each(WIRE_FAULTS)('%s amid the body, once: it goes on from there', async (fault) => {
      const blob = await put(direct, bytes);
      spoilNext(1, { fault, towards: 'client', after: 100_000 });
      expect((await buffer(await openThere().open(blob))).equals(bytes)).toBe(true);
      await direct.deleteAll([blob.place!]);
    });

    it.each(WIRE_FAULTS)('%s before the body, always: it breaks off, and no wrong byte came', async (fault) => {
      const blob = await put(direct, bytes);
      spoilNext(Number.POSITIVE_INFINITY, { fault, towards: 'client', after: 100 });
      await expect(openThere().open(blob)).rejects.toThrow(StoreFailingError);
      await direct.deleteAll([blob.place!]);
    });
  });
});

describe('S3 — TLS', () => {
  let home: string;
  let ca: ThrowawayCa;
  let proxy: ByteProxy;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'firn-s3-tls-'));
    ca = await makeThrowawayCa(home, ['firn.test']);
    const [cert, key] = [await readFile(ca.certificateFile), await readFile(ca.keyFile)];
    proxy = await ByteProxy.start(Number(storage.settings.endpoint.port), { cert, key });
  });
  afterAll(async () => {
    await proxy.close();
    await rm(home, { recursive: true });
  });

  async function open(caFile: string | null, host = '127.0.0.1') {
    const { bucket, region, accessKey, secretKey, isPathStyle: pathStyle } = storage.settings;
    const folder = await mkdtemp(join(home, 'storage-'));
    const accessKeyFile = join(home, 'key');
    await writeFile(accessKeyFile, `${accessKey}\n${secretKey}\n`, { mode: 0o600 });
    const endpoint = `https://${host}:${proxy.port}`;
    const place = { endpoint, bucket, region, prefix: newPrefix(), pathStyle, accessKeyFile, caFile };
    return openEngines({ ...inFolder(folder), blobs: { engine: 's3', ...place } }, { mayMake: true });
  }

  it('with the authority that caFile names, bytes go and come', async () => {
    const engines = await open(ca.caFile);
    const blob = await engines.blobs.put(inChunks(LARGE, 1_000_000));
    expect((await buffer(await engines.blobs.open(blob))).equals(LARGE)).toBe(true);
    await engines.close();
  });

  it.each<[string, () => Promise<string | null>, string, RegExp]>([
    ['an authority that nobody trusts', async () => null, '127.0.0.1', /of an authority that isn't trusted.*"caFile"/],
    ['another authority', otherCa, '127.0.0.1', /of an authority that isn't trusted.*"caFile"/],
    ['another host', async () => ca.caFile, 'localhost', /is not for localhost/],
  ])('a certificate of %s is refused with a sentence', async (_what, caFile, host, message) => {
    const opening = open(await caFile(), host);
    await expect(opening).rejects.toThrow(StorageFormatError);
    await expect(opening).rejects.toThrow(message);
  });

  it.each<[string, (file: string) => Promise<unknown>, RegExp]>([
    ['is not there', async () => {}, /"caFile" can't be read: ENOENT/],
    ['holds no certificate', (file) => writeFile(file, 'nothing'), /"caFile" holds no certificate/],
  ])('a caFile that %s is refused with a sentence', async (_what, make, message) => {
    const file = join(await mkdtemp(join(home, 'ca-')), 'ca.pem');
    await make(file);
    const opening = open(file);
    await expect(opening).rejects.toThrow(StorageFormatError);
    await expect(opening).rejects.toThrow(message);
  });

  async function otherCa(): Promise<string> {
    return (await makeThrowawayCa(await mkdtemp(join(home, 'ca-')), ['firn.test'])).caFile;
  }
});
