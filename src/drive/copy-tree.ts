import type { ChildPosition, MetadataStore, NodeRow } from '../stores/metadata-store.js';
import type { CopiedNode } from '../stores/staged-copies.js';
import type { DriveId, NodeId } from '../stores/values.js';
import type { Drive } from './drive.js';
import { DriveError } from './drive-error.js';
import type { DriveTransaction } from './drive-transaction.js';
import type { FirstLooks } from './foreseen.js';
import { turns } from './turns.js';

/** Nodes below a folder that one transaction copies; larger trees are put together out of sight. */
export const COPY_TOGETHER_MAX = 1_000;
/** Nodes of one COPY: so many take a minute or two, and some 400 MB of the database. */
export const COPY_NODES_MAX = 1_000_000;
/** Nodes that one step copies: some 10 ms. */
const STEP_NODES = 400;
/** Folders whose members one step copies. */
const STEP_FOLDERS = 200;
/** Nodes whose dead properties one step copies: those of each may have 256 KiB. */
const STEP_PROPERTIES = 20;
/** A copy that nobody has gone on with for so long is given up, in milliseconds. */
const HOLD_MS = 600_000;
/** Large copies that are put together at once; others wait. */
const RUNNING_MAX = 2;
/** Times that a copy begins again because the folder has changed meanwhile. */
const TRIES_MAX = 3;

/** A tree that is whole, and hangs from no drive yet: a copy of the source as it was at a revision. */
export interface StagedTree {
  readonly copyId: NodeId;
  readonly source: NodeRow;
  readonly driveId: DriveId;
}

/** What a copy works with: the drive of its source, and the store behind it for what needs nobody's rights. */
export interface CopyDesk {
  readonly drive: Drive;
  readonly metadata: MetadataStore;
}

/** Thrown inside a transaction that copies a tree too large for it: `writeCopy` makes it at hand and tries again. */
class LargeCopyError extends Error {
  override readonly name = 'LargeCopyError';

  constructor(
    readonly source: NodeRow,
    readonly driveId: DriveId,
  ) {
    super('the tree is copied in steps');
  }
}

/** Whether the tree is copied in steps. Throws `DriveError` where it is too large for that, too. */
export function isLargeCopy({ descendants }: NodeRow): boolean {
  if (descendants >= COPY_NODES_MAX) {
    const most = COPY_NODES_MAX.toLocaleString('en');
    throw new DriveError('tree-too-large', `One copy takes at most ${most} files and folders. Copy it in parts.`);
  }
  return descendants > COPY_TOGETHER_MAX;
}

/**
 * As `drive.write`, for work that copies: it hands the staged tree to `copy`, which binds it. Work is called again where a
 * large tree had to be put together first. A copy is what its source was at one moment: where the source changes
 * meanwhile, it begins again. Rejects with the signal's reason; what was copied by then is freed later.
 */
export async function writeCopy<T>(
  desk: CopyDesk,
  { joined, looks }: { readonly joined: Drive; readonly looks: FirstLooks },
  signal: AbortSignal,
  work: (transaction: DriveTransaction, staged: StagedTree | null) => Promise<T>,
): Promise<T> {
  const { drive, metadata } = desk;
  let staged: StagedTree | null = null;
  for (let tries = 0; ; tries++) {
    const current: StagedTree | null = staged;
    try {
      return await drive.write((transaction) => work(transaction, current), { joined, looks });
    } catch (error) {
      if (!(error instanceof LargeCopyError)) throw error;
      if (tries === TRIES_MAX) {
        throw new DriveError('source-changes', 'The folder changed while it was copied, each time. Copy it in parts.');
      }
      staged = await running.take(signal, () => stage(desk, joined, error, signal));
    } finally {
      // Nothing where it was bound.
      if (current) await abandon(metadata, current);
    }
  }
}

