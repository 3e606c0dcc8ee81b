import { Contents } from '../../src/drive/contents.js';
import { Drive } from '../../src/drive/drive.js';
import type { DriveTransaction } from '../../src/drive/drive-transaction.js';
import { Listing } from '../../src/drive/listing.js';
import type { DrivePath } from '../../src/drive/names.js';
import { NO_TOKENS } from '../../src/drive/permit.js';
import { type Resource, readResource } from '../../src/drive/resource.js';
import type { Snapshot } from '../../src/drive/snapshot.js';
import { Uploads } from '../../src/drive/uploads/uploads.js';
import { MemoryBlobStore } from '../../src/engines/memory/memory-blob-store.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import type { CredentialRef, Membership } from '../../src/stores/account-store.js';
import type { DriveId, NodeId } from '../../src/stores/values.js';
import { contentOf, engineOn, NOW, type OpenEngine, World } from '../conformance/metadata-fixture.js';
import { CountingDatabase } from './counting-database.js';
import { MIGRATIONS } from './sqlite-file.js';

/** The members of the drives of `World`, each with the `Drive` that a request of theirs would get. */
export class DriveMembers {
  readonly anna: Drive;
  readonly ben: Drive;
  /** Anna on the second drive. */
  readonly elsewhere: Drive;
  /** What the time is for them. */
  clock = NOW;

  private constructor(
    readonly world: World,
    readonly database: CountingDatabase,
    grants: readonly [anna: Grant, ben: Grant, elsewhere: Grant],
  ) {
    const [anna, ben, elsewhere] = grants;
    this.anna = this.#driveOf(anna);
    this.ben = this.#driveOf(ben);
    this.elsewhere = this.#driveOf(elsewhere);
  }

  /** On SQLite in memory where no other engine is said. */
  static async open(
    open: OpenEngine = async () => engineOn(SqliteDatabase.open(':memory:', MIGRATIONS)),
  ): Promise<DriveMembers> {
    const { database: opened, close } = await open();
    const database = new CountingDatabase(opened);
    const world = await World.open(async () => ({ ...engineOn(database), close }));
    const { drive, otherDrive, anna, ben } = world;
    return new DriveMembers(world, database, [
      await grantOf(world, { kind: 'account', userId: anna.userId, passwordVersion: 1 }, drive.id),
      await grantOf(world, { kind: 'account', userId: ben.userId, passwordVersion: 1 }, drive.id),
      await grantOf(world, { kind: 'account', userId: anna.userId, passwordVersion: 1 }, otherDrive.id),
    ]);
  }

  /** Anna's first drive by an app password that is limited to a folder. */
  async limitedTo(scopeId: NodeId): Promise<Drive> {
    const { anna, drive, engine } = this.world;
    const limits = { driveId: drive.id, scopeId, allowance: 'full', expiresAt: null } as const;
    const secret = { userId: anna.userId, name: 'a device', selector: `s${scopeId}`, hash: 'hash', mac: null };
    const { id } = await engine.accounts.createAppPassword({ ...secret, ...limits }, NOW);
    return this.#driveOf(await grantOf(this.world, { kind: 'app', userId: anna.userId, id }, drive.id));
  }

  /** As the drive's member sees it after the drive itself was changed. */
  async refreshed({ membership: { userId, driveId } }: Drive): Promise<Drive> {
    return this.#driveOf(await grantOf(this.world, { kind: 'account', userId, passwordVersion: 1 }, driveId));
  }

  async close(): Promise<void> {
    await this.world.engine.close();
  }

  #driveOf({ membership, credential }: Grant): Drive {
    const { metadata } = this.world.engine;
    const now = () => this.clock;
    const contents = new Contents(new MemoryBlobStore(), { inlineMaxBytes: 1000 });
    const uploads = new Uploads({ metadata, contents, expiryHours: 24, now });
    const [uploadMaxBytes, uploadMaxExtendedBytes] = [1000, 1000];
    return new Drive(membership, credential, {
      metadata,
      contents,
      uploads,
      uploadMaxBytes,
      uploadMaxExtendedBytes,
      now,
    });
  }
}

interface Grant {
  readonly credential: CredentialRef;
  readonly membership: Membership;
}

async function grantOf(world: World, credential: CredentialRef, driveId: DriveId): Promise<Grant> {
  const { membership } = await world.engine.accounts.access(credential, driveId, NOW);
  return { credential, membership: membership! };
}

/** `a/b`, as a principal sees it; empty for the root. */
export const segmentsOf = (path: string): DrivePath => (path === '' ? [] : path.split('/'));

export async function put(drive: Drive, path: string, text: string): Promise<void> {
  const nothing = async () => {};
  const content = { row: contentOf(text), restoredAfter: null, recover: nothing, release: nothing };
  const work = async (changes: DriveTransaction) => {
    await changes.putFile(await changes.find(segmentsOf(path)), content);
  };
  await drive.writeContent(content, work, { paths: [segmentsOf(path)], room: true });
}

export async function makeCollection(drive: Drive, path: string): Promise<void> {
  await drive.makeCollection(segmentsOf(path), { permit: NO_TOKENS });
}

/** Within one drive, or to another one. */
export async function move(drive: Drive, from: string, to: string, destination = drive): Promise<void> {
  const target = { drive: destination, path: segmentsOf(to) };
  await drive.move(segmentsOf(from), target, { permit: NO_TOKENS, mayOverwrite: true });
}

export async function copy(drive: Drive, from: string, to: string, options = { isDeep: true }): Promise<void> {
  const { signal } = new AbortController();
  const wish = { permit: NO_TOKENS, mayOverwrite: true, signal, ...options };
  await drive.copy(segmentsOf(from), { drive, path: segmentsOf(to) }, wish);
}

/** Into the trash, or for good in there. */
export async function remove(drive: Drive, path: string): Promise<void> {
  await drive.remove([segmentsOf(path)], NO_TOKENS);
}

export async function restoreToOrigin(drive: Drive, path: string): Promise<void> {
  await drive.restore([segmentsOf(path)]);
}

export async function setProperty(drive: Drive, path: string, xml: string | null): Promise<void> {
  await drive.write(async (changes) => {
    const { node } = readResource(await changes.find(segmentsOf(path)));
    await changes.store.setProperties(node!, [{ namespace: 'urn:x', name: 'colour', xml }]);
  });
}

export async function setModified(drive: Drive, path: string, modified: number): Promise<void> {
  await drive.write(async (changes) => {
    const { node } = readResource(await changes.find(segmentsOf(path)));
    await changes.store.setTimes(node!, { modified });
  });
}

/** What is there; throws when nothing is. */
export function found(drive: Drive, path: string): Promise<Resource> {
  return drive.read(async (snapshot) => readResource(await snapshot.find(segmentsOf(path))));
}

/** All members of a folder, or all that is below it. */
export async function listingOf(snapshot: Snapshot, folder: Resource, isDeep: boolean): Promise<Resource[]> {
  const listing = new Listing(folder, { isDeep });
  const resources: Resource[] = [];
  for (let page = await listing.next(snapshot); page; page = await listing.next(snapshot)) resources.push(...page);
  return resources;
}
