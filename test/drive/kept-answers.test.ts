import { describe, expect, test } from 'vitest';
import { KeptAnswers } from '../../src/drive/kept-answers.js';
import type { CommitWatch } from '../../src/stores/commit-watch.js';
import type { DriveId } from '../../src/stores/values.js';

const basis = { drive: 1 as DriveId, withContents: false };
const asOf = { own: 0, others: 0 };
const STEADY: CommitWatch = { look: () => asOf, areRightsSame: () => true, isSame: () => true };

describe('KeptAnswers', () => {
  const ask = async (answers: KeptAnswers, key: string, bytes: number | null = 10_000) => {
    let isWorkedOut = false;
    await answers.find({ key, basis, asOf }, async () => {
      isWorkedOut = true;
      return { value: key, bytes };
    });
    return isWorkedOut;
  };

  test('keeps what fits the room, and what was of use longer than what was not', async () => {
    const answers = new KeptAnswers(STEADY, 200_000);
    await ask(answers, 'useful');
    for (let use = 0; use < 50; use++) expect(await ask(answers, 'useful')).toBe(false);
    for (let number = 0; number < 100; number++) {
      await ask(answers, `once ${number}`);
      expect(answers.stats().bytes).toBeLessThanOrEqual(200_000);
    }
    expect(await ask(answers, 'useful')).toBe(false);
    expect(answers.stats().bytes).toBeGreaterThan(100_000);
  });

  test('throws out what is stale before what is of little use', async () => {
    const stale = new Set<object>();
    const watch = { ...STEADY, isSame: (since: object) => !stale.has(since) };
    const answers = new KeptAnswers(watch, 200_000);
    const then = { ...asOf };
    for (let number = 0; number < 4; number++) {
      await answers.find({ key: `stale ${number}`, basis, asOf: then }, async () => ({ value: 1, bytes: 20_000 }));
    }
    for (let number = 0; number < 10; number++) await ask(answers, `good ${number}`);
    stale.add(then);
    await ask(answers, 'one more');
    expect(answers.stats().bytes).toBeLessThan(11 * 12_000);
    for (let number = 0; number < 10; number++) expect(await ask(answers, `good ${number}`)).toBe(false);
  });

  test('keeps nothing that is too large, that time changes, or that failed; 0 bytes keep nothing', async () => {
    const answers = new KeptAnswers(STEADY, 100_000);
    for (const bytes of [50_000, null]) {
      expect([await ask(answers, 'a', bytes), await ask(answers, 'a', bytes)]).toEqual([true, true]);
    }
    const fail = () => answers.find({ key: 'b', basis, asOf }, () => Promise.reject(new Error('failed')));
    await expect(fail()).rejects.toThrow('failed');
    await expect(fail()).rejects.toThrow('failed');
    const off = new KeptAnswers(STEADY, 0);
    expect([await ask(off, 'a'), await ask(off, 'a')]).toEqual([true, true]);
    expect([answers.stats().bytes, off.stats().bytes]).toEqual([0, 0]);
  });
});
