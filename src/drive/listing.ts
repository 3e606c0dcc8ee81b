import type { ChildPosition, TrashRow } from '../stores/metadata-store.js';
import type { NodeId } from '../stores/values.js';
import { DEPTH_MAX, type DrivePath } from './names.js';
import { type Resource, type ResourceKind, readResource, resourceOf } from './resource.js';
import type { Snapshot } from './snapshot.js';
import { membersOf } from './view.js';

/** Members of the first page: one statement, few enough to build and send at once. */
export const PAGE_MEMBERS = 1000;
/** Members of each further page: a step that others hardly feel. */
export const STEP_MEMBERS = 250;
/** Folders whose members one statement lists together. */
const FOLDERS_TOGETHER = 200;

interface Folder {
  readonly id: NodeId;
  readonly path: DrivePath;
  readonly memberKind: ResourceKind;
  readonly trash: TrashRow | null;
}

interface OpenTrash {
  readonly path: DrivePath;
  readonly bins: readonly NodeId[];
  after: string | null;
}

/**
 * Walks the members of a collection, or everything below it, page by page. A page is read from one snapshot; between
 * pages nothing is held, however slowly the reader takes them. A collection comes before its members.
 */
export class Listing {
  readonly #isDeep: boolean;
  readonly #folders: Folder[] = [];
  #batch: Folder[] = [];
  #after: ChildPosition | null = null;
  #start: Resource | null;
  #trash: OpenTrash | null = null;

  constructor(top: Resource, options: { readonly isDeep: boolean }) {
    this.#start = top;
    this.#isDeep = options.isDeep;
  }

  /** Whether the last page has come. */
  get isDone(): boolean {
    return !this.#start && !this.#trash && this.#batch.length === 0 && this.#folders.length === 0;
  }

  /** The next page of about `limit` members, which may be empty; null when there is no more. */
  async next(snapshot: Snapshot, limit = STEP_MEMBERS): Promise<Resource[] | null> {
    if (this.#start) {
      const top = this.#start;
      this.#start = null;
      const opened = this.#open(top, snapshot);
      if (!this.#isDeep) return joined(...(await Promise.all([opened, this.#nextPart(snapshot, limit)])));
      const first = await opened;
      if (first.length > 0) return first;
    }
    return this.#nextPart(snapshot, limit);
  }

  async #nextPart(snapshot: Snapshot, limit: number): Promise<Resource[] | null> {
    if (this.#trash) return this.#nextTrash(snapshot, this.#trash, limit);
    if (this.#batch.length === 0) this.#batch = this.#folders.splice(0, FOLDERS_TOGETHER);
    if (this.#batch.length === 0) return null;
    return this.#nextMembers(snapshot, limit);
  }

  /**
   * Notes, before it waits, where the members of a collection are to be read, and returns those that aren't rows of a table.
   */
  async #open(collection: Resource, snapshot: Snapshot): Promise<Resource[]> {
    if (!collection.isCollection) return [];
    const { path, trash } = collection;
    const { made, anchors } = membersOf(collection, snapshot.membership);
    if (collection.kind === 'trash') this.#trash = { path, bins: anchors.map(({ id }) => id), after: null };
    else for (const { id, memberKind } of anchors) this.#folders.push({ id, path, memberKind, trash });
    const seen = made.filter(({ kind }) => kind !== 'trash' || snapshot.moment === null);
    const shown: Resource[] = [];
    for (const found of await Promise.all(seen.map((inner) => snapshot.find(inner.path)))) {
      const folder = readResource(found);
      shown.push(folder, ...(this.#isDeep ? await this.#open(folder, snapshot) : []));
    }
    return shown;
  }

  async #nextTrash(snapshot: Snapshot, trash: OpenTrash, limit: number): Promise<Resource[]> {
    const rows = await snapshot.view.trash(trash.bins, trash.after, limit);
    if (rows.length < limit) this.#trash = null;
    else trash.after = rows.at(-1)!.node.name;
    return rows.map((row) => this.#keep(resourceOf(row.node, 'trashed', [...trash.path, row.node.name], row)));
  }

  async #nextMembers(snapshot: Snapshot, limit: number): Promise<Resource[]> {
    const folders = new Map(this.#batch.map((folder) => [folder.id, folder]));
    // One more tells whether there is another page: a folder of just so many members is one.
    const rows = await snapshot.view.children([...folders.keys()], this.#after, limit + 1);
    if (rows.length > limit) {
      rows.pop();
      const last = rows.at(-1)!;
      this.#after = { parentId: last.parentId!, name: last.name };
    } else {
      this.#batch = [];
      this.#after = null;
    }
    return rows.map((row) => {
      const folder = folders.get(row.parentId!)!;
      return this.#keep(resourceOf(row, folder.memberKind, [...folder.path, row.name], folder.trash));
    });
  }

  #keep(resource: Resource): Resource {
    // What is deeper has no address. Trees from before there was a limit would be listed at quadratic length.
    if (this.#isDeep && resource.isCollection && resource.path.length < DEPTH_MAX) {
      const memberKind = resource.kind === 'node' ? 'node' : 'in-trash';
      this.#folders.push({ id: resource.node!.id, path: resource.path, memberKind, trash: resource.trash });
    }
    return resource;
  }
}

function joined(first: Resource[], more: Resource[] | null): Resource[] | null {
  return first.length === 0 ? more : [...first, ...(more ?? [])];
}
