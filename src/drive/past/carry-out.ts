import { StateGoneError } from '../../stores/tree-change.js';
import type { NodeId } from '../../stores/values.js';
import type { Drive } from '../drive.js';
import type { DriveTransaction } from '../drive-transaction.js';
import { type DrivePath, freeName } from '../names.js';
import { binOf } from '../trash.js';
import { turns } from '../turns.js';
import type { TrashTop } from './away-folders.js';
import type { TreePlan } from './tree-plan.js';
import type { ReadPage } from './tree-walk.js';

/** Plans that are made before the transaction; the last one is made in it, where nothing can change meanwhile. */
const TRIES_MAX = 3;

/** What becomes of one file or folder. */
export interface TreeStep {
  /** Where it will be; of what goes to the trash where it is. */
  readonly path: DrivePath;
  readonly isCollection: boolean;
  /** `back`: it is there again. `changed`: its content, date or properties. `moved`: its place or name, maybe both. */
  readonly what: 'back' | 'changed' | 'moved' | 'trashed';
}

/** A node that mustn't have changed when a plan is carried out. */
export interface Guard {
  readonly id: NodeId;
  readonly revision: number;
}

/** What `carryOut` has to know of a plan. */
export interface ReadyPlan {
  readonly plan: TreePlan;
  readonly moment: number;
  readonly tops: readonly TrashTop[];
  /** Where a folder in the trash says that it comes from. */
  originalPath(space: TrashTop['space'], name: string): string;
}

/** A tree has changed since a plan was made. */
export class StalePlanError extends Error {
  override readonly name = 'StalePlanError';
}

/** Makes a plan of pages that are read before the transaction. */
export function readOutside(drive: Drive): ReadPage {
  return async (work) => {
    await turns.next();
    return drive.read(work);
  };
}

/**
 * Runs work that was planned as one transaction of a drive. Where what it was planned on has changed meanwhile it is planned again, at
 * last inside the transaction.
 */
export async function writePlanned<Plan, Result>(
  drive: Drive,
  planWith: (read: ReadPage) => Promise<Plan>,
  work: (transaction: DriveTransaction, plan: Plan) => Promise<Result>,
): Promise<Result> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const plan = await planWith(readOutside(drive));
    try {
      return await drive.write((transaction) => work(transaction, plan));
    } catch (error) {
      if (!(error instanceof StalePlanError || error instanceof StateGoneError)) throw error;
    }
  }
  return drive.write(async (transaction) => work(transaction, await planWith((page) => page(transaction))));
}

/** Throws `StalePlanError` where a node isn't what it was when the plan was made. */
export async function checkGuards({ store }: DriveTransaction, guards: readonly Guard[]): Promise<void> {
  const rows = await store.findNodes(guards.map(({ id }) => id));
  const revisions = new Map(rows.map(({ id, revision }) => [id, revision]));
  if (guards.some(({ id, revision }) => revisions.get(id) !== revision))
    throw new StalePlanError('the tree has changed');
}

/** Changes the nodes, and lists in the trash what came there. Resolves with the names that it has there. */
export async function carryOut(transaction: DriveTransaction, ready: ReadyPlan): Promise<string[]> {
  const { membership, store, now } = transaction;
  const { plan, moment, tops } = ready;
  const names = await nameTops(transaction, ready);
  const made = await store.past.changeTree(plan.treeChange(membership.driveId, moment, now), now);
  for (const [index, { ref, space }] of tops.entries()) {
    await store.insertTrash({
      nodeId: made[-ref - 1]!,
      driveId: membership.driveId,
      ownerId: space === 'common' ? null : membership.userId,
      name: names[index]!,
      originalPath: ready.originalPath(space, names[index]!),
      deletedBy: membership.userId,
      deletedAt: now,
    });
  }
  return names;
}

/** Names that are free in the trash. */
async function nameTops(transaction: DriveTransaction, { plan, tops }: ReadyPlan): Promise<string[]> {
  const { membership, now, store } = transaction;
  const names: string[] = [];
  for (const { ref, space } of tops) {
    const taken = async (candidates: readonly string[]) =>
      new Set([...(await store.takenTrashNames(binOf(membership, space), candidates)), ...names]);
    const made = plan.made[-ref - 1]!;
    const name = await freeName(made.name, true, now, taken);
    plan.made[-ref - 1] = { ...made, name };
    names.push(name);
  }
  return names;
}
