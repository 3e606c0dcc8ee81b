import { createHash } from 'node:crypto';
import { SqlBlobIndex } from '../../src/engines/sql/sql-blob-index.js';
import type { SqlConnection, SqlDatabase } from '../../src/engines/sql/sql-database.js';
import { SqlMetadataCheck } from '../../src/engines/sql/sql-metadata-check.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { SqlScrubStore } from '../../src/engines/sql/sql-scrub-store.js';
import { SqlStorageHistory } from '../../src/engines/sql/sql-storage-history.js';
import type { AccountStore, DriveRow, MemberRow } from '../../src/stores/account-store.js';
import type { BlobIndex, MetadataCheck, Sweep, SweepId } from '../../src/stores/blob-index.js';
import type {
  ContentRow,
  LockRow,
  MetadataStore,
  NodeRow,
  StoreTransaction,
  StoreView,
  TrashBin,
} from '../../src/stores/metadata-store.js';
import type { ScrubStore } from '../../src/stores/scrub-store.js';
import type { StorageHistory } from '../../src/stores/storage-history.js';
import type { BlobId, DriveId, LockToken, NodeId, UserId } from '../../src/stores/values.js';
import { storesOf } from '../support/stores.js';

/** What an engine of the metadata gives to be tested. */
export interface MetadataEngine {
  readonly database: SqlDatabase;
  readonly metadata: MetadataStore;
  readonly accounts: AccountStore;
  readonly blobIndex: BlobIndex;
  readonly check: MetadataCheck;
  readonly history: StorageHistory;
  readonly scrub: ScrubStore;
  close(): Promise<void>;
}
export type OpenEngine = () => Promise<MetadataEngine>;

/** All seams on one database. */
export function engineOn(database: SqlDatabase): MetadataEngine {
  return {
    database,
    metadata: new SqlMetadataStore(database),
    accounts: storesOf(database).accounts,
    blobIndex: new SqlBlobIndex(database),
    check: new SqlMetadataCheck(database),
    history: new SqlStorageHistory(database),
    scrub: new SqlScrubStore(database),
    close: () => database.close(),
  };
}

/** When everything in a test happens that is not said to happen at another time. */
export const NOW = 1_800_000_000_000;
export const LATER = NOW + 5_000;
/** Times of the nodes that tests make: not `NOW`, so that what a write sets shows. */
export const MODIFIED = NOW - 3_000;
export const CREATED = NOW - 4_000;
export const NOBODY = 999_999 as NodeId;

const TABLES = [
  'node',
  'content',
  'content_candidate',
  'condemned',
  'sweep',
  'swept',
  'purge',
  'node_past',
  'succession',
  'property',
  'dav_lock',
  'vacated_lock',
  'trash',
  'revision',
  'drive',
  'member',
];

/** A collection's members by name: a text makes a file, members make a collection. */
export interface Tree {
  readonly [name: string]: string | Tree;
}

/** Two drives on an engine. Anna and Ben are members of the first, Anna of the second as well. */
export class World {
  private constructor(
    readonly engine: MetadataEngine,
    readonly drive: DriveRow,
    readonly anna: MemberRow,
    readonly ben: MemberRow,
    readonly otherDrive: DriveRow,
    readonly elsewhere: MemberRow,
  ) {}

  static async open(open: OpenEngine): Promise<World> {
    const engine = await open();
    const { accounts } = engine;
    const user = (email: string) =>
      accounts.createUser({ email, name: email, passwordHash: 'hash', isAdmin: false }, NOW);
    const drive = (id: number) =>
      accounts.createDrive({ id: id as DriveId, name: 'Team', quotaBytes: null, uploadMaxBytes: null }, NOW);
    const [anna, ben] = [await user('anna@x'), await user('ben@x')];
    const [first, second] = [await drive(100_001), await drive(100_002)];
    return new World(
      engine,
      first,
      await accounts.putMember(first.id, anna.id, 'manager', null, NOW),
      await accounts.putMember(first.id, ben.id, 'member', null, NOW),
      second,
      await accounts.putMember(second.id, anna.id, 'manager', null, NOW),
    );
  }

  /** Where most tests work: Anna's personal files. */
  get home(): NodeId {
    return this.anna.homeId;
  }

