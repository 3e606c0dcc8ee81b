import { readdir, readFile, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkEverything, type Finding } from '../../src/jobs/fsck.js';
import type { BlobStore } from '../../src/stores/blob-store.js';
import { NOW } from '../conformance/metadata-fixture.js';
import { idOf, openMetadata, Storage } from './storage-fixture.js';

const NOTHING_LOST = { losses: async () => [], forgetLosses: async () => {} };

describe('checkEverything', () => {
  let storage: Storage;

  beforeEach(async () => {
    storage = await Storage.make();
  });
  afterEach(() => storage.remove());

  async function check(repair = false, blobs: BlobStore = storage.blobs): Promise<Finding[]> {
    const findings: Finding[] = [];
    const { check: metadata, blobIndex } = storage.world.engine;
    for await (const finding of checkEverything({
      blobs,
      blobIndex,
      metadata,
      durability: NOTHING_LOST,
      repair,
      now: NOW,
    })) {
      findings.push(finding);
    }
    return findings;
  }
  /** The real store, with something happening at a certain moment. */
  const disturbed = (change: Partial<BlobStore>): BlobStore => {
    const { blobs } = storage;
    return {
      put: (...parameters) => blobs.put(...parameters),
      open: (...parameters) => blobs.open(...parameters),
      stat: (blob) => blobs.stat(blob),
      deleteAll: (places) => blobs.deleteAll(places),
      setAside: (damaged) => blobs.setAside(damaged),
      list: (options) => blobs.list(options),
      clearIncoming: () => blobs.clearIncoming(),
      freeBytes: () => blobs.freeBytes(),
      checkWritable: () => blobs.checkWritable(),
      stats: () => blobs.stats(),
      ...change,
    };
  };
  const kinds = (findings: Finding[]) => findings.map(({ severity, kind }) => `${severity} ${kind}`).sort();
  const asideNames = () => readdir(join(storage.folder, 'damaged')).catch(() => []);

  it('finds nothing where all is well', async () => {
    await storage.upload('large');
    await storage.world.file(storage.world.home, 'small', 'in the database');
    for (let number = 0; number < 230; number++) {
      await storage.world.file(storage.world.home, `${number}`, `content ${number}`);
    }
    expect(await check()).toEqual([]);
  });

  it('looks at every content, in pages', async () => {
    const texts = Array.from({ length: 230 }, (_, number) => `content ${number}`);
    for (const text of texts) await storage.world.file(storage.world.home, text, text);
    const last = texts.map(idOf).sort().at(-1)!;
    await storage.world.corrupt("UPDATE content SET bytes = x'00' WHERE id = ?", last);
    const [finding, ...more] = await check();
    expect(more).toEqual([]);
    expect(finding!.message).toContain(last);
  });

  it('names a content without bytes, and the files that it belongs to', async () => {
    await storage.upload('one name', 'lost');
    await storage.upload('another name', 'lost');
    await unlink(storage.pathOf('lost'));
    const [finding, ...more] = await check();
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', kind: 'bytes-missing' });
    expect(finding!.message).toContain(idOf('lost'));
    for (const name of ['one name', 'another name'])
      expect(finding!.message).toMatch(new RegExp(`drive 100001: .*${name}`));
  });

  it('finds bytes of the wrong size and of the wrong hash, in blobs and in the database', async () => {
    for (const text of ['short', 'wrong', 'well']) await storage.upload(text);
    await storage.world.file(storage.world.home, 'small', 'inline');
    await writeFile(storage.pathOf('short'), 'sh');
    await writeFile(storage.pathOf('wrong'), 'wr0ng');
    await storage.world.corrupt('UPDATE content SET bytes = ? WHERE id = ?', Buffer.from('inl1ne'), idOf('inline'));
    const findings = await check();
    expect(kinds(findings)).toEqual(['error wrong-hash', 'error wrong-hash', 'error wrong-size']);
    expect(findings.find(({ kind }) => kind === 'wrong-size')!.message).toContain('has 2 bytes instead of 5');
    expect(await asideNames()).toEqual([]);
  });

  it('repair — sets damaged blobs aside and never deletes them; the same file uploaded again mends it', async () => {
    await storage.upload('a file', 'damaged');
    await writeFile(storage.pathOf('damaged'), 'dAmaged');
    const [finding] = await check(true);
    expect(finding!.message).toContain('set aside');
    expect(await storage.has('damaged')).toBe(false);
    const [name] = await asideNames();
    expect(await readFile(join(storage.folder, 'damaged', name!), 'utf8')).toBe('dAmaged');
    expect(kinds(await check(true))).toEqual(['error bytes-missing']);
    await storage.upload('the same bytes', 'damaged');
    expect(await check()).toEqual([]);
  });

  it('repair — leaves bytes alone that an upload put in place of damaged ones meanwhile', async () => {
    await storage.upload('a file', 'damaged');
    await writeFile(storage.pathOf('damaged'), 'dAmaged');
    await utimes(storage.pathOf('damaged'), NOW / 1000, 1);
    const blobs = disturbed({
      open: async (...parameters: Parameters<BlobStore['open']>) => {
        const reader = await storage.blobs.open(...parameters);
        await storage.upload('again', 'damaged');
        return reader;
      },
    });
    const [finding] = await check(true, blobs);
    expect(finding!.message).not.toContain('set aside');
    expect(await readFile(storage.pathOf('damaged'), 'utf8')).toBe('damaged');
    expect(await asideNames()).toEqual([]);
  });

  it('a content whose last file is deleted while it is checked is no damage', async () => {
    const file = await storage.upload('going', 'going');
    await unlink(storage.pathOf('going'));
    const blobs = disturbed({
      stat: async () => null,
      open: async (...parameters: Parameters<BlobStore['open']>) => {
        await storage.destroy(file);
        while (await storage.blobIndex.purge(10));
        return storage.blobs.open(...parameters);
      },
    });
    expect(await check(false, blobs)).toEqual([]);
  });

  it('reports bytes that nothing names as leftovers, which are no error', async () => {
    await storage.upload('named');
    await (await storage.store('of a killed upload')).release('surplus');
    await storage.destroy(await storage.upload('deleted'));
    while (await storage.blobIndex.purge(10));
    const findings = await check();
    expect(kinds(findings)).toEqual(['leftover unnamed-bytes', 'leftover unnamed-bytes']);
    expect(findings.map(({ message }) => message).join()).toContain(idOf('of a killed upload'));
  });

  it('reports what is wrong within the metadata, and mends it when told', async () => {
    const folder = await storage.world.folder(storage.world.home, 'folder');
    await storage.world.corrupt('UPDATE node SET size = 99 WHERE id = ?', folder.id);
    expect(kinds(await check())).toEqual(['error counters']);
    expect(kinds(await check(true))).toEqual(['error counters']);
    expect(await check()).toEqual([]);
  });

  /** Closes the database, spoils its file, and checks what is left; `spoil` gets the file's bytes. */
  async function checkSpoilt(spoil: (file: Buffer) => void, repair = false): Promise<Finding[]> {
    await storage.world.engine.close();
    const path = join(storage.folder, 'firn.db');
    const file = await readFile(path);
    spoil(file);
    await writeFile(path, file);
    const { check: metadata, blobIndex, close } = openMetadata(path);
    const findings: Finding[] = [];
    const checked = { blobs: storage.blobs, blobIndex, metadata, durability: NOTHING_LOST, repair, now: NOW };
    for await (const finding of checkEverything(checked)) findings.push(finding);
    await close();
    return findings;
  }
  /** As a disk that forgets a page: the page's kind is none that SQLite knows. */
  const spoilPageAt = (file: Buffer, position: number) => {
    expect(position).toBeGreaterThan(4096);
    file[position - (position % 4096)] = 0;
  };

  it('faults C2 — a bit in a name, so that the index says otherwise than the table, is found by the database’s own check', async () => {
    await storage.world.file(storage.world.home, 'needle in a haystack', 'x');
    const findings = await checkSpoilt((file) => {
      const [first, second] = [file.indexOf('needle in'), file.lastIndexOf('needle in')];
      expect(first).not.toBe(second);
      file[second] = 'N'.charCodeAt(0);
    });
    expect(kinds(findings)).toContain('error database');
    expect(findings[0]!.message).toMatch(/^the database is damaged: row \d+ missing from index node_name/);
  });

  it('faults C2 — goes on after a page of contents that can’t be read, and checks all others', async () => {
    for (let number = 0; number < 150; number++) {
      await storage.world.file(storage.world.home, `${number}`, `the content of number ${number}`);
    }
    for (const name of ['damaged', 'well']) await storage.upload(name);
    await writeFile(storage.pathOf('damaged'), 'dAmaged');
    const findings = await checkSpoilt((file) => spoilPageAt(file, file.indexOf('the content of number 30')));
    expect(new Set(kinds(findings))).toEqual(new Set(['error database', 'error wrong-hash']));
    expect(findings.at(-1)!.message).toMatch(/does not tell the contents after .* more places: they were not checked/);
  });

  it('faults C2 — goes on where no content at all can be read, and mends nothing in a damaged database', async () => {
    const folder = await storage.world.folder(storage.world.home, 'folder');
    await storage.world.corrupt('UPDATE node SET size = 99 WHERE id = ?', folder.id);
    await storage.world.file(storage.world.home, 'one', 'the only content');
    const findings = await checkSpoilt((file) => spoilPageAt(file, file.indexOf('the only content')), true);
    expect(new Set(kinds(findings))).toEqual(new Set(['error counters', 'error database']));
    const again = await checkSpoilt(() => {});
    expect(kinds(again)).toContain('error counters');
  });

  it('goes on after a blob that can’t be read', async () => {
    await storage.upload('unreadable');
    await storage.upload('damaged');
    await writeFile(storage.pathOf('damaged'), 'dAmaged');
    const blobs = disturbed({
      open: async (...[blob]: Parameters<BlobStore['open']>) => {
        if (blob.id === idOf('unreadable')) throw new Error('EIO: i/o error, read');
        return storage.blobs.open(blob);
      },
    });
    const findings = await check(false, blobs);
    expect(kinds(findings)).toEqual(['error bytes-missing', 'error wrong-hash']);
    expect(findings.map(({ message }) => message).join()).toContain('EIO');
  });
});
