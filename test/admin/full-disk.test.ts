import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Reserve } from '../../src/engines/reserve.js';
import { runProgram } from '../support/run-program.js';
import { mayMount, SmallDisk } from '../support/small-disk.js';
import { buildFirn } from './firn.js';

const PROGRAM = fileURLToPath(new URL('../../bin/firn.js', import.meta.url));

describe.runIf(mayMount)('commands on a disk without a byte of room (mounting one needs root)', () => {
  let disk: SmallDisk;
  let target: string;
  beforeAll(buildFirn);
  beforeEach(async () => {
    disk = await SmallDisk.mount(100);
    target = await mkdtemp(path.join(tmpdir(), 'firn-backup-'));
    const made = await firn('user create anna@x --password-stdin', 'seven green lamps of anna\n');
    expect(made.code, made.errors).toBe(0);
  });
  afterEach(async () => {
    await disk.unmount();
    await rm(target, { recursive: true });
  });
  const storage = () => path.join(disk.folder, 'storage');
  const firn = (words: string, input = '') =>
    runProgram(process.execPath, [PROGRAM, ...words.split(' ')], { environment: { FIRN_STORAGE: storage() }, input });

  test('faults D2 — a backup to another disk works', async () => {
    await new Reserve(storage()).fill();
    await disk.fill();
    expect(await firn(`backup ${target}`)).toMatchObject({ code: 0, errors: '' });
    expect(await firn('gc --grace 0')).toMatchObject({ code: 0 });
  });

  test('faults D2 — what does not go says so in plain words', async () => {
    await disk.fill();
    expect(await firn('user list')).toMatchObject({ code: 0 });
    const refused = await firn(`backup ${target}`);
    expect(refused).toMatchObject({ code: 1, errors: 'error: The disk is full: make room, then try again.\n' });
  });
});
