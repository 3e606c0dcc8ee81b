import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { DriveError } from '../../src/drive/drive-error.js';
import { emptyTrash } from '../../src/drive/trash.js';
import { NOW } from '../conformance/metadata-fixture.js';
import {
  copy,
  DriveMembers,
  found,
  listingOf,
  makeCollection,
  move,
  put,
  remove,
  restoreToOrigin,
  setModified,
  setProperty,
} from '../support/drive-members.js';
import { Replica } from '../support/sync-replica.js';

/** Sequences; FIRN_SYNC_RUNS and FIRN_SYNC_SEED are for runs by hand. */
const RUNS = 60;
const COMMON = 'Common documents';

const CHANGES = [
  'put',
  'put over',
  'make collection',
  'move',
  'move over',
  'swap',
  'replace',
  'copy',
  'copy flat',
  'copy over',
  'delete',
  'move to trash',
  'restore',
  'restore to origin',
  'delete for good',
  'empty trash',
  'set property',
  'set time',
  'to another drive',
  'from another drive',
  'purge',
] as const;

interface Change {
  readonly kind: (typeof CHANGES)[number];
  readonly isAnna: boolean;
  /** Which of those that are there. */
  readonly source: number;
  readonly target: number;
  readonly name: string;
}

type Step =
  | Change
  | { readonly kind: 'prune' }
  | { readonly kind: 'sync'; readonly replica: number; readonly limit: number; readonly pages: number };

const limit = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 7 }) },
  { weight: 1, arbitrary: fc.constant(2000) },
);
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(...CHANGES),
  isAnna: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  source: fc.nat(40),
  target: fc.nat(40),
  name: fc.constantFrom('a', 'b', 'c'),
});
const sync = fc.record({
  kind: fc.constant('sync' as const),
  replica: fc.nat(40),
  limit,
  pages: fc.integer({ min: 1, max: 3 }),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 36, arbitrary: change as fc.Arbitrary<Step> },
    { weight: 24, arbitrary: sync },
    { weight: 1, arbitrary: fc.constant({ kind: 'prune' as const }) },
  ),
  { minLength: 5, maxLength: 45 },
);

/** Carries out changes on what happens to be there. */
class Actor {
  readonly #members: DriveMembers;

  constructor(members: DriveMembers) {
    this.#members = members;
  }

  /** What a drive's rules refuse changes nothing. */
  async carryOut(wanted: Change): Promise<void> {
    try {
      await this.#carryOut(wanted);
    } catch (error) {
      if (!(error instanceof DriveError)) throw error;
    }
  }

