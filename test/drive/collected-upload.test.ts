import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReceivedContent } from '../../src/drive/contents.js';
import { Contents } from '../../src/drive/contents.js';
import { Drive } from '../../src/drive/drive.js';
import { endPast } from '../../src/drive/past/retention.js';
import { Uploads } from '../../src/drive/uploads/uploads.js';
import { collectGarbage } from '../../src/jobs/gc.js';
import type { DriveId } from '../../src/stores/values.js';
import { DRIVE_ID, TestServer } from '../support/make-server.js';

const NOTHING_EXPECTED = { size: null, digests: [], kept: [] };

describe('storage/README invariant 3 — a collector between the bytes of an upload and its transaction', () => {
  let server: TestServer;
  let drive: Drive;

  beforeAll(async () => {
    server = await TestServer.start();
    const { blobs, metadata } = server.engines;
    const { accounts } = server.stores;
    const user = (await accounts.listUsers(null, 1))[0]!;
    const credential = { kind: 'account', userId: user.id, passwordVersion: user.passwordVersion } as const;
    const { membership } = await accounts.access(credential, DRIVE_ID as DriveId, Date.now());
    const contents = new Contents(blobs, { inlineMaxBytes: 16_384 });
    drive = new Drive(membership!, credential, {
      metadata,
      contents,
      uploads: new Uploads({ metadata, contents, expiryHours: 24, now: Date.now }),
      uploadMaxBytes: 1e9,
      uploadMaxExtendedBytes: 1e9,
      now: Date.now,
    });
  });
  afterAll(() => server.stop());

  const receive = (bytes: Buffer): Promise<ReceivedContent> => {
    const chunks = async function* () {
      yield bytes;
    };
    const incoming = { size: bytes.length, readAll: async () => bytes, chunks };
    return drive.receive(incoming, NOTHING_EXPECTED, Number.POSITIVE_INFINITY, new AbortController().signal);
  };
  const collect = () => {
    const { blobs, blobIndex } = server.engines;
    return collectGarbage({ blobs, blobIndex, now: Date.now, graceSeconds: 0 });
  };
  const put = (name: string, content: ReceivedContent) =>
    drive.writeContent(content, async (changes) => changes.putFile(await changes.find([name]), content));
  const read = async (name: string): Promise<Buffer> => {
    const { content } = await drive.read((snapshot) => snapshot.find([name], { withContent: true }));
    const chunks: Buffer[] = [];
    for await (const chunk of (await drive.open(content!)) as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  it('takes the bytes away, and the upload puts them back before it is acknowledged', async () => {
    const bytes = Buffer.alloc(100_000, 'a');
    const content = await receive(bytes);
    expect((await collect()).deleted).toBe(1);
    expect(await server.engines.blobs.stat(content.row)).toBeNull();
    await put('a.bin', content);
    expect((await read('a.bin')).equals(bytes)).toBe(true);
  });

  it('also where the same bytes were deleted for good a moment ago', async () => {
    const bytes = Buffer.alloc(100_000, 'b');
    await put('b.bin', await receive(bytes));
    const again = await receive(bytes);
    await drive.write(async (changes) => {
      const found = await changes.find(['b.bin']);
      await changes.store.detachNode(found.resource!.node!, changes.now);
    });
    await endPast(server.engines.metadata, DRIVE_ID as DriveId, Date.now() + 1);
    expect((await collect()).deleted).toBe(1);
    await put('c.bin', again);
    await collect();
    expect((await read('c.bin')).equals(bytes)).toBe(true);
  });

  it('leaves them once the upload is acknowledged', async () => {
    const bytes = Buffer.alloc(100_000, 'd');
    await put('d.bin', await receive(bytes));
    expect((await collect()).deleted).toBe(0);
    expect((await read('d.bin')).equals(bytes)).toBe(true);
  });
});
