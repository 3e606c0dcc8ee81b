import { StateGoneError } from '../../stores/tree-change.js';
import type { Drive } from '../drive.js';
import type { DriveTransaction } from '../drive-transaction.js';
import { checkLocks } from '../locks/locks.js';
import { COMMON_NAME, type DrivePath, freeName, numberedName } from '../names.js';
import type { Permit } from '../permit.js';
import { checkMayChange } from '../rights.js';
import { turns } from '../turns.js';
import { madePaths } from '../view.js';
import { momentName } from './moment-names.js';
import { checkMoment } from './moments.js';
import { PutBackGround } from './put-back-ground.js';
import { PutBackPlan, type TrashTop, type TreeStep } from './put-back-plan.js';
import type { ReadPage } from './tree-walk.js';

/** Plans that are made before the transaction; the last one is made in it, where nothing can change meanwhile. */
const TRIES_MAX = 3;
/** Steps that are told one by one. */
const TOLD_STEPS_MAX = 1_000;

export interface TreeUndone {
  readonly counts: Readonly<Record<TreeStep['what'], number>>;
  /** The first of them. */
  readonly steps: readonly TreeStep[];
  /** Names in the trash of what was not there then. */
  readonly trash: readonly string[];
  /** The moment to go back to where this was wrong, in milliseconds since 1970; null: nothing was changed. */
  readonly undoMoment: number | null;
}

/** The tree has changed since the plan was made. */
class StalePlanError extends Error {
  override readonly name = 'StalePlanError';
}

/**
 * Makes a folder, or a file, again what it was at a moment (PRODUCT V5): all that is in it, and nothing else. What came since goes
 * to the trash, as one folder; what was moved elsewhere stays there, and a copy comes. Metadata alone, in one transaction that is
 * undone by going back to `undoMoment`. No quota is in the way. Rejects with `DriveError`: `not-found`, `parent-missing`,
 * `forbidden`, `locked`, `tree-too-large`; nothing is changed then.
 */
export async function putBack(drive: Drive, path: DrivePath, moment: number, permit: Permit): Promise<TreeUndone> {
  await checkMoment(drive, moment);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const made = await planOutside(drive, path, moment);
    try {
      return await drive.write((transaction) => carryOut(transaction, made, path, permit));
    } catch (error) {
      if (!(error instanceof StalePlanError || error instanceof StateGoneError)) throw error;
    }
  }
  return drive.write(async (transaction) => {
    const made = await planWith((work) => work(transaction), path, moment);
    return carryOut(transaction, made, path, permit);
  });
}

/** What `putBack` would do now. Rejects as that does, but for locks. */
export async function foreseePutBack(drive: Drive, path: DrivePath, moment: number): Promise<TreeUndone> {
  await checkMoment(drive, moment);
  const { plan } = await planOutside(drive, path, moment);
  return { counts: plan.counts, steps: plan.steps(TOLD_STEPS_MAX), trash: [], undoMoment: null };
}

interface Made {
  readonly ground: PutBackGround;
  readonly plan: PutBackPlan;
}

function planOutside(drive: Drive, path: DrivePath, moment: number): Promise<Made> {
  const read: ReadPage = async (work) => {
    await turns.next();
    return drive.read(work);
  };
  return planWith(read, path, moment);
}

async function planWith(read: ReadPage, path: DrivePath, moment: number): Promise<Made> {
  const stamp = momentName(moment);
  const ground = await PutBackGround.survey(read, moment, path, (name) => numberedName(name, true, `not in ${stamp}`));
  return { ground, plan: await PutBackPlan.make(read, ground) };
}

async function carryOut(
  transaction: DriveTransaction,
  { ground, plan }: Made,
  path: DrivePath,
  { tokens, check }: Permit,
): Promise<TreeUndone> {
  const { membership, store, now } = transaction;
  const found = await transaction.find(path);
  await check?.(transaction, found);
  checkMayChange(membership);
  const isSame = found.resource?.node?.id === ground.roots.present.resource?.node?.id;
  if (!isSame) throw new StalePlanError('something else is at the place');
  await checkNothingLocked(transaction, ground, tokens);
  const guarded = await store.findNodes(ground.guards.map(({ id }) => id));
  const revisions = new Map(guarded.map(({ id, revision }) => [id, revision]));
  if (ground.guards.some(({ id, revision }) => revisions.get(id) !== revision))
    throw new StalePlanError('the tree has changed');
  const counts = plan.counts;
  const steps = plan.steps(TOLD_STEPS_MAX);
  if (plan.plan.isEmpty) return { counts, steps, trash: [], undoMoment: null };
  const trash = await nameTops(transaction, plan);
  const change = plan.plan.treeChange(membership.driveId, ground.moment, now);
  const made = await store.past.changeTree(change, now);
  for (const [index, { ref, space }] of plan.tops.entries()) {
    const originalPath = originalPathOf(ground, space, trash[index]!);
    await store.insertTrash({
      nodeId: made[-ref - 1]!,
      driveId: membership.driveId,
      ownerId: space === 'common' ? null : membership.userId,
      name: trash[index]!,
      originalPath,
      deletedBy: membership.userId,
      deletedAt: now,
    });
  }
  return { counts, steps, trash, undoMoment: now - 1 };
}

async function checkNothingLocked(
  transaction: DriveTransaction,
  { roots, path }: PutBackGround,
  tokens: ReadonlySet<string>,
): Promise<void> {
  const changed = { tokens, changesSelf: true, changesParent: roots.before?.id !== roots.now?.id, changesBelow: true };
  const { resource } = roots.present;
  const inner = resource && resource.kind !== 'node' ? madePaths(resource, transaction.membership, true) : [];
  for (const each of [path, ...inner]) {
    const found = await transaction.find(each);
    if (found.resource?.kind !== 'trash') await checkLocks(transaction, found, changed);
  }
}

/** Names that are free in the trash. */
async function nameTops(transaction: DriveTransaction, plan: PutBackPlan): Promise<string[]> {
  const { membership, now, store } = transaction;
  const names: string[] = [];
  for (const { ref, space } of plan.tops) {
    const ownerId = space === 'common' ? null : membership.userId;
    const taken = async (candidates: readonly string[]) =>
      new Set([...(await store.takenTrashNames(membership.driveId, ownerId, candidates)), ...names]);
    const name = await freeName(plan.plan.made[-ref - 1]!.name, true, now, taken);
    plan.plan.made[-ref - 1] = { ...plan.plan.made[-ref - 1]!, name };
    names.push(name);
  }
  return names;
}

/** Beside the folder; of the drive's own folders in them. */
function originalPathOf({ roots }: PutBackGround, space: TrashTop['space'], name: string): string {
  const { present, anchors } = roots;
  if (anchors.length > 0 && present.originalPath === '') return space === 'common' ? `${COMMON_NAME}/${name}` : name;
  return [...present.originalPath.split('/').slice(0, -1), name].join('/');
}
