import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contents, type ReceivedContent } from '../../src/drive/contents.js';
import { DriveError } from '../../src/drive/drive-error.js';
import { ContentCollectedError } from '../../src/drive/drive-transaction.js';
import { DiskBlobStore } from '../../src/engines/disk/disk-blob-store.js';
import { MemoryBlobStore } from '../../src/engines/memory/memory-blob-store.js';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { finish, openStorage } from '../../src/engines/storage-format.js';
import type { BlobStore } from '../../src/stores/blob-store.js';
import type { NodeRow } from '../../src/stores/metadata-store.js';
import type { BlobId } from '../../src/stores/values.js';
import {
  engineOn,
  insertFile,
  largeContentOf,
  type MetadataEngine,
  NOW,
  World,
} from '../conformance/metadata-fixture.js';

const MIGRATIONS = readMigrations(new URL('../../migrations/sqlite', import.meta.url).pathname);

/** A storage folder with a world in it, the real engines, and uploads into both. */
export class Storage {
  /** What was stored, by text. */
  readonly #stored = new Map<string, ReceivedContent[]>();

  private constructor(
    readonly folder: string,
    readonly blobs: BlobStore,
    readonly world: World,
  ) {}

  /** `memory`: its blobs are in memory, at places of their own. */
  static async make(kind: 'disk' | 'memory' = 'disk'): Promise<Storage> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-jobs-'));
    await openStorage(folder, true);
    const world = await World.open(async () => openMetadata(join(folder, 'firn.db')));
    const disk = await DiskBlobStore.open(folder);
    await finish(folder);
    return new Storage(folder, kind === 'disk' ? disk : new MemoryBlobStore({ places: 'random' }), world);
  }

  get blobIndex() {
    return this.world.engine.blobIndex;
  }

  /** As a PUT of content that is large enough for a blob. Makes a file of that name in Anna's files. */
  async upload(name: string, text = name): Promise<NodeRow> {
    return this.name(name, await this.store(text));
  }

  /** The first half of an upload: the bytes are stored, and no transaction has named them. */
  async store(text: string): Promise<ReceivedContent> {
    const bytes = Buffer.from(text);
    const chunks = async function* () {
      yield bytes;
    };
    const incoming = { size: bytes.length, readAll: async () => bytes, chunks };
    const limit = { bytes: bytes.length, error: () => new DriveError('too-large', 'never') };
    const contents = new Contents(this.blobs, { inlineMaxBytes: -1 });
    const content = await contents.receive(incoming, { size: null, digests: [], kept: [] }, limit);
    this.#stored.set(text, [...(this.#stored.get(text) ?? []), content]);
    return content;
  }

  /** The second half: all that a PUT does about the collector. Makes a file of that name in Anna's files. */
  async name(name: string, content: ReceivedContent): Promise<NodeRow> {
    const { home, drive } = this.world;
    for (;;) {
      try {
        const file = await this.world.write(async (transaction) => {
          const sweep = await transaction.putContent(content.row, NOW, content.restoredAfter);
          if (sweep) throw new ContentCollectedError(sweep);
          return insertFile(transaction, home, name, content.row, drive.id);
        });
        await content.release('named');
        return file;
      } catch (error) {
        if (!(error instanceof ContentCollectedError)) throw error;
        await content.recover(error.sweep);
      }
    }
  }

  /** As a DELETE inside the trash. */
  async destroy(file: NodeRow): Promise<void> {
    await this.world.write(async (transaction) => transaction.detachNode(file, Date.now()));
  }

  async has(text: string): Promise<boolean> {
    const stored = [largeContentOf(text), ...(this.#stored.get(text) ?? []).map(({ row }) => row)];
    return (await Promise.all(stored.map((row) => this.blobs.stat(row)))).some((info) => info !== null);
  }

  pathOf(text: string, folder = this.folder): string {
    const id = idOf(text);
    return join(folder, 'blobs', id.slice(0, 2), id);
  }

  async remove(): Promise<void> {
    await this.world.engine.close();
    await rm(this.folder, { recursive: true });
  }
}

export function idOf(text: string): BlobId {
  return largeContentOf(text).id;
}

export function openMetadata(path: string): MetadataEngine {
  return engineOn(SqliteDatabase.open(path, MIGRATIONS));
}
