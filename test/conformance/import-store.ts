import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImportStore, NewFile } from '../../src/stores/import-store.js';
import type { JobStore } from '../../src/stores/job-store.js';
import type { BlobId, DriveId } from '../../src/stores/values.js';

export interface ImportEngine {
  readonly imports: ImportStore;
  readonly jobs: JobStore;
  readonly driveId: DriveId;
  close(): Promise<void>;
}

const NOW = 1_800_000_000_000;
const BLOB = 'a'.repeat(64) as BlobId;

function file(href: string, more: Partial<NewFile> = {}): NewFile {
  const facts = { size: 10, modified: 1000, etag: '"1"', checksum: null, stamp: '1', refusal: null };
  return { href, target: href, ...facts, ...more };
}

/** The contract of `ImportStore`, clause by clause, for one engine. */
export function importStoreSuite(name: string, open: () => Promise<ImportEngine>): void {
  describe(`ImportStore on ${name}`, () => {
    let engine: ImportEngine;
    let imports: ImportStore;
    let source: number;
    let run: number;
    beforeEach(async () => {
      engine = await open();
      imports = engine.imports;
      source = await imports.openSource('key', engine.driveId);
      run = await newRun();
    });
    afterEach(() => engine.close());

    const newRun = async () => {
      const job = { kind: 'import', userId: null, driveId: null, parameters: {}, secret: null };
      return (await engine.jobs.add(job, NOW)).id;
    };
    const add = (job: number, ...files: NewFile[]) => imports.addFiles(source, job, files, 'same-name');
    const waiting = (job: number) => imports.waitingFiles(source, job, 0, 9);
    const done = { state: 'done', reason: null, blob: BLOB } as const;

    it('a key has one source', async () => {
      expect(await imports.openSource('key', engine.driveId)).toBe(source);
      expect(await imports.openSource('other', engine.driveId)).not.toBe(source);
    });

    it('folders wait in the order in which they came, each once, until they end', async () => {
      const folders = ['', 'a/', 'b/'].map((href) => ({ href, target: href }));
      expect(await imports.addFolders(run, folders)).toBe(3);
      expect(await imports.addFolders(run, [...folders, { href: 'c/', target: 'c' }])).toBe(1);
      const [first, second, ...rest] = await imports.waitingFolders(run, 0, 9);
      expect([first, second, ...rest].map((folder) => folder!.href)).toEqual(['', 'a/', 'b/', 'c/']);
      expect(await imports.waitingFolders(run, first!.id, 1)).toMatchObject([{ href: 'a/' }]);
      await imports.endFolder(first!.id, null);
      await imports.endFolder(second!.id, 'refused: 403');
      expect(await imports.countFolders(run)).toEqual({ total: 4, waiting: 2, failed: 1 });
      expect(await imports.failedFolders(run, 0, 9)).toMatchObject([{ href: 'a/', reason: 'refused: 403' }]);
      expect(await imports.waitingFolders(await newRun(), 0, 9)).toEqual([]);
    });

    it('files wait, each once, and those that can not be stored are skipped', async () => {
      const counts = await add(run, file('a'), file('b', { size: 5 }), file('c', { refusal: 'name' }));
      expect(counts).toEqual([
        { state: 'waiting', files: 2, bytes: 15 },
        { state: 'skipped', files: 1, bytes: 10 },
      ]);
      expect(await add(run, file('a'))).toEqual([]);
      expect(await waiting(run)).toMatchObject(
        [file('a'), file('b', { size: 5 })].map(({ refusal: _, ...row }) => row),
      );
      expect(await imports.countFiles(source, run)).toHaveLength(2);
    });

    it('one whose target another file of the run has is skipped', async () => {
      await add(run, file('a', { target: 'same' }));
      expect(await add(run, file('b', { target: 'same' }))).toMatchObject([{ state: 'skipped', files: 1 }]);
      expect(await imports.filesIn(source, 'skipped', 0, 9)).toMatchObject([{ href: 'b', reason: 'same-name' }]);
    });

    it('one that was taken is unchanged as long as its stamp and target are; without a stamp it never is', async () => {
      await add(run, file('a'), file('b'), file('c'), file('d', { stamp: '' }), file('e'));
      for (const { id, href } of await waiting(run)) {
        if (href !== 'e') await imports.endFile(id, done);
      }
      const second = await newRun();
      const again = [
        file('a'),
        file('b', { stamp: '2' }),
        file('c', { target: 'x' }),
        file('d', { stamp: '' }),
        file('e'),
      ];
      expect(await add(second, ...again)).toEqual([
        { state: 'unchanged', files: 1, bytes: 10 },
        { state: 'waiting', files: 4, bytes: 40 },
      ]);
      expect(await waiting(second)).toMatchObject(
        ['b', 'c', 'd', 'e'].map((href) => ({ href, blob: href === 'e' ? null : BLOB })),
      );
      expect(await waiting(run)).toEqual([]);
    });

    it('what failed is not taken: the next run tries it again', async () => {
      await add(run, file('a'));
      const [row] = await waiting(run);
      await imports.endFile(row!.id, { state: 'failed', reason: 'changed', blob: null });
      expect(await imports.filesIn(source, 'failed', 0, 9)).toMatchObject([{ href: 'a', reason: 'changed' }]);
      expect(await add(await newRun(), file('a'))).toMatchObject([{ state: 'waiting' }]);
    });

    it('remembers which bytes are about to be stored', async () => {
      await add(run, file('a'));
      const [row] = await waiting(run);
      await imports.noteBlob(row!.id, BLOB);
      expect(await waiting(run)).toMatchObject([{ href: 'a', blob: BLOB }]);
    });

    it('what a run did not see is gone, once, and named where it was taken', async () => {
      await add(run, file('a'), file('b'), file('c'));
      const [first, second] = await waiting(run);
      for (const row of [first!, second!]) await imports.endFile(row.id, done);
      const next = await newRun();
      await add(next, file('a'));
      expect(await imports.markGone(source, next, 1)).toBe(1);
      expect(await imports.markGone(source, next, 9)).toBe(1);
      expect(await imports.markGone(source, next, 9)).toBe(0);
      const gone = await imports.filesIn(source, 'gone', 0, 9);
      expect(gone.map(({ href, reason }) => [href, reason])).toEqual([
        ['b', 'gone'],
        ['c', null],
      ]);
      // Back again, it is taken again.
      expect(await add(await newRun(), file('b'))).toMatchObject([{ state: 'waiting' }]);
    });

    it('lists a page after a row', async () => {
      await add(run, file('a'), file('b'), file('c'));
      const [first] = await waiting(run);
      expect((await imports.waitingFiles(source, run, first!.id, 1)).map(({ href }) => href)).toEqual(['b']);
    });
  });
}
