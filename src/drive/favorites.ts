import type { NodeId } from '../stores/values.js';
import { STEP_MEMBERS } from './listing.js';
import { type Resource, resourceOf } from './resource.js';
import type { Snapshot } from './snapshot.js';
import { Places } from './sync/tree-positions.js';
import { anchorsOf } from './view.js';

/** The dead property by which ownCloud's and Nextcloud's programs mark what somebody likes. */
export const FAVORITE = { namespace: 'http://owncloud.org/ns', name: 'favorite' };

/** As it is stored: the element with `1` in it. */
const IS_SET = />\s*(?:1|true)\s*</;

/**
 * What is marked as a favourite below a folder, page by page. Goes through what has dead properties at all on the drive, in
 * the order of its numbers, which has an index. A page is read from one snapshot and may be empty.
 */
export class FavoriteListing {
  readonly #folder: Resource;
  #after = 0 as NodeId;
  #isDone = false;

  constructor(folder: Resource) {
    this.#folder = folder;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  async next({ view, membership }: Snapshot, limit = STEP_MEMBERS): Promise<Resource[]> {
    const rows = await view.nodesWithProperties(membership.driveId, FAVORITE, this.#after, limit);
    this.#after = rows.at(-1)?.node.id ?? this.#after;
    this.#isDone = rows.length < limit;
    const marked = rows.filter(({ xml }) => xml !== null && IS_SET.test(xml));
    const places = new Places(anchorsOf(this.#folder, membership));
    await places.load(
      view,
      marked.map(({ node }) => node.id),
    );
    return marked.flatMap(({ node }) => {
      const place = places.isAnchor(node.id) ? null : places.find(node.id);
      return place?.anchor.innerKind === 'node' ? [resourceOf(node, 'node', place.path)] : [];
    });
  }
}
