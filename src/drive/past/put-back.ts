import type { Drive } from '../drive.js';
import type { DriveTransaction } from '../drive-transaction.js';
import { checkLocks } from '../locks/locks.js';
import { COMMON_NAME, type DrivePath, numberedName } from '../names.js';
import type { Permit } from '../permit.js';
import { checkMayChange } from '../rights.js';
import { madePaths } from '../view.js';
import type { TrashTop } from './away-folders.js';
import { carryOut, checkGuards, readOutside, StalePlanError, type TreeStep, writePlanned } from './carry-out.js';
import { momentName } from './moment-names.js';
import { checkMoment } from './moments.js';
import { PutBackGround } from './put-back-ground.js';
import { PutBackPlan } from './put-back-plan.js';
import type { ReadPage } from './tree-walk.js';

/** Steps that are told one by one. */
export const TOLD_STEPS_MAX = 1_000;

export interface TreeUndone {
  readonly counts: Readonly<Record<TreeStep['what'], number>>;
  /** The first of them. */
  readonly steps: readonly TreeStep[];
  /** Names in the trash of what was not there then. */
  readonly trash: readonly string[];
  /** The moment to go back to where this was wrong, in milliseconds since 1970; null: nothing was changed. */
  readonly undoMoment: number | null;
}

/**
 * Makes a folder, or a file, again what it was at a moment (PRODUCT V5): all that is in it, and nothing else. What came since goes
 * to the trash, as one folder; what was moved elsewhere stays there, and a copy comes. Metadata alone, in one transaction that is
 * undone by going back to `undoMoment`. No quota is in the way. Rejects with `DriveError`: `not-found`, `parent-missing`,
 * `forbidden`, `locked`, `tree-too-large`; nothing is changed then.
 */
export async function putBack(drive: Drive, path: DrivePath, moment: number, permit: Permit): Promise<TreeUndone> {
  await checkMoment(drive, moment);
  return writePlanned(
    drive,
    (read) => planWith(read, path, moment),
    (transaction, made) => change(transaction, made, path, permit),
  );
}

/** What `putBack` would do now. Rejects as that does, but for locks. */
export async function foreseePutBack(drive: Drive, path: DrivePath, moment: number): Promise<TreeUndone> {
  await checkMoment(drive, moment);
  const { plan } = await planWith(readOutside(drive), path, moment);
  return { counts: plan.counts, steps: plan.steps(TOLD_STEPS_MAX), trash: [], undoMoment: null };
}

interface Made {
  readonly ground: PutBackGround;
  readonly plan: PutBackPlan;
}

async function planWith(read: ReadPage, path: DrivePath, moment: number): Promise<Made> {
  const stamp = momentName(moment);
  const ground = await PutBackGround.survey(read, moment, path, (name) => numberedName(name, true, `not in ${stamp}`));
  return { ground, plan: await PutBackPlan.make(read, ground) };
}

async function change(
  transaction: DriveTransaction,
  { ground, plan }: Made,
  path: DrivePath,
  { tokens, check }: Permit,
): Promise<TreeUndone> {
  const { membership, now } = transaction;
  const found = await transaction.find(path);
  await check?.(transaction, found);
  checkMayChange(membership);
  const isSame = found.resource?.node?.id === ground.roots.present.resource?.node?.id;
  if (!isSame) throw new StalePlanError('something else is at the place');
  await checkNothingLocked(transaction, ground, tokens);
  await checkGuards(transaction, ground.guards);
  const counts = plan.counts;
  const steps = plan.steps(TOLD_STEPS_MAX);
  if (plan.plan.isEmpty) return { counts, steps, trash: [], undoMoment: null };
  const trash = await carryOut(transaction, {
    ...{ plan: plan.plan, moment: ground.moment, tops: plan.away.tops },
    originalPath: (space, name) => originalPathOf(ground, space, name),
  });
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

/** Beside the folder; of the drive's own folders in them. */
function originalPathOf({ roots }: PutBackGround, space: TrashTop['space'], name: string): string {
  const { present, anchors } = roots;
  if (anchors.length > 0 && present.originalPath === '') return space === 'common' ? `${COMMON_NAME}/${name}` : name;
  return [...present.originalPath.split('/').slice(0, -1), name].join('/');
}