/** Binds a staged tree. Throws `LargeCopyError` where there is none, or its source has changed since. */
export async function takeStaged(
  transaction: DriveTransaction,
  source: NodeRow,
  driveId: DriveId,
  staged: StagedTree | null,
): Promise<NodeRow> {
  const isSame =
    staged?.source.id === source.id && staged.source.revision === source.revision && staged.driveId === driveId;
  const node = staged && isSame ? await transaction.store.stagedCopies.release(staged.copyId) : null;
  if (!node) throw new LargeCopyError(source, driveId);
  return node;
}

async function stage(
  { drive, metadata }: CopyDesk,
  joined: Drive,
  { source, driveId }: LargeCopyError,
  signal: AbortSignal,
): Promise<StagedTree> {
  const step = async <T>(work: (transaction: DriveTransaction) => Promise<T>): Promise<T> => {
    await turns.next();
    signal.throwIfAborted();
    return drive.write(work, { joined });
  };
  const copyId = await step(({ store, now }) => store.stagedCopies.begin(source, driveId, now + HOLD_MS));
  try {
    const walk = new CopyWalk(driveId, { id: source.id, copyId });
    while (!walk.isDone) {
      await step(async (transaction) => {
        const { now, store } = transaction;
        const isHeld = await store.stagedCopies.hold(copyId, now + HOLD_MS);
        if (!isHeld) throw new DriveError('source-changes', 'The copy took too long and was given up. Try again.');
        await walk.next(transaction);
      });
    }
    return { copyId, source, driveId };
  } catch (error) {
    await abandon(metadata, { copyId, driveId });
    throw error;
  }
}

/** With nobody's rights: who has lost theirs leaves nothing behind either. */
function abandon(metadata: MetadataStore, { copyId, driveId }: Pick<StagedTree, 'copyId' | 'driveId'>): Promise<void> {
  return metadata.write([driveId], (transaction) => transaction.stagedCopies.abandon(copyId));
}

/** Goes through a tree, folder by folder, and copies what it meets. */
class CopyWalk {
  readonly #driveId: DriveId;
  /** Folders whose members are to be copied, with their copies. */
  readonly #folders: CopiedNode[];
  #batch = new Map<NodeId, NodeId>();
  #after: ChildPosition | null = null;
  #withProperties: CopiedNode[] = [];

  constructor(driveId: DriveId, top: CopiedNode) {
    this.#driveId = driveId;
    this.#folders = [top];
  }

  get isDone(): boolean {
    return this.#folders.length === 0 && this.#batch.size === 0 && this.#withProperties.length === 0;
  }

  /** One step. A step whose transaction fails ends the walk. */
  async next({ store }: DriveTransaction): Promise<void> {
    if (this.#withProperties.length > 0) {
      return store.stagedCopies.copyProperties(this.#withProperties.splice(-STEP_PROPERTIES));
    }
    if (this.#batch.size === 0) {
      // From the end, so that in a deep tree few folders wait.
      const folders = this.#folders.splice(-STEP_FOLDERS);
      this.#batch = new Map(folders.map(({ id, copyId }) => [id, copyId]));
      this.#after = null;
    }
    const rows = await store.children([...this.#batch.keys()], this.#after, STEP_NODES);
    if (rows.length > 0) await this.#copy(store, rows);
    const last = rows.at(-1);
    if (last && rows.length === STEP_NODES) this.#after = { parentId: last.parentId!, name: last.name };
    else this.#batch = new Map();
  }

  async #copy({ stagedCopies }: DriveTransaction['store'], rows: readonly NodeRow[]): Promise<void> {
    const members = rows.map(({ id, parentId }) => ({ id, into: this.#batch.get(parentId!)! }));
    const copied = await stagedCopies.add(this.#driveId, members);
    for (const [index, { isCollection, descendants, propertyBytes }] of rows.entries()) {
      if (isCollection && descendants > 0) this.#folders.push(copied[index]!);
      if (propertyBytes > 0) this.#withProperties.push(copied[index]!);
    }
  }
}

/** Lets a few run at once; the others wait in their order. */
class Lanes {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly max: number) {}

  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.max) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#running++;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

const running = new Lanes(RUNNING_MAX);