  /** The trash of a member on the first drive; null: the common one. */
  binOf(member: MemberRow | null): TrashBin {
    return { driveId: this.drive.id, id: member?.binId ?? this.drive.commonBinId, ownerId: member?.userId ?? null };
  }

  read<T>(work: (view: StoreView) => Promise<T>): Promise<T> {
    return this.engine.metadata.read([this.drive.id, this.otherDrive.id], work);
  }

  write<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    return this.engine.metadata.write([this.drive.id, this.otherDrive.id], work);
  }

  /** Runs SQL as no interface would. */
  corrupt(sql: string, ...parameters: unknown[]): Promise<number> {
    return this.engine.database.write((connection) => {
      let number = 0;
      const text = connection.dialect === 'postgres' ? sql.replaceAll('?', () => `$${++number}`) : sql;
      return connection.run(text, parameters);
    });
  }

  /** As an upload in parts that is given up: the content is recorded, and nothing names it. Returns what `putContent` does. */
  leave(content: ContentRow, restoredAfter: SweepId | null = null): Promise<Sweep | null> {
    return this.write(async (transaction) => {
      const sweep = await transaction.putContent(content, NOW, restoredAfter);
      if (sweep) return sweep;
      const { uploads } = transaction;
      const key = { driveId: this.drive.id, userId: this.anna.userId, scopeId: null, name: `left ${content.id}` };
      const { id } = await uploads.insert({ ...key, size: null, target: null, expiresAt: LATER }, NOW);
      const part = { name: '1', number: 0, size: content.size, blobId: content.id, storedAt: NOW };
      await uploads.putPart(id, part, { expiresAt: LATER, expectedReceived: null });
      await uploads.remove(id);
      return null;
    });
  }

  /** A content by its hash, as no interface finds it; of several the one that came last, null where there is none. */
  async recorded(id: BlobId): Promise<ContentRow | null> {
    const columns = 'id, size, sha1, md5, bytes, place';
    const rows = await this.engine.database.read((connection) => {
      const mark = connection.dialect === 'postgres' ? '$1' : '?';
      const sql = `SELECT ${columns} FROM content WHERE id = ${mark} ORDER BY key DESC`;
      return connection.all<ContentRow & { sha1: string | null; md5: string | null }>(sql, [id]);
    });
    if (!rows[0]) return null;
    const { sha1, md5, ...row } = rows[0];
    return { ...row, ...(sha1 === null ? {} : { sha1 }), ...(md5 === null ? {} : { md5 }) };
  }

  async node(id: NodeId): Promise<NodeRow> {
    const [row] = await this.read((view) => view.findNodes([id]));
    if (!row) throw new Error(`node ${id} is not there`);
    return row;
  }

  async isThere(id: NodeId): Promise<boolean> {
    return (await this.read((view) => view.findNodes([id]))).length === 1;
  }

  /** The node at the path below `anchor`, Anna's files by default; throws when there is none. */
  async at(path: string, anchor: NodeId = this.home): Promise<NodeRow> {
    const segments = path.split('/');
    const row = (await this.read((view) => view.resolve(anchor, segments)))[segments.length];
    if (!row) throw new Error(`${path} is not there`);
    return row;
  }

  folder(parentId: NodeId, name: string): Promise<NodeRow> {
    return this.write((transaction) => insertFolder(transaction, parentId, name, this.#driveOf(parentId)));
  }

  file(parentId: NodeId, name: string, text: string): Promise<NodeRow> {
    return this.write((transaction) => insertFile(transaction, parentId, name, text, this.#driveOf(parentId)));
  }

  /** Makes a tree in one transaction and gives its top. */
  async grow(parentId: NodeId, name: string, tree: Tree): Promise<NodeRow> {
    const driveId = this.#driveOf(parentId);
    const plant = async (transaction: StoreTransaction, parent: NodeId, members: Tree): Promise<void> => {
      for (const [member, content] of Object.entries(members)) {
        if (typeof content === 'string') await insertFile(transaction, parent, member, content, driveId);
        else await plant(transaction, (await insertFolder(transaction, parent, member, driveId)).id, content);
      }
    };
    const top = await this.write(async (transaction) => {
      const node = await insertFolder(transaction, parentId, name, driveId);
      await plant(transaction, node.id, tree);
      return node;
    });
    return this.node(top.id);
  }

  /** The tree below a node as `grow` takes it, a file as the text that `contentOf` was given. */
  async tree(id: NodeId): Promise<Tree> {
    const rows = await this.read((view) => view.children([id], null, 1_000));
    const members: Record<string, string | Tree> = {};
    for (const row of rows) members[row.name] = row.isCollection ? await this.tree(row.id) : await this.#text(row);
    return members;
  }

  /** Every row there is, but those of users. */
  async dump(): Promise<Record<string, unknown[]>> {
    const sorted = async (connection: SqlConnection) => {
      const rows: Record<string, unknown[]> = {};
      // Numbers that PostgreSQL gave to what was rolled back are left out, not given again.
      const tables = connection.dialect === 'postgres' ? TABLES.filter((table) => table !== 'revision') : TABLES;
      for (const table of tables) {
        const found = await connection.all<Record<string, unknown>>(`SELECT * FROM ${table}`, []);
        rows[table] = found.map((row) => JSON.stringify(row)).sort();
      }
      return rows;
    };
    return this.engine.database.read(sorted);
  }

  /** What fsck says, each as `kind`. */
  async problems(repair = false): Promise<string[]> {
    const kinds: string[] = [];
    for await (const { kind } of this.engine.check.check({ repair, now: LATER })) kinds.push(kind);
    return kinds;
  }

  lock(nodeId: NodeId, change: Partial<LockRow> = {}): LockRow {
    return {
      token: `opaquelocktoken:${crypto.randomUUID()}` as LockToken,
      driveId: this.#driveOf(nodeId),
      nodeId,
      userId: this.anna.userId,
      scope: 'exclusive',
      isDeep: true,
      ownerXml: null,
      timeoutSeconds: 60,
      expiresAt: NOW + 60_000,
      ...change,
    };
  }

  /** As a DELETE does: moves the node to the trash of `ownerId`, of all where it is null. */
  trash(node: NodeRow, ownerId: UserId | null, change: { name?: string; deletedAt?: number } = {}): Promise<NodeRow> {
    const { name = node.name, deletedAt = NOW } = change;
    const bins = new Map([this.anna, this.ben].map((member) => [member.userId, member.binId]));
    const binId = ownerId === null ? this.drive.commonBinId : bins.get(ownerId)!;
    return this.write(async (transaction) => {
      const moved = await transaction.moveNode(node, { id: binId, driveId: this.drive.id }, name, deletedAt);
      const deletion = { ownerId, originalPath: `was/${node.name}`, deletedBy: this.anna.userId, deletedAt };
      await transaction.insertTrash({ nodeId: node.id, driveId: this.drive.id, name, ...deletion });
      return moved;
    });
  }

  /** Nodes of the second drive are few and made by `elsewhere` alone. */
  #driveOf(nodeId: NodeId): DriveId {
    return nodeId === this.elsewhere.homeId ? this.otherDrive.id : this.drive.id;
  }

  async #text(file: NodeRow): Promise<string> {
    const content = await this.read((view) => view.findContent(file));
    return Buffer.from(content!.bytes!).toString();
  }
}

/** A content whose bytes live in the database. */
export function contentOf(text: string): ContentRow {
  const bytes = Buffer.from(text);
  const id = createHash('sha256').update(bytes).digest('hex') as BlobId;
  return { id, size: bytes.length, bytes, place: null };
}

/** A content whose bytes a BlobStore has. */
export function largeContentOf(text: string): ContentRow {
  return { ...contentOf(text), bytes: null };
}

export function insertFolder(
  transaction: StoreTransaction,
  parentId: NodeId,
  name: string,
  driveId: DriveId,
): Promise<NodeRow> {
  const times = { modified: MODIFIED, created: CREATED };
  return transaction.insertNode({ driveId, parentId, name, content: null, ...times }, NOW);
}

export async function insertFile(
  transaction: StoreTransaction,
  parentId: NodeId,
  name: string,
  content: string | ContentRow,
  driveId: DriveId,
): Promise<NodeRow> {
  const row = typeof content === 'string' ? contentOf(content) : content;
  await transaction.putContent(row, NOW);
  const times = { modified: MODIFIED, created: CREATED };
  return transaction.insertNode({ driveId, parentId, name, content: row, ...times }, NOW);
}

export const namesOf = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name);
