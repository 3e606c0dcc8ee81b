import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskBlobStore } from '../../src/engines/disk/disk-blob-store.js';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { SqlBlobIndex } from '../../src/engines/sql/sql-blob-index.js';
import { SqlMetadataCheck } from '../../src/engines/sql/sql-metadata-check.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqlStorageHistory } from '../../src/engines/sql/sql-storage-history.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { finish, openStorage } from '../../src/engines/storage-format.js';
import type { NodeRow } from '../../src/stores/metadata-store.js';
import type { BlobId } from '../../src/stores/values.js';
import { insertFile, largeContentOf, type MetadataEngine, World } from '../conformance/metadata-fixture.js';
import { storesOf } from '../support/stores.js';

const MIGRATIONS = readMigrations(new URL('../../migrations/sqlite', import.meta.url).pathname);

/** A storage folder with a world in it, the real engines, and uploads into both. */
export class Storage {
  private constructor(
    readonly folder: string,
    readonly blobs: DiskBlobStore,
    readonly world: World,
  ) {}

  static async make(): Promise<Storage> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-jobs-'));
    await openStorage(folder, true);
    const world = await World.open(async () => openMetadata(join(folder, 'firn.db')));
    const blobs = await DiskBlobStore.open(folder);
    await finish(folder);
    return new Storage(folder, blobs, world);
  }

  get blobIndex() {
    return this.world.engine.blobIndex;
  }

  /** As a PUT of content that is large enough for a blob. Makes a file of that name in Anna's files. */
  async upload(name: string, text = name): Promise<NodeRow> {
    const stored = await this.store(text);
    const file = await this.world.write((transaction) =>
      insertFile(transaction, this.world.home, name, largeContentOf(text), this.world.drive.id),
    );
    await stored.release('named');
    return file;
  }

  /** The first half of an upload: the bytes are stored, and no transaction has named them. */
  async store(text: string) {
    async function* source() {
      yield Buffer.from(text);
    }
    return this.blobs.put(source());
  }

  /** As a DELETE inside the trash. */
  async destroy(file: NodeRow): Promise<void> {
    await this.world.write(async (transaction) => transaction.detachNode(file, Date.now()));
  }

  async has(text: string): Promise<boolean> {
    return (await this.blobs.stat(largeContentOf(text))) !== null;
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
  const database = SqliteDatabase.open(path, MIGRATIONS);
  return {
    database,
    metadata: new SqlMetadataStore(database),
    accounts: storesOf(database).accounts,
    blobIndex: new SqlBlobIndex(database),
    check: new SqlMetadataCheck(database),
    history: new SqlStorageHistory(database),
    close: () => database.close(),
  };
}
