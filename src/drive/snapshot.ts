import type { Membership } from '../stores/account-store.js';
import type { ContentRow, NodeRow, PropertyRow, StoreView, Usage } from '../stores/metadata-store.js';
import type { BlobId, Digests, NodeId } from '../stores/values.js';
import { COMMON_NAME, type DrivePath } from './names.js';
import { collectionEtag, type Found, type Resource, type ResourceKind, resourceOf } from './resource.js';
import { entranceOf, locate, originalPath, type TreePlace } from './view.js';

/** What one principal sees of one drive at one moment. */
export class Snapshot {
  constructor(
    readonly view: StoreView,
    readonly membership: Membership,
    /** Milliseconds since 1970. */
    readonly now: number,
    /** When it was; null: it is the present. */
    readonly moment: number | null = null,
  ) {}

  /** Looks a path up; one statement for ordinary paths. `withContent` brings a file's content too. */
  find(path: DrivePath, options: { readonly withContent?: boolean } = {}): Promise<Found> {
    const place = locate(this.membership, path);
    switch (place.kind) {
      case 'root':
        return this.#root().then((resource) => ({ ...nothingAt(path), resource }));
      case 'trash':
        // What was deleted at a moment is found where it was before.
        if (this.moment !== null) return Promise.resolve(nothingAt(path));
        return this.#findTrash(path, place.segments, options.withContent === true);
      case 'scope':
        return this.#findScope(path, place, options.withContent === true);
      default:
        return this.#findTree(path, place, options.withContent === true);
    }
  }

  /** The drive's folder: personal files and the shared folder in one. */
  async home(path: DrivePath): Promise<Resource> {
    const [home, common] = await this.#nodes(this.membership.homeId, this.membership.commonId);
    return this.#mergedCollection('home', path, this.membership.driveName, [home!, common!], home!);
  }

