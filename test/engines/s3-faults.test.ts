import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3BlobStore } from '../../src/engines/s3/s3-blob-store.js';
import { S3Client } from '../../src/engines/s3/s3-client.js';
import { type BlobStore, placeOf, type StoredBlob } from '../../src/stores/blob-store.js';
import { StoreFailingError } from '../../src/stores/metadata-store.js';
import { inChunks, listed, sha256 } from '../conformance/blob-sources.js';
import { FAULTS, type Fault, FaultProxy } from '../support/fault-proxy.js';
import { MemoryLeases } from '../support/memory-leases.js';
import { waitUntil } from '../support/run-program.js';
import { emptyPrefix, newPrefix, useS3Server } from '../support/s3-server.js';

const storage = useS3Server();
const SMALL = randomBytes(300_000);
const LARGE = randomBytes(9 * 1024 * 1024);

const query = (request: IncomingMessage) => new URL(request.url!, 'http://x').searchParams;
const isPart = (request: IncomingMessage) => query(request).has('partNumber');

interface Operation {
  readonly title: string;
  /** Which of its requests are spoilt. */
  readonly spoils: (request: IncomingMessage) => boolean;
  readonly prepare?: (store: BlobStore) => Promise<StoredBlob>;
  readonly run: (store: BlobStore, blob: StoredBlob) => Promise<unknown>;
  /** That what it promises holds, asked past the proxy. */
  readonly holds: (direct: BlobStore, blob: StoredBlob, result: never) => Promise<boolean>;
}

const put = (store: BlobStore, bytes: Buffer) => store.put(inChunks(bytes, 1_000_000));
const isStored = async (direct: BlobStore, blob: StoredBlob, bytes: Buffer) =>
  (await buffer(await direct.open({ id: blob.id, size: blob.size, place: placeOf(blob) }))).equals(bytes);
const smallBlob = async (store: BlobStore) => {
  const blob = await put(store, SMALL);
  await blob.release('named');
  return blob;
};
const isGone = async (direct: BlobStore, blob: StoredBlob) => (await direct.stat(blob)) === null;

const OPERATIONS: readonly Operation[] = [
  {
    title: 'a small upload',
    spoils: ({ method }) => method === 'PUT',
    run: (store) => put(store, SMALL),
    holds: (direct, _blob, stored: StoredBlob) => isStored(direct, stored, SMALL),
  },
  ...(
    [
      ['beginning', (request: IncomingMessage) => query(request).has('uploads')],
      ['parts', isPart],
      ['completion', (request: IncomingMessage) => request.method === 'POST' && query(request).has('uploadId')],
    ] as const
  ).map(
    ([what, spoils]): Operation => ({
      title: `the ${what} of a large upload`,
      spoils,
      run: (store) => put(store, LARGE),
      holds: (direct, _blob, stored: StoredBlob) => isStored(direct, stored, LARGE),
    }),
  ),
  {
    title: 'a download',
    spoils: ({ method }) => method === 'GET',
    prepare: smallBlob,
    run: async (store, blob) => buffer(await store.open(blob)),
    holds: async (_direct, _blob, bytes: Buffer) => bytes.equals(SMALL),
  },
  {
    title: 'a download of a part',
    spoils: ({ method }) => method === 'GET',
    prepare: smallBlob,
    run: async (store, blob) => buffer(await store.open(blob, { start: 100_000, end: 199_999 })),
    holds: async (_direct, _blob, bytes: Buffer) => bytes.equals(SMALL.subarray(100_000, 200_000)),
  },
  {
    title: 'stat',
    spoils: ({ method }) => method === 'GET',
    prepare: smallBlob,
    run: (store, blob) => store.stat(blob),
    holds: async (_direct, _blob, info: { size: number } | null) => info?.size === SMALL.length,
  },
  {
    title: 'a listing',
    spoils: ({ method }) => method === 'GET',
    prepare: smallBlob,
    run: (store) => listed(store),
    holds: async (_direct, blob, all: { place: string }[]) => all.some(({ place }) => place === placeOf(blob)),
  },
  {
    title: 'a deletion',
    spoils: ({ method }) => method === 'POST',
    prepare: smallBlob,
    run: (store, blob) => store.deleteAll([placeOf(blob)]),
    holds: isGone,
  },
  {
    title: 'a relocation',
    spoils: ({ method }) => method === 'PUT' || method === 'GET',
    prepare: (store) => put(store, SMALL),
    run: (_store, blob) => blob.relocate(),
    holds: (direct, blob) => isStored(direct, blob, SMALL),
  },
  {
    title: 'setting damaged bytes aside',
    spoils: ({ method }) => method === 'PUT' || method === 'GET' || method === 'POST',
    prepare: smallBlob,
    run: async (store, blob) => store.setAside((await store.stat(blob))!),
    holds: async (direct, blob, isAside: boolean) => !isAside || isGone(direct, blob),
  },
  {
    title: 'a trial of writing',
    spoils: ({ method }) => method === 'PUT',
    run: (store) => store.checkWritable(),
    holds: async () => true,
  },
];

