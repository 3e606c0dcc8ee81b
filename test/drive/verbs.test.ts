import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Drive } from '../../src/drive/drive.js';
import { NO_TOKENS, type Permit } from '../../src/drive/permit.js';
import type { LockToken } from '../../src/stores/values.js';
import { DriveMembers, found, makeCollection, put, remove, segmentsOf } from '../support/drive-members.js';

let members: DriveMembers;
let anna: Drive;
/** With the tokens of the locks on `top` and `top/f`. */
let permit: Permit;
beforeEach(async () => {
  members = await DriveMembers.open();
  anna = members.anna;
  await makeCollection(anna, 'top');
  await put(anna, 'top/f', 'text');
  await put(anna, 'top/old', 'old');
  await put(anna, 'free', 'free');
  await remove(anna, 'top/old');
  const locks = [await anna.lock(['top'], LOCK, NO_TOKENS), await anna.lock(['top', 'f'], LOCK, NO_TOKENS)];
  permit = { tokens: new Set(locks.map(({ lock }) => lock.token)) };
});
afterEach(() => members.close());

const LOCK = { scope: 'exclusive', isDeep: false, ownerXml: null, timeoutSeconds: 600 } as const;
const at = (path: string) => ({ drive: anna, path: segmentsOf(path) });
const transfer = (permit: Permit) => ({ permit, mayOverwrite: true });
const copying = (permit: Permit) => ({ ...transfer(permit), isDeep: true, signal: new AbortController().signal });
const colour = () => ({ dead: [{ namespace: 'urn:x', name: 'colour', xml: '<c xmlns="urn:x"/>' }], times: {} });
/** On `top` with `top/f`, both locked, beside `free`. */
const VERBS: readonly (readonly [string, (permit: Permit) => Promise<unknown>])[] = [
  ['remove', (permit) => anna.remove([segmentsOf('top/f')], permit)],
  ['remove of the folder above', (permit) => anna.remove([segmentsOf('top')], permit)],
  ['move out', (permit) => anna.move(segmentsOf('top/f'), at('out'), transfer(permit))],
  ['move in', (permit) => anna.move(segmentsOf('free'), at('top/in'), transfer(permit))],
  ['move over', (permit) => anna.move(segmentsOf('free'), at('top/f'), transfer(permit))],
  ['copy in', (permit) => anna.copy(segmentsOf('free'), at('top/in'), copying(permit))],
  ['copy over', (permit) => anna.copy(segmentsOf('free'), at('top/f'), copying(permit))],
  ['makeCollection', (permit) => anna.makeCollection(segmentsOf('top/new'), { permit })],
  ['setProperties', (permit) => anna.setProperties(segmentsOf('top/f'), colour, permit)],
  ['lock of a new name', (permit) => anna.lock(segmentsOf('top/new'), LOCK, permit)],
];

describe('RFC 4918 §7 — each verb of the drive keeps locks', () => {
  test.each(VERBS)('%s: refused without the tokens, done with them', async (_name, verb) => {
    await expect(verb(NO_TOKENS)).rejects.toMatchObject({ kind: 'locked' });
    await expect(verb(permit)).resolves.toBeDefined();
  });

  test('what brings no tokens is refused below a lock', async () => {
    await expect(anna.makeFolders(segmentsOf('top/new/inner'))).rejects.toMatchObject({ kind: 'locked' });
    await expect(anna.restore([segmentsOf('Trash/old')])).rejects.toMatchObject({ kind: 'locked' });
  });
});

describe('PRODUCT U4 — a verb asks its caller in the transaction, before it changes anything', () => {
  test.each(VERBS)('%s', async (_name, verb) => {
    const refusal = new Error('refused');
    const before = (await found(anna, '')).revision;
    const check = () => Promise.reject(refusal);
    await expect(verb({ ...permit, check })).rejects.toBe(refusal);
    expect((await found(anna, '')).revision).toBe(before);
  });
});

describe('PRODUCT D4 — several paths: all or none', () => {
  test('remove', async () => {
    const paths = ['free', 'top/f'].map(segmentsOf);
    await expect(anna.remove(paths, NO_TOKENS)).rejects.toMatchObject({ kind: 'locked' });
    expect((await found(anna, 'free')).size).toBe(4);
    expect(await anna.remove([...paths, ...paths], permit)).toEqual(['free', 'f']);
  });

  test('restore', async () => {
    await remove(anna, 'free');
    const paths = ['Trash/free', 'Trash/old'].map(segmentsOf);
    await expect(anna.restore(paths)).rejects.toMatchObject({ kind: 'locked' });
    expect((await found(anna, 'Trash/free')).size).toBe(4);
    await anna.unlock(['top'], [...permit.tokens][0] as LockToken, NO_TOKENS);
    expect(await anna.restore(paths)).toEqual(['Team/free', 'Team/top/old'].map(segmentsOf));
  });
});