  async #common(path: DrivePath): Promise<Resource> {
    const [common] = await this.#nodes(this.membership.commonId);
    return { ...resourceOf(common!, 'common', path), name: path.at(-1)! };
  }

  async #trash(path: DrivePath): Promise<Resource> {
    const [own, shared] = await this.#nodes(this.membership.binId, this.membership.commonBinId);
    return this.#mergedCollection('trash', path, path.at(-1)!, [own!, shared!], null);
  }

  /** A file by its number, as it is now; null where it is gone. */
  async findFile(id: NodeId): Promise<{ readonly node: NodeRow; readonly content: ContentRow } | null> {
    const [node] = await this.#nodes(id);
    // One that was deleted for good has no parent until its row is freed.
    if (!node || node.parentId === null || node.blobId === null) return null;
    const content = await this.view.findContent(node);
    return content && { node, content };
  }

  /** Where the principal sees a node now; null where they see it nowhere but in the trash. */
  async pathOf(id: NodeId): Promise<DrivePath | null> {
    const line = [...(await this.#nodes(id)), ...(await this.view.ancestors(id))].reverse();
    const way = line.map((node) => node.id);
    const entrance = entranceOf(way, this.membership);
    if (!entrance) return null;
    const namesBelow = (index: number) => line.slice(index + 1).map(({ name }) => name);
    const { scopeId, driveName } = this.membership;
    if (scopeId !== null) return way.includes(scopeId) ? namesBelow(way.indexOf(scopeId)) : null;
    return [driveName, ...(entrance.kind === 'common' ? [COMMON_NAME] : []), ...namesBelow(entrance.index)];
  }

  /** How full the drive is, and the member's part of it. */
  usage(): Promise<Usage> {
    return this.view.usage(this.membership);
  }

  /** The last change to anything on the drive, other members' files included. */
  async driveRevision(): Promise<number> {
    const [root] = await this.#nodes(this.membership.rootId);
    return root?.revision ?? 0;
  }

  /** A number that no other restoration of any backup has; null: the data were never restored. */
  lastRestoration(): Promise<number | null> {
    return this.view.changeLog.lastRestoration();
  }

  /** What is known of the files' contents. */
  digests(resources: readonly Resource[]): Promise<Map<BlobId, Digests>> {
    return this.view.digests(resources.flatMap(({ node }) => (node?.blobId ? [node.id] : [])));
  }

  /** The dead properties of all of these; no statement where none has any. */
  async deadProperties(resources: readonly Resource[]): Promise<PropertyRow[]> {
    const nodes = resources.flatMap(({ node }) => (node?.propertyBytes ? [node.id] : []));
    return nodes.length === 0 ? [] : this.view.properties(nodes);
  }

  async #root(): Promise<Resource> {
    const { homeId, commonId, binId, commonBinId, driveName } = this.membership;
    const parts = await this.#nodes(homeId, commonId, binId, commonBinId);
    return this.#mergedCollection('root', [], driveName, parts, null);
  }

  #mergedCollection(
    kind: ResourceKind,
    path: DrivePath,
    name: string,
    parts: readonly NodeRow[],
    node: NodeRow | null,
  ): Resource {
    const revision = Math.max(...parts.map((part) => part.revision));
    return {
      kind,
      path,
      name,
      isCollection: true,
      node,
      size: parts.reduce((sum, part) => sum + part.size, 0),
      modified: Math.max(...parts.map((part) => part.modified)),
      created: Math.min(...parts.map((part) => part.created)),
      revision,
      etag: collectionEtag(parts[0]!.id, revision),
      trash: null,
    };
  }

  async #findTree(path: DrivePath, place: TreePlace<'home' | 'common'>, withContent: boolean): Promise<Found> {
    const { kind, segments } = place;
    if (segments.length === 0) {
      const resource = kind === 'home' ? await this.home(path) : await this.#common(path);
      return { ...nothingAt(path), resource };
    }
    const { chain, content } = await this.#walk(place.anchorId, segments, withContent);
    const found = foundIn(path, segments, chain, kind);
    found.above = chain.slice(0, segments.length);
    found.space = kind;
    found.originalPath = originalPath(kind, segments);
    found.content = content;
    return found;
  }

  async #findScope(path: DrivePath, place: TreePlace<'scope'>, withContent: boolean): Promise<Found> {
    const outer = (await this.view.ancestors(place.anchorId)).reverse();
    const line = [...outer.map((node) => node.id), place.anchorId];
    const entrance = entranceOf(line, this.membership);
    // The folder was deleted, or is on its way out: its app password shows nothing.
    if (!entrance) return nothingAt(path);
    const { index, kind } = entrance;
    const { segments } = place;
    const { chain, content } = await this.#walk(place.anchorId, segments, withContent);
    const [scope] = chain;
    if (!scope) return nothingAt(path);
    const names = [...outer, scope].slice(index + 1).map((node) => node.name);
    return {
      ...foundIn(path, segments, chain, 'scope'),
      above: [...outer, ...chain.slice(0, segments.length)],
      space: segments.length === 0 ? null : kind,
      originalPath: originalPath(kind, [...names, ...segments]),
      content,
    };
  }

  async #findTrash(path: DrivePath, segments: DrivePath, withContent: boolean): Promise<Found> {
    const trash = await this.#trash(path.slice(0, 1));
    if (segments.length === 0) return { ...nothingAt(path), resource: trash };
    let { chain, content } = await this.#walk(this.membership.binId, segments, withContent);
    if (chain.length < 2) ({ chain, content } = await this.#walk(this.membership.commonBinId, segments, withContent));
    const found = foundIn(path, segments, chain, 'in-trash');
    const top = found.resource && chain[1];
    const deletion = top ? await this.view.findTrash(top.id) : null;
    const kind = segments.length === 1 ? 'trashed' : 'in-trash';
    return {
      ...found,
      resource: found.resource && resourceOf(found.resource.node!, kind, path, deletion),
      parent: segments.length === 1 ? trash : found.parent,
      above: chain.slice(0, segments.length),
      space: 'trash',
      content,
    };
  }

  #walk(anchorId: NodeId, segments: DrivePath, withContent: boolean) {
    if (withContent) return this.view.resolveFile(anchorId, segments);
    return this.view.resolve(anchorId, segments).then((chain) => ({ chain, content: null }));
  }

  #nodes(...ids: NodeId[]): Promise<NodeRow[]> {
    return this.view.findNodes(ids);
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function nothingAt(path: DrivePath): Writable<Found> {
  return {
    path,
    resource: null,
    parent: null,
    name: path.at(-1) ?? '',
    above: [],
    space: null,
    originalPath: '',
    content: null,
  };
}

/** The chain starts at the anchor, so `chain[segments.length]` is the target. */
function foundIn(
  path: DrivePath,
  segments: DrivePath,
  chain: readonly NodeRow[],
  anchorKind: 'home' | 'common' | 'scope' | 'in-trash',
): Writable<Found> {
  const kindAt = (index: number): ResourceKind =>
    index === 0 ? anchorKind : anchorKind === 'in-trash' ? 'in-trash' : 'node';
  const target = chain[segments.length];
  const parent = chain[segments.length - 1];
  const found = nothingAt(path);
  if (target) found.resource = resourceOf(target, kindAt(segments.length), path);
  if (parent && segments.length > 0) found.parent = resourceOf(parent, kindAt(segments.length - 1), path.slice(0, -1));
  return found;
}
