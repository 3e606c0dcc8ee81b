import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { forgottenPage } from '../../src/engines/sql/candidate-statements.js';
import { SqlBlobIndex } from '../../src/engines/sql/sql-blob-index.js';
import { SqlMetadataStore } from '../../src/engines/sql/sql-metadata-store.js';
import { placeOf } from '../../src/stores/blob-store.js';
import type { ContentRow, NodeRow, StoreTransaction } from '../../src/stores/metadata-store.js';
import type { BlobPlace } from '../../src/stores/values.js';
import { contentOf, engineOn, insertFile, largeContentOf, NOW, World } from '../conformance/metadata-fixture.js';
import { TestPostgres } from '../support/engines.js';
import { POSTGRES } from '../support/postgres-stand.js';
import { SteppedDatabase } from '../support/stepped-database.js';

const postgres = new TestPostgres();
const LARGE = largeContentOf('large');
const SMALL = contentOf('small');

/** Says that an upload came by a sweep: it puts its bytes back, or elsewhere, and tries again. */
class MetSweepError extends Error {}

describe('PostgreSQL: a collector and a writer, each a process', () => {
  let database: PostgresDatabase;
  let own: SteppedDatabase;
  let world: World;
  let other: PostgresDatabase;
  let foreign: SteppedDatabase;
  let collector: SqlBlobIndex;
  /** Places whose bytes a sweep deletes. */
  let doomed: BlobPlace[];
  let raw: pg.Client;

  beforeAll(async () => {
    const url = await postgres.makeDatabase();
    database = await PostgresDatabase.open(url, POSTGRES, { mayBeUnsafe: true });
    other = await PostgresDatabase.open(url, POSTGRES, { mayBeUnsafe: true });
    own = new SteppedDatabase(database);
    foreign = new SteppedDatabase(other);
    world = await World.open(async () => ({ ...engineOn(database), metadata: new SqlMetadataStore(own) }));
    collector = new SqlBlobIndex(foreign);
    raw = new pg.Client({ connectionString: url });
    await raw.connect();
    await raw.query('CREATE TABLE node_before AS SELECT * FROM node');
  });
  afterEach(async () => {
    expect(await world.problems()).toEqual([]);
  });
  afterAll(async () => {
    await raw.end();
    await database.close();
    await other.close();
  });

  async function sweep(): Promise<void> {
    const found = await collector.beginSweep({ condemnedBefore: NOW, limit: 100, now: NOW });
    doomed.push(...(found?.places ?? []));
  }

  const upload =
    (content: ContentRow, name = `file ${Math.random()}`) =>
    async (transaction: StoreTransaction) => {
      if (await transaction.putContent(content, NOW)) throw new MetSweepError();
      await insertFile(transaction, world.home, name, content, world.drive.id);
    };

  /** What leaves things so that a collector takes `content`: nothing names it, and it is marked, or it is on the list. */
  const situations: Record<string, (content: ContentRow) => Promise<unknown>> = {
    'a candidate': (content) => world.leave(content),
    marked: async (content) => {
      await world.leave(content);
      await new SqlBlobIndex(database).condemn(9, NOW);
    },
    unknown: async () => {},
    'unknown, and marked': (content) => new SqlBlobIndex(database).condemnUnknown([placeOf(content)], NOW),
    'named once': async (content) => {
      await world.write((transaction) => insertFile(transaction, world.home, 'named', content, world.drive.id));
      const { id } = await world.at('named');
      await world.corrupt(
        'INSERT INTO content_candidate SELECT content_key FROM node WHERE id = ? ON CONFLICT DO NOTHING',
        id,
      );
    },
  };

  const writers: Record<string, (content: ContentRow) => Promise<unknown>> = {
    'an upload': (content) => world.engine.metadata.write([world.drive.id], upload(content)),
    'a part': (content) =>
      world.leave(content).then((met) => {
        if (met) throw new MetSweepError();
      }),
    'other content, and a copy on another drive': async () => {
      const file = (await world.read((view) => view.resolve(world.home, ['named'])))[1];
      if (!file) return;
      const target = { id: world.elsewhere.homeId, driveId: world.otherDrive.id };
      await world.write(async (transaction) => {
        await transaction.copyNode(file, target, 'copy', { isDeep: true }, NOW);
        await transaction.putContent(contentOf('other'), NOW);
        await transaction.replaceContent(file, contentOf('other'), NOW);
      });
    },
    'the last name that goes': async () => {
      const file: NodeRow | undefined = (await world.read((view) => view.resolve(world.home, ['named'])))[1];
      if (!file) return;
      await world.write(async (transaction) => {
        await transaction.putContent(contentOf('other'), NOW);
        await transaction.replaceContent(file, contentOf('other'), NOW);
      });
    },
  };

  async function collect(content: ContentRow): Promise<void> {
    await collector.condemn(9, NOW);
    await collector.condemnUnknown(content.bytes ? [] : [placeOf(content)], NOW);
    await sweep();
  }

  /** Has `inner` happen before the statement `step` of `outer`; where it has to wait for `outer`, that goes on. Returns false past the end. */
  async function cross(
    stepped: SteppedDatabase,
    step: number,
    outer: () => Promise<unknown>,
    inner: () => Promise<unknown>,
  ): Promise<boolean> {
    let steps = 0;
    let inside: Promise<unknown> | null = null;
    stepped.before = async () => {
      if (steps++ !== step || inside) return;
      let isSettled = false;
      inside = inner().finally(() => {
        isSettled = true;
      });
      inside.catch(() => {});
      while (!isSettled && !(await isBlocked())) await wait(1);
    };
    const passing = (error: unknown) => {
      if (!(error instanceof MetSweepError)) throw error;
    };
    await outer().catch(passing);
    stepped.before = async () => {};
    if (inside) await (inside as Promise<unknown>).catch(passing);
    return inside !== null;
  }

  /** Whether a connection waits for a row of another one. */
  async function isBlocked(): Promise<boolean> {
    const sql = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    return (await raw.query(sql)).rows.length > 0;
  }

  const cases = Object.keys(situations)
    .flatMap((situation) =>
      Object.keys(writers).flatMap((writer) =>
        ([LARGE, SMALL] as const).map((content) => ({ situation, writer, content, size: content.size })),
      ),
    )
    .filter(({ situation, content }) => content === LARGE || !situation.startsWith('unknown'))
    .filter(({ situation, writer }) => situation === 'named once' || !/copy|last name/.test(writer));

  it.each(cases)(
    '$situation ($size bytes): the collector at each point of $writer',
    async ({ situation, writer, content }) => {
      for (let step = 0, isInside = true; isInside; step++) {
        await reset();
        await situations[situation]!(content);
        isInside = await cross(
          own,
          step,
          () => writers[writer]!(content),
          () => collect(content),
        );
        await check();
      }
    },
  );

  it.each(cases)(
    '$situation ($size bytes): $writer at each point of the collector',
    async ({ situation, writer, content }) => {
      for (let step = 0, isInside = true; isInside; step++) {
        await reset();
        await situations[situation]!(content);
        isInside = await cross(
          foreign,
          step,
          () => collect(content),
          () => writers[writer]!(content),
        );
        await check();
      }
    },
  );

  /** As it was before. */
  async function reset(): Promise<void> {
    doomed = [];
    await raw.query(`
      DELETE FROM upload; DELETE FROM node WHERE id > (SELECT max(id) FROM node_before);
      DELETE FROM content_candidate; DELETE FROM content; DELETE FROM condemned; DELETE FROM swept; DELETE FROM sweep; DELETE FROM removal;
      UPDATE node SET size = before.size, descendants = before.descendants FROM node_before AS before
      WHERE node.id = before.id AND node.descendants <> before.descendants`);
  }

  /** No deletion meets bytes that are named, and a collector finds what nothing names. */
  async function check(): Promise<void> {
    const named = (await new SqlBlobIndex(database).named(null, 99)).filter(({ bytes }) => bytes === null);
    expect(named.map(placeOf).filter((place) => doomed.includes(place))).toEqual([]);
    const contents = await database.readOne((connection) => forgottenPage.all(connection, { after: 0, limit: 99 }));
    expect(contents.filter((content) => content.is_forgotten === 1)).toEqual([]);
  }
});
