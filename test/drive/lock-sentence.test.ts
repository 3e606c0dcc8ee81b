import { describe, expect, test } from 'vitest';
import { lockSentence, type PlacedLock } from '../../src/drive/locks/lock-sentence.js';
import type { DriveId, LockToken, NodeId, UserId } from '../../src/stores/values.js';

const NOW = Date.UTC(2026, 10, 27, 13, 0, 0);
const ANA = 1 as UserId;
const ME = 9 as UserId;

function lock(userName: string, path: string[], change: { userId?: number; expiresAt?: number } = {}): PlacedLock {
  const { userId = 1, expiresAt = NOW + 65 * 60_000 } = change;
  return {
    path,
    isCollection: false,
    lock: {
      token: `opaquelocktoken:${userName}` as LockToken,
      driveId: 123456 as DriveId,
      nodeId: 5 as NodeId,
      userId: userId as UserId,
      userName,
      scope: 'shared',
      isDeep: false,
      ownerXml: null,
      timeoutSeconds: 3600,
      expiresAt,
    },
  };
}
const FILE = ['docs', 'plan.docx'];
const said = (...locks: PlacedLock[]) => lockSentence(locks, FILE, ME, NOW);

describe('Errors that explain themselves — a lock says who holds it and until when', () => {
  test.each<[string, PlacedLock[], string]>([
    [
      'by somebody',
      [lock('Ana', FILE)],
      'Locked by Ana until 14:05 UTC. Ask them to close it, or try again after that.',
    ],
    [
      'by oneself',
      [lock('Me', FILE, { userId: ME })],
      'Locked by you, from another program, until 14:05 UTC. Close it there, or try again after that.',
    ],
    [
      'a folder above',
      [lock('Ana', ['docs'])],
      'The folder "docs" is locked by Ana until 14:05 UTC. Ask them to close it, or try again after that.',
    ],
    [
      'a folder above what one sees',
      [lock('Ana', [])],
      'A folder above it is locked by Ana until 14:05 UTC. Ask them to close it, or try again after that.',
    ],
    [
      'something in it',
      [lock('Ana', [...FILE, 'deep', 'a.txt'])],
      '"a.txt" in it is locked by Ana until 14:05 UTC. Ask them to close it, or try again after that.',
    ],
    [
      'several in it',
      [lock('Ana', [...FILE, 'a']), lock('Ana', [...FILE, 'b'])],
      'Some of this is locked by Ana until 14:05 UTC. Ask them to close it, or try again after that.',
    ],
  ])('%s', (_title, locks, expected) => expect(said(...locks)).toBe(expected));

  test('several holders, each once, and not too many names', () => {
    const by = (...names: string[]) =>
      / by (.*?) until /.exec(said(...names.map((name, index) => lock(name, FILE, { userId: ANA + index }))))![1];
    expect(by('Ana', 'Ben')).toBe('Ana and Ben');
    expect(by('Ana', 'Ana')).toBe('Ana');
    expect(by('Ana', 'Ben', 'Cleo')).toBe('Ana, Ben and Cleo');
    expect(by('Ana', 'Ben', 'Cleo', 'Dora', 'Eve')).toBe('Ana, Ben, Cleo and others');
  });

  test('the latest end counts, to the minute and no minute too early; a date where the time could mislead', () => {
    const until = (...ends: number[]) =>
      / until (.*? UTC)\./.exec(said(...ends.map((end) => lock('Ana', FILE, { expiresAt: NOW + end }))))![1];
    expect(until(60_000, 120_000)).toBe('13:02 UTC');
    expect(until(60_001)).toBe('13:02 UTC');
    expect(until(1)).toBe('13:01 UTC');
    expect(until(23 * 3_600_000)).toBe('12:00 UTC');
    expect(until(24 * 3_600_000)).toBe('2026-11-28 13:00 UTC');
  });
});
