import { expect } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import type { Resource } from '../../src/drive/resource.js';
import type { Snapshot } from '../../src/drive/snapshot.js';
import { nextPage, type SyncPage } from '../../src/drive/sync/sync-page.js';
import { cursorAtStart, findCursor, syncToken } from '../../src/drive/sync/sync-token.js';
import type { NodeId } from '../../src/stores/values.js';
import { listingOf, segmentsOf } from './drive-members.js';

/** More than any page of a test's drive: a sync that takes more turns doesn't end. */
const PAGES_MAX = 2_000;

type Contents = Map<string, string>;

/** What a sync program keeps of a folder: by path what was there, and the token of the last page. Checks all that comes. */
export class Replica {
  readonly #drive: Drive;
  readonly #path: string;
  readonly isDeep: boolean;
  #contents: Contents = new Map();
  #token: string | null = null;
  /** Which folder the token is of. */
  #folderId: string | null = null;
  /** Whether nothing of the change log has been forgotten: a token is then good as long as the folder is there. */
  #isKept = true;
  /** What a listing shows, as of a revision. */
  #listed: { readonly revision: number; readonly folderId: string; readonly versions: Contents } | null = null;

  constructor(drive: Drive, path: string, options: { readonly isDeep: boolean }) {
    this.#drive = drive;
    this.#path = path;
    this.isDeep = options.isDeep;
  }

  /** Removals were pruned: from now on tokens may be refused, also new ones of a folder that hasn't changed since. */
  notePruning(): void {
    this.#isKept = false;
  }

  /** Takes pages until the last one. */
  async complete(limit: number): Promise<void> {
    for (let pages = 0; !(await this.step(limit)); pages++) {
      if (pages > PAGES_MAX) throw new Error(`${PAGES_MAX} pages of "${this.#path}", and no end`);
    }
  }

  /** Takes one page. Tells whether it was the last, and the contents are the folder's, or there is no folder. */
  step(limit: number): Promise<boolean> {
    return this.#drive.read(async (snapshot) => {
      const { resource } = await snapshot.find(segmentsOf(this.#path));
      // It may come back, out of the trash.
      if (!resource?.isCollection) return true;
      const versions = await this.#list(snapshot, resource);
      const page = await this.#read(snapshot, resource, limit);
      this.#check(page, resource, versions, limit);
      this.#apply(page, versions);
      this.#token = syncToken(resource, snapshot.membership, page.cursor);
      if (page.isComplete) await this.#checkComplete(snapshot, resource, versions);
      return page.isComplete;
    });
  }

  async #list(snapshot: Snapshot, folder: Resource): Promise<Contents> {
    const { last: revision } = await snapshot.view.changeLog.horizon(snapshot.membership.driveId, 0);
    const folderId = keyOf(folder);
    if (this.#listed?.revision !== revision || this.#listed.folderId !== folderId) {
      this.#listed = { revision, folderId, versions: await versionsOf(snapshot, folder, this.isDeep) };
    }
    return this.#listed.versions;
  }

  async #read(snapshot: Snapshot, folder: Resource, limit: number): Promise<SyncPage> {
    const { membership } = snapshot;
    const isSameFolder = this.#folderId === keyOf(folder);
    let cursor = this.#token === null ? null : await findCursor(snapshot, folder, this.#token);
    if (cursor) expect(isSameFolder, 'a token of another folder is taken').toBe(true);
    else if (isSameFolder && this.#isKept) expect(this.#token, 'a good token is refused').toBe(null);
    if (cursor) expect(syncToken(folder, membership, cursor)).toBe(this.#token);
    if (!cursor) {
      this.#contents = new Map();
      this.#folderId = keyOf(folder);
      cursor = cursorAtStart(folder);
    }
    return nextPage(snapshot, folder, cursor, { isDeep: this.isDeep, limit });
  }

  #check(page: SyncPage, folder: Resource, versions: Contents, limit: number): void {
    const changed = page.changed.map(({ path }) => path);
    const removed = page.removed.map(({ path }) => path);
    const all = [...changed, ...removed];
    expect(all.length).toBeLessThanOrEqual(limit);
    const { length } = folder.path;
    const isMember = (path: readonly string[]) =>
      textOf(path).startsWith(length === 0 ? '' : `${textOf(folder.path)}/`) &&
      (this.isDeep ? path.length > length : path.length === length + 1);
    expect(all.filter((path) => !isMember(path))).toEqual([]);
    expect(new Set(all.map(textOf)).size, `a path comes twice: ${all.map(textOf)}`).toBe(all.length);
    expect(changed.map(textOf).filter((path) => !versions.has(path))).toEqual([]);
    // What is told to be gone, and is there again, is told again: so this isn't all.
    if (removed.some((path) => versions.has(textOf(path)))) expect(page.isComplete).toBe(false);
  }

  #apply(page: SyncPage, versions: Contents): void {
    for (const { path, isCollection } of page.removed) {
      const text = textOf(path);
      this.#contents.delete(text);
      if (!isCollection) continue;
      for (const known of [...this.#contents.keys()]) if (known.startsWith(`${text}/`)) this.#contents.delete(known);
    }
    for (const resource of page.changed) {
      const text = textOf(resource.path);
      this.#contents.set(text, describe(resource, this.isDeep, versions.get(text)!.split(' ')[0]!));
    }
  }

  async #checkComplete(snapshot: Snapshot, folder: Resource, versions: Contents): Promise<void> {
    expect(sorted(this.#contents)).toEqual(sorted(versions));
    expect(this.#token).toBe(syncToken(folder, snapshot.membership));
    const cursor = await findCursor(snapshot, folder, this.#token!);
    const page = await nextPage(snapshot, folder, cursor!, { isDeep: this.isDeep, limit: 1 });
    expect(page).toEqual({ removed: [], changed: [], cursor, isComplete: true });
  }
}

const textOf = (path: readonly string[]) => path.join('/');
const sorted = (contents: Contents) =>
  Object.fromEntries([...contents].sort(([one], [other]) => (one < other ? -1 : 1)));

/** Several nodes make up the root and the trash; their members are one principal's, who doesn't change in a test. */
const keyOf = ({ kind, node }: Resource) => `${node?.id ?? kind}`;

/** A fresh listing, each path with what a replica has to know of it. */
async function versionsOf(snapshot: Snapshot, folder: Resource, isDeep: boolean): Promise<Contents> {
  const start = { revision: 0, id: 0 as NodeId };
  const rows = await snapshot.view.changeLog.changedNodes(snapshot.membership.driveId, start, 100_000);
  const changes = new Map(rows.map(({ node, changed }) => [node.id, changed]));
  const resources = await listingOf(snapshot, folder, isDeep);
  return new Map(
    resources.map((resource) => {
      const changed = resource.node === null ? 0 : changes.get(resource.node.id);
      return [textOf(resource.path), describe(resource, isDeep, `${changed}`)];
    }),
  );
}

/** Of a collection its ETag counts where its members aren't told; where they are, its own changes, as of a file. */
function describe(resource: Resource, isDeep: boolean, changed: string): string {
  const { kind, node, isCollection, etag, trash } = resource;
  const isMade = kind !== 'node' && kind !== 'trashed' && kind !== 'in-trash';
  const version = isCollection ? (isDeep ? '' : etag) : etag;
  const deletion = trash ? `${trash.originalPath} ${trash.deletedAt}` : '';
  return [isMade ? '-' : changed, isCollection ? 'collection' : 'file', kind, node?.id ?? '', version, deletion].join(
    ' ',
  );
}
