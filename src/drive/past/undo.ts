import type { Drive } from '../drive.js';
import { DriveError } from '../drive-error.js';
import type { DriveTransaction } from '../drive-transaction.js';
import { checkLocks } from '../locks/locks.js';
import { COMMON_NAME, type DrivePath, numberedName } from '../names.js';
import { NO_TOKENS } from '../permit.js';
import { checkMayChange } from '../rights.js';
import { madePaths } from '../view.js';
import { carryOut, checkGuards, readOutside, type TreeStep, writePlanned } from './carry-out.js';
import { momentName } from './moment-names.js';
import { checkMoment } from './moments.js';
import { TOLD_STEPS_MAX } from './put-back.js';
import type { ReadPage } from './tree-walk.js';
import { UndoGround } from './undo-ground.js';
import { type KeptStep, UndoPlan } from './undo-plan.js';
import type { ChangesOf } from './undo-record.js';

export interface ChangesUndone {
  readonly counts: Readonly<Record<TreeStep['what'], number>>;
  /** The first of them. */
  readonly steps: readonly TreeStep[];
  readonly keptCount: number;
  readonly kept: readonly KeptStep[];
  /** Names in the trash of what they made. */
  readonly trash: readonly string[];
  /** The moment to put the folder back to where this was wrong, in milliseconds since 1970; null: nothing was changed. */
  readonly undoMoment: number | null;
}

/**
 * Undoes what one credential did in a folder since a moment (PRODUCT V5): what it changed, moved, deleted or destroyed last is what it
 * was before, what it made goes to the trash. What others have gone on with stays, and is told. In one transaction, with the rights of
 * who asks; no quota is in the way. Rejects with `DriveError`: `not-found`, `not-a-collection`, `forbidden`, `locked`,
 * `tree-too-large`; nothing is changed then.
 */
export async function undoChanges(drive: Drive, path: DrivePath, since: number, by: ChangesOf): Promise<ChangesUndone> {
  await checkMoment(drive, since);
  return writePlanned(
    drive,
    (read) => planUndo(read, path, since, by),
    async (transaction, made) => {
      const { ground, plan } = made;
      checkMayChange(transaction.membership);
      await checkNothingLocked(transaction, ground, path, plan);
      await checkGuards(transaction, ground.guards);
      const told = tell(plan);
      if (plan.plan.isEmpty) return told;
      const trash = await carryOut(transaction, {
        ...{ plan: plan.plan, moment: transaction.now, tops: plan.away.tops },
        originalPath: (space, name) => originalPath(ground, space, name),
      });
      return { ...told, trash, undoMoment: transaction.now - 1 };
    },
  );
}

/** What `undoChanges` would do now. Rejects as that does, but for locks. */
export async function foreseeUndo(drive: Drive, path: DrivePath, since: number, by: ChangesOf): Promise<ChangesUndone> {
  await checkMoment(drive, since);
  return tell((await planUndo(readOutside(drive), path, since, by)).plan);
}

interface Made {
  readonly ground: UndoGround;
  readonly plan: UndoPlan;
}

async function planUndo(read: ReadPage, path: DrivePath, since: number, by: ChangesOf): Promise<Made> {
  const stamp = momentName(since);
  const ground = await UndoGround.survey(read, path, since, by, (name) =>
    numberedName(name, true, `undone since ${stamp}`),
  );
  return { ground, plan: await UndoPlan.make(read, ground) };
}

function tell(plan: UndoPlan): ChangesUndone {
  const { counts, kept } = plan;
  const steps = plan.steps(TOLD_STEPS_MAX);
  return { counts, steps, keptCount: kept.length, kept: kept.slice(0, TOLD_STEPS_MAX), trash: [], undoMoment: null };
}

async function checkNothingLocked(
  transaction: DriveTransaction,
  ground: UndoGround,
  path: DrivePath,
  { plan }: UndoPlan,
): Promise<void> {
  const { resource } = ground.found;
  const inner = resource!.kind === 'node' ? [] : madePaths(resource!, transaction.membership, true);
  for (const each of [path, ...inner]) {
    const found = await transaction.find(each);
    const changed = { ...NO_TOKENS, changesSelf: true, changesBelow: true };
    if (found.resource?.kind !== 'trash') await checkLocks(transaction, found, changed);
  }
  // What was moved out of the folder, and comes back.
  const outside = [...plan.changed.keys()].filter((id) => !ground.rows.has(id));
  if (outside.length === 0) return;
  const lines = new Set(outside.flatMap((id) => ground.lineOf(id)));
  const own = new Set(outside);
  const locks = await transaction.store.locksOn([...lines], transaction.now);
  if (locks.some(({ isDeep, nodeId }) => isDeep || own.has(nodeId)))
    throw new DriveError('locked', 'Something that was moved out of this folder is locked where it is now.');
}

function originalPath({ found }: UndoGround, space: 'home' | 'common', name: string): string {
  if (found.originalPath === '') return space === 'common' ? `${COMMON_NAME}/${name}` : name;
  return [...found.originalPath.split('/').slice(0, -1), name].join('/');
}
