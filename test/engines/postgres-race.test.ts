import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../../src/engines/memory/memory-blob-store.js';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { SqlBlobIndex } from '../../src/engines/sql/sql-blob-index.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { collectGarbage } from '../../src/jobs/gc.js';
import type { Sweep, SweepId } from '../../src/stores/blob-index.js';
import { placeOf } from '../../src/stores/blob-store.js';
import { type MetadataStore, type NodeRow, StoreBusyError } from '../../src/stores/metadata-store.js';
import { engineOn, insertFile, World } from '../conformance/metadata-fixture.js';
import { seededRandom } from '../crash/load.js';
import { TestPostgres } from '../support/engines.js';
import { POSTGRES } from '../support/postgres-stand.js';

const STEPS = 60;
/** Of so many steps each, until a collector has removed something. */
const ROUNDS_MAX = 200;
const TEXTS = ['red', 'green', 'blue'];
const postgres = new TestPostgres();

/** Ends a transaction whose bytes a sweep may have taken. */
class MetSweepError extends Error {
  constructor(readonly sweep: Sweep) {
    super();
  }
}

describe.each(['hash', 'random'] as const)('PostgreSQL, blobs at places by %s', (places) => {
  const nodes: PostgresDatabase[] = [];
  const blobs = new MemoryBlobStore({ places });
  let world: World;

  beforeAll(async () => {
    const url = await postgres.makeDatabase();
    for (let number = 0; number < 3; number++) {
      nodes.push(await PostgresDatabase.open(url, POSTGRES, { mayBeUnsafe: true }));
    }
    world = await World.open(async () => engineOn(nodes[0]!));
  });
  afterAll(() => Promise.all(nodes.map((node) => node.close())));

  it('storage/README invariant 3 — two collectors beside uploads, copies and deletions of the same bytes, on three processes, lose none', async () => {
    const seed = Number(process.env.RACE_SEED ?? Date.now() % 1_000_000_000);
    console.log(`race test: RACE_SEED=${seed}`);
    let isOver = false;
    let deleted = 0;
    const collectors = nodes.slice(1).map(async (node) => {
      const blobIndex = new SqlBlobIndex(node);
      while (!isOver) {
        try {
          const run = await collectGarbage({ blobs, blobIndex, now: Date.now, graceSeconds: 0, isForced: true });
          // Not in one step with the wait: the other one would add to what was there before it.
          deleted += run.deleted;
        } catch (error) {
          // The other one stood in its way too often; the job runs again.
          if (!(error instanceof StoreBusyError)) throw error;
        }
      }
    });
    const writers = nodes.map(async (node, number) => {
      const metadata = new SqlMetadataStore(node);
      const random = seededRandom(seed + number);
      const live: NodeRow[] = [];
      // A collector that collects nothing would pass all of this.
      for (let round = 0; round < ROUNDS_MAX && (round === 0 || deleted === 0); round++) {
        await churn(metadata, random, number, live);
      }
    });
    try {
      await Promise.race([Promise.all(writers), ...collectors]);
    } finally {
      isOver = true;
    }
    await Promise.all([...writers, ...collectors]);
    expect(deleted).toBeGreaterThan(0);
    const index = new SqlBlobIndex(nodes[0]!);
    await collectGarbage({ blobs, blobIndex: index, now: Date.now, graceSeconds: 0, isForced: true });
    const named = await index.named(null, 99);
    const kept: string[] = [];
    for await (const { place } of blobs.list()) kept.push(place);
    expect(kept.sort()).toEqual(named.map(placeOf).sort());
    expect(await world.problems()).toEqual([]);
  });

  let steps = 0;
  /** Uploads, copies to the other drive and deletes; reads a file back after each step. */
  async function churn(metadata: MetadataStore, random: () => number, number: number, live: NodeRow[]): Promise<void> {
    const [drive, home] = number === 0 ? [world.otherDrive, world.elsewhere.homeId] : [world.drive, world.home];
    const [away, there] = number === 0 ? [world.drive, world.home] : [world.otherDrive, world.elsewhere.homeId];
    const both = [drive.id, away.id];
    for (let step = 0; step < STEPS; step++) {
      const name = `${number}-${steps++}`;
      const chance = random();
      const picked = Math.floor(random() * live.length);
      if (live.length === 0 || (chance < 0.4 && live.length < 3)) {
        const text = TEXTS[Math.floor(random() * TEXTS.length)]!;
        live.push(await upload(metadata, text, (t, content) => insertFile(t, home, name, content, drive.id)));
      } else if (chance < 0.6 && live.length < 3) {
        const parent = { id: there, driveId: away.id };
        live.push(await metadata.write(both, (t) => t.copyNode(live[picked]!, parent, name, { isDeep: true }, 1)));
      } else {
        const [gone] = live.splice(picked, 1);
        await metadata.write(both, (t) => t.detachNode(gone!, 1));
      }
      const file = live[Math.floor(random() * live.length)];
      if (file) await read(metadata, file);
    }
  }

  async function upload<T>(
    metadata: MetadataStore,
    text: string,
    name: (
      ...of: [Parameters<Parameters<MetadataStore['write']>[1]>[0], Parameters<typeof insertFile>[3]]
    ) => Promise<T>,
  ): Promise<T> {
    const stored = await blobs.put(
      (async function* () {
        yield Buffer.from(text);
      })(),
    );
    let restoredAfter: SweepId | null = null;
    for (;;) {
      try {
        const done = await metadata.write([world.drive.id, world.otherDrive.id], async (transaction) => {
          const { id, size, place } = stored;
          const content = { id, size, bytes: null, place };
          const sweep = await transaction.putContent(content, 1, restoredAfter);
          if (sweep) throw new MetSweepError(sweep);
          return name(transaction, content);
        });
        await stored.release('named');
        return done;
      } catch (error) {
        if (!(error instanceof MetSweepError)) throw error;
        if (error.sweep.isOver) await stored.restore();
        else await stored.relocate();
        restoredAfter = error.sweep.isOver ? error.sweep.id : restoredAfter;
      }
    }
  }

  async function read(metadata: MetadataStore, file: NodeRow): Promise<void> {
    const content = await metadata.readOne([], (view) => view.findContent(file));
    const bytes = await blobs.open(content!).then((source) => source.toArray());
    expect(TEXTS).toContain(Buffer.concat(bytes as Buffer[]).toString());
  }
});