  async #carryOut({ kind, isAnna, source, target, name }: Change): Promise<void> {
    const drive = isAnna ? this.#members.anna : this.#members.ben;
    const { live, folders, deleted } = await this.#survey(drive);
    const from = pick(live, source);
    const over = pick(live, target);
    const to = `${pick(folders, target)}/${name}`;
    const gone = pick(deleted, source);
    switch (kind) {
      case 'put':
        return put(drive, to, `${source % 3}`);
      case 'put over':
        return put(drive, over, `${source % 3}`);
      case 'make collection':
        return makeCollection(drive, to);
      case 'move':
        return move(drive, from, to);
      case 'move over':
        return move(drive, from, over);
      case 'swap':
        await move(drive, from, 'Team/aside');
        await move(drive, over, from);
        return move(drive, 'Team/aside', over);
      case 'replace':
        await remove(drive, from);
        return source % 2 === 0 ? makeCollection(drive, from) : put(drive, from, 'new');
      case 'copy':
        return copy(drive, from, to);
      case 'copy flat':
        return copy(drive, from, to, { isDeep: false });
      case 'copy over':
        return copy(drive, from, over);
      case 'delete':
        return remove(drive, from);
      case 'move to trash':
        return move(drive, from, `Trash/${name}`);
      case 'restore':
        return move(drive, gone, to);
      case 'restore to origin':
        return restoreToOrigin(drive, gone);
      case 'delete for good':
        return remove(drive, gone);
      case 'empty trash': {
        const { driveId, binId, commonBinId, userId } = drive.membership;
        const bins = [
          { driveId, binId, ownerId: userId },
          { driveId, binId: commonBinId, ownerId: null },
        ];
        await emptyTrash(this.#members.world.engine.metadata, driveId, [bins[source % 2]!.binId], NOW);
        return;
      }
      case 'set property':
        return setProperty(drive, from, source % 2 === 0 ? '<x/>' : null);
      case 'set time':
        return setModified(drive, from, target);
      case 'to another drive':
        return move(drive, from, `Team/${name}`, this.#members.elsewhere);
      case 'from another drive': {
        const { elsewhere } = this.#members;
        return move(elsewhere, pick((await this.#survey(elsewhere)).live, source), to, drive);
      }
      case 'purge':
        await this.#members.world.engine.blobIndex.purge(5);
    }
  }

  /** Paths that a member sees. */
  async #survey(drive: Drive): Promise<{ live: string[]; folders: string[]; deleted: string[] }> {
    const root = await found(drive, '');
    const all = await drive.read((snapshot) => listingOf(snapshot, root, true));
    const ordinary = all.filter(({ kind }) => kind === 'node');
    const paths = (resources: typeof all) => resources.map(({ path }) => path.join('/'));
    return {
      live: paths(ordinary),
      folders: ['Team', `Team/${COMMON}`, ...paths(ordinary.filter(({ isCollection }) => isCollection))],
      deleted: paths(all.filter(({ kind }) => kind === 'trashed' || kind === 'in-trash')),
    };
  }
}

const pick = (paths: readonly string[], number: number): string => paths[number % paths.length] ?? 'nothing';

async function plant({ anna, ben, elsewhere }: DriveMembers): Promise<void> {
  for (const path of ['a', 'a/a', 'a/a/b', 'b', `${COMMON}/a`, `${COMMON}/a/c`]) await makeCollection(anna, path);
  for (const path of ['c', 'a/b', 'a/a/c', 'a/a/b/a', 'b/a', `${COMMON}/a/b`, `${COMMON}/b`])
    await put(anna, path, path);
  await makeCollection(ben, 'a');
  await put(ben, 'a/a', 'his');
  await makeCollection(elsewhere, 'b');
  await makeCollection(elsewhere, 'b/a');
  await put(elsewhere, 'b/a/c', 'elsewhere');
}

const FOLDERS = ['', 'Team', 'Team/a', 'a/a', COMMON, `${COMMON}/a`, 'Trash', 'Trash/a'];

async function replicasOf(members: DriveMembers): Promise<Replica[]> {
  const limited = await members.limitedTo((await found(members.anna, 'a')).node!.id);
  return [
    ...FOLDERS.map((path) => [members.anna, path] as const),
    [members.ben, ''] as const,
    [members.ben, COMMON] as const,
    [limited, ''] as const,
  ].flatMap(([drive, path]) => [true, false].map((isDeep) => new Replica(drive, path, { isDeep })));
}

async function follow(sequence: readonly Step[]): Promise<void> {
  const members = await DriveMembers.open();
  try {
    await plant(members);
    const replicas = await replicasOf(members);
    const actor = new Actor(members);
    for (const step of sequence) {
      if (step.kind === 'sync') {
        const replica = replicas[step.replica % replicas.length]!;
        for (let pages = 0; pages < step.pages; pages++) if (await replica.step(step.limit)) break;
      } else if (step.kind === 'prune') {
        await members.world.write((transaction) => transaction.changeLog.prune(members.world.drive.id, NOW + 1, 3));
        for (const replica of replicas) replica.notePruning();
      } else {
        await actor.carryOut(step);
      }
    }
    for (const [index, replica] of replicas.entries()) await replica.complete((index % 7) + 1);
    expect(await members.world.problems()).toEqual([]);
  } finally {
    await members.close();
  }
}

test('RFC 6578 §3.2 — anyone who applies the pages has what a listing shows, whatever happened in between', async () => {
  const { FIRN_SYNC_RUNS: runs, FIRN_SYNC_SEED: seed } = process.env;
  await fc.assert(fc.asyncProperty(steps, follow), {
    numRuns: Number(runs ?? RUNS),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  });
}, 600_000);
