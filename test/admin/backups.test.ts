import { createHash } from 'node:crypto';
import { readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { openEngines } from '../../src/engines/open-engines.js';
import { runProgram } from '../support/run-program.js';
import { inFolder } from '../support/storage-config.js';
import { buildFirn, makeStorage, makeTeam, PROGRAM } from './firn.js';

beforeAll(buildFirn, 120_000);

/** A storage with one content in a blob, and a place for its backups. */
async function begin() {
  const [team, outside] = [await makeTeam(), (await makeStorage()).storage];
  const place = join(outside, 'backups here');
  const config = join(outside, 'firn.config.json');
  await writeFile(config, JSON.stringify({ backup: { to: { engine: 'folder', path: 'backups here' }, keep: 1 } }));
  const bytes = Buffer.from('large '.repeat(10_000));
  const engines = await openEngines(inFolder(team.storage));
  const stored = await engines.blobs.put(
    (async function* () {
      yield bytes;
    })(),
  );
  await engines.metadata.write([], async (transaction) => {
    const [member] = await transaction.accounts.members(Number(team.id) as never);
    await transaction.putContent({ id: stored.id, size: stored.size, place: stored.place, bytes: null }, 1);
    const at = { driveId: Number(team.id) as never, parentId: member!.homeId, modified: 1, created: 1 };
    await transaction.insertNode({ ...at, name: 'report.txt', content: stored }, 1);
  });
  await stored.release('named');
  await engines.close();
  const run = (words: string[], environment: Record<string, string> = {}) =>
    runProgram(process.execPath, [PROGRAM, ...words], {
      environment: { FIRN_STORAGE: team.storage, FIRN_CONFIG: config, ...environment },
      folder: outside,
    });
  const id = createHash('sha256').update(bytes).digest('hex');
  const blobIn = (folder: string) => join(folder, 'blobs', id.slice(0, 2), id);
  return { team, outside, place, run, bytes, blobIn };
}

test('PRODUCT V8 — a backup where the configuration says, its rehearsal, and its restoration elsewhere', async () => {
  const { outside, place, run, bytes, blobIn } = await begin();
  expect(await run(['backup', 'list'])).toMatchObject({ code: 0 });
  const made = await run(['backup', '--json']);
  expect(made.code).toBe(0);
  expect(JSON.parse(made.output)).toMatchObject({ copied: 1, contents: 1, problemCount: 0 });
  expect((await run(['backup', 'list'])).output).toContain('whole');
  expect(await run(['backup', 'rehearse'])).toMatchObject({
    code: 0,
    output: expect.stringContaining('is whole: 1 contents'),
  });
  for (const words of [['restore'], ['restore', place]]) {
    const target = join(outside, `restored by ${words.length}`);
    expect(await run(words, { FIRN_STORAGE: target })).toMatchObject({
      code: 0,
      errors: expect.stringContaining('From 20'),
    });
    expect(await readFile(blobIn(target))).toEqual(bytes);
    expect(await run(['fsck'], { FIRN_STORAGE: target })).toMatchObject({ code: 0 });
  }
  expect((await readdir(outside)).filter((name) => name.startsWith('.firn-restore'))).toEqual([]);
});

test('past F9 — a restoration over what is there is refused, and changes nothing', async () => {
  const { team, run } = await begin();
  await run(['backup']);
  const before = await readdir(team.storage);
  expect(await run(['restore'])).toMatchObject({ code: 1, errors: expect.stringContaining('is not empty') });
  expect((await readdir(team.storage)).sort()).toEqual(before.sort());
});

test('past A5 — a missing byte turns exit codes red, with the file’s name; fsck repairs it from the backup, with a receipt', async () => {
  const { team, outside, place, run, bytes, blobIn } = await begin();
  expect((await run(['backup'])).code).toBe(0);
  await unlink(blobIn(team.storage));
  const lacking = await run(['fsck']);
  expect([lacking.code, lacking.errors]).toEqual([1, expect.stringContaining('report.txt')]);
  await rm(join(place, 'blobs'), { recursive: true });
  for (const words of [['backup'], ['backup', 'rehearse'], ['fsck', '--repair']]) {
    const red = await run(words);
    expect([red.code, red.errors]).toEqual([1, expect.stringContaining('report.txt')]);
  }
  const copy = join(outside, 'a copy');
  await writeFile(join(outside, 'report.txt'), bytes);
  await run(['backup', copy]);
  await writeFile(blobIn(copy), bytes);
  const repaired = await run(['fsck', '--repair', '--from', copy, '--json']);
  expect([repaired.code, JSON.parse(repaired.output)]).toEqual([
    0,
    expect.objectContaining({ errors: 0, repaired: 1 }),
  ]);
  expect(await readFile(blobIn(team.storage))).toEqual(bytes);
  expect((await run(['audit'])).output).toContain('content-repaired');
  expect(await run(['fsck'])).toMatchObject({ code: 0 });
  expect((await run(['fsck', '--from', copy])).code).toBe(2);
});
