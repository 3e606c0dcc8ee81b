import { expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { DriveError } from '../../src/drive/drive-error.js';
import { NO_TOKENS } from '../../src/drive/permit.js';
import {
  copy,
  DriveMembers,
  makeCollection,
  move,
  put,
  remove,
  restoreToOrigin,
  segmentsOf,
  setModified,
  setProperty,
} from '../support/drive-members.js';
import { Replica } from '../support/sync-replica.js';
import type { OpenEngine } from './metadata-fixture.js';
import { seen } from './put-back.js';

/** Changes of one history; FIRN_PAST_OPERATIONS=100000 and FIRN_PAST_SEED are for runs by hand. */
const OPERATIONS = Number(process.env.FIRN_PAST_OPERATIONS ?? 200);
const SEED = Number(process.env.FIRN_PAST_SEED ?? 20_261_130);
/** Moments that are remembered; the clock goes on a second for each change, so all are of the last day. */
const REMEMBERED = 500;
const CHECK_EVERY = 8;
const COMMON = 'Team/Common documents';
const NAMES = ['a', 'b', 'c', 'd'];

/** Numbers below one, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A path of a line that `seen` has. */
const pathOf = (line: string) => line.replace(/\/? ("|\d{13}).*$/s, '');
const isFolder = (line: string) => /\/ \d{13}/.test(line);
const below = (lines: readonly string[], path: string) => lines.filter((line) => line.startsWith(`${path}/`));
const beside = (lines: readonly string[], path: string) =>
  lines.filter((line) => !line.startsWith(`${path}/`) && !line.startsWith(`${path} `));

interface Remembered {
  readonly moment: number;
  /** All that Anna saw then. */
  readonly lines: readonly string[];
}

/** A drive that several change, and what Anna has seen of it at each moment. */
class History {
  readonly #random: () => number;
  readonly #remembered: Remembered[] = [];

  constructor(
    readonly members: DriveMembers,
    readonly device: Drive,
    seed: number,
  ) {
    this.#random = randomOf(seed);
  }

  number(below: number): number {
    return Math.floor(this.#random() * below);
  }

  pick<T>(all: readonly T[]): T {
    return all[this.number(all.length)]!;
  }

  get remembered(): Remembered {
    return this.pick(this.#remembered);
  }

  /** Time passes, and what is there now is the past. */
  async remember(): Promise<void> {
    this.#remembered.push({ moment: this.members.clock, lines: await seen(this.members.anna, '') });
    if (this.#remembered.length > REMEMBERED) this.#remembered.shift();
    this.members.clock += 1_000;
  }

  /** Changes something; what the rules refuse changes nothing. */
  async change(drive: Drive): Promise<void> {
    const isDevice = drive === this.device;
    const lines = (await seen(drive, '')).filter((line) => !isDevice || !line.startsWith('Trash'));
    const paths = lines.map(pathOf);
    const folders = [...(isDevice ? [''] : ['Team', COMMON]), ...lines.filter(isFolder).map(pathOf)];
    const [from, over] = [this.pick(paths) ?? 'none', this.pick(paths) ?? 'none'];
    const to = [this.pick(folders), this.pick(NAMES)].filter((part) => part !== '').join('/');
    const text = `${this.number(6)}`;
    const works: (() => Promise<unknown>)[] = [
      () => put(drive, to, text),
      () => put(drive, to, text),
      () => put(drive, over, text),
      () => makeCollection(drive, to),
      () => move(drive, from, to),
      () => move(drive, from, over),
      () => copy(drive, from, to),
      () => remove(drive, from),
      () => setProperty(drive, from, this.number(2) === 0 ? '<x/>' : null),
      () => setModified(drive, from, this.number(9)),
    ];
    if (!isDevice) {
      works.push(
        () => restoreToOrigin(drive, `Trash/${this.pick(NAMES)}`),
        () => remove(drive, `Trash/${this.pick(NAMES)}`),
      );
    }
    try {
      await this.pick(works)();
    } catch (error) {
      if (!(error instanceof DriveError)) throw error;
    }
  }

  /** A moment shows what was seen then. */
  async checkSnapshot(): Promise<void> {
    const { moment, lines } = this.remembered;
    expect(await seen(await this.members.anna.at(moment), '')).toEqual(lines);
  }

  /** A folder that is put back is what was seen then, all beside it is as it was, and it can be taken back. */
  async checkPutBack(): Promise<void> {
    const { anna } = this.members;
    const { moment, lines } = this.remembered;
    const path = this.pick([COMMON, ...lines.map(pathOf)]);
    const before = await seen(anna, '');
    try {
      const { undoMoment } = await anna.putBack(segmentsOf(path), moment, NO_TOKENS);
      const after = await seen(anna, '');
      expect(below(after, path)).toEqual(below(lines, path));
      expect(beside(after, path)).toEqual(beside(before, path));
      await this.remember();
      // What was brought back is deleted like anything else.
      const wasThere = path === COMMON || before.some((line) => pathOf(line) === path);
      if (undoMoment === null || !wasThere || this.number(2) === 0) return;
      await anna.putBack(segmentsOf(path), undoMoment, NO_TOKENS);
      expect(below(await seen(anna, ''), path)).toEqual(below(before, path));
    } catch (error) {
      if (!(error instanceof DriveError)) throw error;
      expect(error.kind).toBe('parent-missing');
    }
  }

  /** What the device alone has done is undone without a rest; what Ben did before it in the same time stays. */
  async checkUndo(): Promise<void> {
    const { authority } = this.device;
    if (authority?.kind !== 'app') throw new Error('no app password');
    const since = this.members.clock;
    await this.remember();
    await this.change(this.members.ben);
    const wanted = below(await seen(this.members.anna, ''), COMMON);
    await this.remember();
    for (let count = this.number(6); count >= 0; count--) {
      await this.change(this.device);
      await this.remember();
    }
    const by = { userId: authority.userId, appPasswordId: authority.id };
    const { kept } = await this.members.anna.undoChanges(segmentsOf(COMMON), since, by);
    expect(kept).toEqual([]);
    expect(below(await seen(this.members.anna, ''), COMMON)).toEqual(wanted);
  }
}

/** Random histories: what the past shows, and what is taken back, is what was there. */
export function pastModelSuite(open: OpenEngine): void {
  test(`PRODUCT V2, V5 — the past of a random history is what was seen (seed ${SEED})`, async () => {
    const members = await DriveMembers.open(open);
    try {
      const device = await members.limitedTo(members.anna.membership.commonId);
      const history = new History(members, device, SEED);
      const replicas = ['', 'Trash'].map((path) => new Replica(members.anna, path, { isDeep: true }));
      await history.remember();
      for (let count = 0; count < OPERATIONS; count++) {
        await history.change(history.pick([members.anna, members.anna, members.ben, device]));
        await history.remember();
        if (count % CHECK_EVERY !== 0) continue;
        await history.checkSnapshot();
        await history.pick([() => history.checkPutBack(), () => history.checkUndo()])();
        await history.remember();
        for (const replica of replicas) await replica.complete(5);
      }
      expect(await members.world.problems()).toEqual([]);
    } finally {
      await members.close();
    }
  }, 86_400_000);
}
