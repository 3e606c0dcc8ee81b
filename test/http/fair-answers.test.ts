import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGE_MEMBERS, STEP_MEMBERS } from '../../src/drive/listing.js';
import type { NodeId } from '../../src/stores/values.js';
import { ConsoleClient } from '../support/console-client.js';
import { type DriveRequest, PASSWORD, TestServer } from '../support/make-server.js';
import { insertEmptyFiles } from '../support/many-files.js';
import { askFor, hrefsOf } from '../support/multistatus.js';
import { countTurns } from '../support/turn-probe.js';

/** Files in each of two folders. */
const FILES = 1_500;

let server: TestServer;
let alice: DriveRequest;
beforeAll(async () => {
  server = await TestServer.start();
  alice = server.as('alice');
  await alice('MKCOL', '/many');
  for (const name of ['a', 'b']) {
    await alice('MKCOL', `/many/${name}`);
    await insertEmptyFiles(server.engines.metadata, (await server.idOf('alice', `/many/${name}`)) as NodeId, FILES);
  }
});
afterAll(() => server.stop());

const list = () => alice('PROPFIND', '/many', { headers: { Depth: 'infinity' }, body: askFor('getetag') });

describe('faults B1 — a long answer lets others in after each step', () => {
  test('security 7 — PROPFIND: no turn of the loop reads more than a page, and all of it comes', async () => {
    const counts = await countTurns(server.engines.metadata, async () => {
      expect(hrefsOf((await list()).text)).toHaveLength(2 * FILES + 3);
    });
    expect(counts.rowsATurn).toBeLessThanOrEqual(PAGE_MEMBERS + STEP_MEMBERS);
    expect(counts.turns).toBeGreaterThan((2 * FILES - PAGE_MEMBERS) / STEP_MEMBERS);
  });

  test('a folder that fills a page is one page: its answer has a length', async () => {
    await alice('MKCOL', '/page');
    await insertEmptyFiles(server.engines.metadata, (await server.idOf('alice', '/page')) as NodeId, PAGE_MEMBERS);
    const { headers, text } = await alice('PROPFIND', '/page', { headers: { Depth: '1' }, body: askFor('getetag') });
    expect(hrefsOf(text)).toHaveLength(PAGE_MEMBERS + 1);
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)));
  });

  test('security 7 — ZIP: a turn for some members each', async () => {
    const client = await ConsoleClient.signedIn(server, 'alice', PASSWORD);
    const counts = await countTurns(server.engines.metadata, async () => {
      expect((await client.send('GET', '/api/drives/123456/zip?path=%2Fmany')).status).toBe(200);
    });
    expect(counts.transactionsATurn).toBeLessThanOrEqual(150);
    expect(counts.turns).toBeGreaterThan((2 * FILES) / 60);
  });

  test('faults B1 — the page of a folder for browsers', async () => {
    const counts = await countTurns(server.engines.metadata, async () => {
      const { text } = await alice('GET', '/many/a/');
      expect(text.match(/<li>/g)).toHaveLength(FILES);
    });
    expect(counts.rowsATurn).toBeLessThanOrEqual(2 * STEP_MEMBERS);
  });
});
