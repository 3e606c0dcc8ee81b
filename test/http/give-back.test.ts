import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { giveBack } from '../../src/http/give-back.js';
import { type DriveRequest, TestServer } from '../support/make-server.js';

const KIB = 1024;

describe('giveBack', () => {
  test('frees what a chunk has for itself, also twice', () => {
    const chunk = Buffer.allocUnsafeSlow(64 * KIB);
    giveBack(chunk);
    expect([chunk.length, chunk.buffer.byteLength]).toEqual([0, 0]);
    giveBack(chunk);
  });

  test.each([
    ['a part of something', Buffer.allocUnsafeSlow(64 * KIB).subarray(1)],
    ['something small', Buffer.from('a piece of the pool')],
    ['shared memory', Buffer.from(new SharedArrayBuffer(64 * KIB))],
  ])('leaves %s', (_, chunk) => {
    const { length } = chunk;
    giveBack(chunk);
    expect(chunk.length).toBe(length);
  });
});

describe('PRODUCT U1 — bodies whose chunks are given back arrive whole', () => {
  let server: TestServer;
  let alice: DriveRequest;
  beforeAll(async () => {
    server = await TestServer.start();
    alice = server.as('alice');
  });
  afterAll(() => server.stop());

  async function* inSteps(pieces: readonly Buffer[]) {
    for (const piece of pieces) {
      yield piece;
      await wait(20);
    }
  }

  test.each([
    [[16 * KIB]],
    [[16 * KIB, 1]],
    [[5, 16 * KIB - 5, 60 * KIB]],
    [[60 * KIB, 60 * KIB, 3, 200 * KIB]],
    [[3_000_000, 60 * KIB, 2_000_000]],
  ])('without a length, in steps of %j bytes', async (sizes) => {
    const pieces = sizes.map((size) => randomBytes(size));
    const path = `/steps-${sizes.join('-')}.bin`;
    expect((await alice('PUT', path, { body: inSteps(pieces) })).status).toBe(201);
    expect((await alice('GET', path)).bytes.equals(Buffer.concat(pieces))).toBe(true);
  });
});