describe('S3 — every operation by every fault', () => {
  let proxy: FaultProxy;
  let direct: S3BlobStore;
  let client: S3Client;
  const prefix = newPrefix();
  const openFiles = async () => (await readdir('/proc/self/fd')).length;

  beforeAll(async () => {
    proxy = await FaultProxy.start(storage.settings.endpoint);
    client = new S3Client(storage.settings);
    direct = new S3BlobStore({ client, leases: new MemoryLeases(), prefix });
  });
  afterAll(async () => {
    await emptyPrefix(client, prefix);
    await proxy.close();
    await direct.close();
  });

  function openThere(silenceMs = 1_000): S3BlobStore {
    const settings = { ...storage.settings, endpoint: proxy.endpoint, silenceMs, backOffMs: 5 };
    return new S3BlobStore({ client: new S3Client(settings), leases: new MemoryLeases(), prefix });
  }

  /** Runs the operation; what it resolves with has to be true, and what it rejects with is of the seam. */
  async function play(
    { prepare, run, holds, spoils }: Operation,
    fault: Fault,
    times: number,
  ): Promise<'done' | 'refused'> {
    // Where it is silent each time, soon enough.
    const store = openThere(fault.startsWith('silent') && times > 1 ? 400 : undefined);
    proxy.spoil = () => null;
    const blob = (await prepare?.(store)) as StoredBlob;
    let left = times;
    proxy.spoil = (request) => (spoils(request) && left-- > 0 ? fault : null);
    try {
      const result = await run(store, blob);
      proxy.spoil = () => null;
      await proxy.settle();
      expect(await holds(direct, blob, result as never)).toBe(true);
      return 'done';
    } catch (error) {
      if (!(error instanceof StoreFailingError)) throw error;
      return 'refused';
    } finally {
      proxy.spoil = () => null;
      await proxy.settle();
      expect(store.stats().uploads).toBe(0);
      await store.close();
    }
  }

  describe.each(OPERATIONS.map((operation) => [operation.title, operation] as const))('%s', (_title, operation) => {
    it.each(FAULTS)('%s, once: it succeeds', async (fault) => {
      expect(await play(operation, fault, 1)).toBe('done');
    });
  });

  it.each(FAULTS.filter((fault) => fault !== 'slow first byte'))(
    '%s, always: every operation is refused',
    async (fault) => {
      const before = await openFiles();
      for (const operation of OPERATIONS) {
        const outcome = await play(operation, fault, Number.POSITIVE_INFINITY);
        // The head of an answer says all that stat asks for.
        const isTold = operation.title === 'stat' && fault === 'answer cut short';
        expect([operation.title, outcome]).toEqual([operation.title, isTold ? 'done' : 'refused']);
      }
      await waitUntil('the connections are closed', async () => (await openFiles()) <= before + 40);
    },
  );

  it('a deletion that comes late meets nothing that is named', async () => {
    const store = openThere();
    const blob = await smallBlob(store);
    proxy.spoil = ({ method }) => (method === 'POST' ? 'done late' : null);
    await expect(store.deleteAll([placeOf(blob)])).rejects.toThrow(StoreFailingError);
    proxy.spoil = () => null;
    const again = await put(store, SMALL);
    await again.release('named');
    await proxy.settle();
    expect(again.id).toBe(sha256(SMALL));
    expect(await isStored(direct, again, SMALL)).toBe(true);
    await store.close();
  });

  it('a large download goes on where the connection breaks, as long as something comes', async () => {
    const store = openThere();
    const blob = await put(store, LARGE);
    await blob.release('named');
    let cuts = 0;
    proxy.spoil = ({ method }) => (method === 'GET' && cuts++ < 5 ? 'answer cut short' : null);
    expect((await buffer(await store.open(blob))).equals(LARGE)).toBe(true);
    expect(cuts).toBe(6);
    await store.close();
  });
});
