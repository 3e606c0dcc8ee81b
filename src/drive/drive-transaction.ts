import type { Membership } from '../stores/account-store.js';
import type { Sweep } from '../stores/blob-index.js';
import type { ContentRow, NamedContentRow, NodeRow, StoreTransaction, Usage } from '../stores/metadata-store.js';
import type { Contents, ReceivedContent } from './contents.js';
import type { Foreseen } from './foreseen.js';
import type { DrivePath } from './names.js';
import { checkPutTarget, spaceOf } from './place-checks.js';
import { checkRoom } from './quota.js';
import { type Found, type Resource, resourceOf } from './resource.js';
import { Snapshot } from './snapshot.js';

/** Thrown inside a transaction when a collector may have taken the upload's bytes: the caller recovers them, tries again. */
export class ContentCollectedError extends Error {
  override readonly name = 'ContentCollectedError';
  constructor(readonly sweep: Sweep) {
    super(`sweep ${sweep.id} has been at the place of the upload`);
  }
}

/** An open transaction on one principal's drive, in which a verb does its work. */
export class DriveTransaction extends Snapshot {
  readonly #foreseen: Foreseen | null;

  constructor(
    readonly store: StoreTransaction,
    membership: Membership,
    now: number,
    readonly contents: Contents,
    foreseen: Foreseen | null = null,
  ) {
    super(store, membership, now);
    this.#foreseen = foreseen?.isSeenBy(membership) ? foreseen : null;
  }

  override find(path: DrivePath, options: { readonly withContent?: boolean } = {}): Promise<Found> {
    return this.#foreseen?.takeFound(path, options.withContent === true) ?? super.find(path, options);
  }

  override usage(): Promise<Usage> {
    return this.#foreseen?.takeUsage() ?? super.usage();
  }

  /** Makes a file or gives it other content. `modified` in milliseconds; now, where the client says nothing. */
  async putFile(
    found: Found,
    content: ReceivedContent,
    modified = this.now,
  ): Promise<{ resource: Resource; isNew: boolean }> {
    const existing = checkPutTarget(found, this.membership);
    await checkRoom(this, spaceOf(found), content.row.size - (existing?.size ?? 0));
    const same = existing && (await this.#sameContent(existing, content.row));
    if (!same) await this.record(content);
    const node = existing
      ? await this.store.replaceContent(existing, same ?? content.row, modified)
      : await this.insert(found, content.row, modified);
    return { resource: resourceOf(node, 'node', found.path), isNew: existing === null };
  }

  /** Records a received content, so that it can be named. Throws `ContentCollectedError`: see `Drive.writeContent`. */
  async record(content: ReceivedContent): Promise<void> {
    const sweep = await this.store.putContent(content.row, this.now, content.restoredAfter);
    if (sweep) throw new ContentCollectedError(sweep);
  }

  /**
   * The content that a file has, where its bytes are in the database and have come again: programs that send all of their files once more
   * don't double what those take. Null where it is another one, or no longer what it was.
   */
  async #sameContent(file: NodeRow, { id, bytes, ...digests }: ContentRow): Promise<ContentRow | null> {
    if (bytes === null || file.blobId !== id) return null;
    const content = await this.store.findContent(file);
    if (!content?.bytes || Buffer.compare(content.bytes, bytes) !== 0) return null;
    await this.store.noteDigests(content, digests);
    return content;
  }

  /** Makes a file of a recorded content, or a collection (null), at a place that was checked. */
  insert(found: Found, content: NamedContentRow | null, modified: number): Promise<NodeRow> {
    const parent = found.parent!.node!;
    return this.store.insertNode(
      { driveId: parent.driveId, parentId: parent.id, name: found.name, content, modified, created: this.now },
      this.now,
    );
  }
}
