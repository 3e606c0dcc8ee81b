import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { type JoplinCommand, JoplinDevice, type JoplinTarget, makeNotes } from '../support/joplin.js';
import { mustRun, waitUntil } from '../support/run-program.js';
import { compareTrees, readTreeOverHttp, seededBytes, type Tree, writeTree } from '../support/trees.js';
import { tried } from '../support/tried.js';

/** Joplin starts for seconds each time: on a cluster two devices and one address say it. */
const onCluster =
  'client-requirements R26, R27 — at the host mount: a first sync into an empty folder, changes on both, a conflict';
const book = 'book 0';
/** Three notes that the tests change and delete. */
const [edited, deleted, fought] = ['plain 0', 'with space 1', 'e+f 5'] as const;

describe('client-requirements 1.7, 2.8 — Joplin, with two devices', () => {
  let server: BootedServer;
  let folder: string;

  beforeAll(async () => {
    const environment = { FIRN_LOG_LEVEL: 'debug' };
    server = await bootServer({ hostMount: true, environment });
    folder = await mkdtemp(path.join(tmpdir(), 'firn-joplin-'));
  });
  afterAll(async () => {
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  function scenario(title: string, work: () => Promise<void>): void {
    if (tried([title], onCluster).includes(title)) test(title, { timeout: 600_000 }, work);
  }

  function makeDevices(name: string, target: JoplinTarget, settings?: Record<string, string>) {
    const device = (number: number) => new JoplinDevice(path.join(folder, `${name} ${number}`), target, settings);
    return [device(1), device(2)] as const;
  }

  async function makeTarget(mount: 'pathMount' | 'hostMount', name: string): Promise<JoplinTarget> {
    const headers = { authorization: server.authorization };
    const made = await fetch(`${server.pathMount}${name}`, { method: 'MKCOL', headers });
    expect(made.status).toBe(201);
    // Joplin encodes nothing in the address of an attachment that it downloads.
    return { url: `${server[mount]}${encodeURIComponent(name)}`, user: server.user, password: server.password };
  }

  /**
   * Writes notes as Markdown and attachments beside them. Returns what a device holds once it has run the commands:
   * Joplin puts the link to an attachment in front of a note's text.
   */
  async function prepareNotes(name: string, noteCount: number, attachmentCount: number) {
    const notes = makeNotes(name, noteCount);
    const source = path.join(folder, name);
    await writeTree(notes, path.join(source, 'notes'));
    const commands: JoplinCommand[] = [
      ['mkbook', 'imported'],
      ['import', '--format', 'md', path.join(source, 'notes'), 'imported'],
      ['use', book],
    ];
    const expected: Tree = new Map(notes);
    for (const [index, note] of [...notes.keys()].slice(0, attachmentCount).entries()) {
      const title = path.basename(note, '.md');
      const attachment = `${title}.bin`;
      const content = seededBytes(`${name}/${attachment}`, index === 0 ? 3_000_000 : 1 + index * 7919);
      await writeFile(path.join(source, attachment), content);
      commands.push(['attach', title, path.join(source, attachment)]);
      expected.set(`attachments/${attachment}`, content);
      expected.set(note, Buffer.concat([Buffer.from(`[${attachment}](:/${attachment})`), notes.get(note)!]));
    }
    return { commands, expected };
  }

  async function expectNotes(device: JoplinDevice, expected: Tree): Promise<void> {
    expect(compareTrees(expected, await device.read())).toEqual([]);
  }

  /** The requests that the server, or each of its nodes, answered meanwhile, as `METHOD PATH STATUS` with the path below `address`. */
  async function requestsDuring(address: string, work: () => Promise<unknown>): Promise<string[]> {
    const mark = async () => {
      const name = randomUUID();
      for (const process of server.processes) {
        await fetch(`${process.url}/${name}`);
        await waitUntil('the server has logged a request', () => process.log.includes(name));
      }
      return name;
    };
    const before = await mark();
    await work();
    const after = await mark();
    const base = decodeURIComponent(new URL(address).pathname);
    return server.processes.flatMap(({ log }) => {
      const lines = log.split('\n');
      return lines
        .slice(
          lines.findIndex((line) => line.includes(before)) + 1,
          lines.findIndex((line) => line.includes(after)),
        )
        .map((line) => JSON.parse(line) as { msg: string; method: string; url: string; status: number })
        .filter(({ msg }) => msg === 'request')
        .map(({ method, url, status }) => `${method} ${decodeURIComponent(url).slice(base.length)} ${status}`);
    });
  }

  /** Two devices that hold `expected` change it: an edit, a new note and a deletion, then both edit one note. */
  async function changeOnBoth(first: JoplinDevice, second: JoplinDevice, expected: Tree): Promise<void> {
    const inBook = (title: string) => `${book}/${title}.md`;
    await second.sync(
      ['use', book],
      ['set', edited, 'body', 'edited on the second\n\nü'],
      ['mknote', 'new on the second'],
    );
    await first.sync(['use', book], ['rmnote', '-f', '-p', deleted]);
    expected.set(inBook(edited), Buffer.from('edited on the second\n\nü'));
    expected.set(inBook('new on the second'), Buffer.alloc(0));
    expected.delete(inBook(deleted));
    await expectNotes(first, expected);

    await second.sync(['sync'], ['set', fought, 'body', 'the second was faster']);
    expected.set(inBook(fought), Buffer.from('the second was faster'));
    await expectNotes(second, expected);
    await first.sync(['set', fought, 'body', 'the first was slower']);
    const conflict: Tree = new Map([[`conflict: ${book}/${fought}.md`, Buffer.from('the first was slower')]]);
    await expectNotes(first, new Map([...expected, ...conflict]));
    await second.sync();
    await expectNotes(second, expected);
  }

  scenario(
    '200 notes and 20 attachments converge, a conflict makes a conflict note, a further sync transfers nothing',
    async () => {
      const target = await makeTarget('pathMount', 'joplin');
      const [first, second] = makeDevices('large', target);
      const { commands, expected } = await prepareNotes('large source', 200, 20);
      await first.sync(...commands);
      await expectNotes(first, expected);
      await second.sync();
      await expectNotes(second, expected);
      await changeOnBoth(first, second, expected);
      const requests = await requestsDuring(`${target.url}/`, () => Promise.all([first.sync(), second.sync()]));
      expect(requests.sort()).toEqual([...Array(4).fill('GET info.json 200'), ...Array(2).fill('PROPFIND  207')]);
    },
  );

  scenario(onCluster, async () => {
    const target = await makeTarget('hostMount', 'joplin notes ü');
    const [first, second] = makeDevices('host', target);
    const { commands, expected } = await prepareNotes('host source', 7, 2);
    const requests = await requestsDuring(`${target.url}/`, () => first.sync(...commands));
    expect(requests).toEqual(
      expect.arrayContaining(['GET info.json 404', 'MKCOL locks/ 201', 'PUT info.json 201', 'MKCOL locks/ 405']),
    );
    // All but reads carry an If-None-Match that is no entity tag: nothing fails by it.
    expect(requests.filter((request) => !/ (20[0147]|404|405)$/.test(request))).toEqual([]);
    await second.sync();
    await expectNotes(second, expected);
    await changeOnBoth(first, second, expected);
  });

  /** Notes go from the first device to the second, and an edit comes back. */
  async function exchangeNotes(name: string, target: JoplinTarget, settings?: Record<string, string>): Promise<void> {
    const [first, second] = makeDevices(name, target, settings);
    const { commands, expected } = await prepareNotes(`${name} source`, 3, 1);
    await first.sync(...commands);
    await second.sync(['sync'], ['use', book], ['set', edited, 'body', 'edited']);
    expected.set(`${book}/${edited}.md`, Buffer.from('edited'));
    await expectNotes(second, expected);
    await first.sync();
    await expectNotes(first, expected);
  }

  scenario('over https, with the authority in Joplin’s own setting', async () => {
    const tlsServer = await bootServer({ hostMount: true, tls: true });
    onTestFinished(() => tlsServer.remove());
    const { hostMount, user, password, ca } = tlsServer;
    const url = `${hostMount}joplin`;
    const parameters = ['--fail', '--cacert', ca!.caFile, '--user', `${user}:${password}`, '--request', 'MKCOL', url];
    await mustRun('curl', parameters);
    await exchangeNotes('tls', { url, user, password }, { 'net.customCertificates': ca!.caFile });
  });

  scenario(
    'with an app password limited to /limited: the address has no folder, and nothing else changes',
    async () => {
      const { driveId, user, authorization } = server;
      const limits = ['--drive', driveId, '--folder', '/limited'];
      const password = (await server.firn('app-password', 'create', user, 'Joplin', ...limits)).trim();
      const before = await readTreeOverHttp(server.pathMount, authorization);
      await exchangeNotes('limited', { url: server.hostMount, user, password });
      const after = await readTreeOverHttp(server.pathMount, authorization);
      const isInside = (name: string) => name.startsWith(`${server.driveName}/limited/`) && !name.endsWith('/limited/');
      // Three notes, an attachment and two notebooks.
      expect([...after.keys()].filter((name) => isInside(name) && name.endsWith('.md'))).toHaveLength(6);
      expect(compareTrees(before, new Map([...after].filter(([name]) => !isInside(name))))).toEqual([]);
    },
  );

  scenario(
    'a full drive ends a sync with the sentence of the server; once there is room, the next one loses nothing',
    async () => {
      const { driveId, firn } = server;
      const target = await makeTarget('hostMount', 'full');
      const [first, second] = makeDevices('full', target);
      // One attachment, which has three megabytes.
      const { commands, expected } = await prepareNotes('full source', 3, 1);
      const { usedBytes } = JSON.parse(await firn('quota', 'show', driveId, '--json')) as { usedBytes: number };
      await firn('quota', 'set', driveId, String(usedBytes + 1_000_000));
      await expect(first.sync(...commands)).rejects.toThrow(/ask the administrator for a larger quota\./);
      await firn('quota', 'set', driveId, 'none');
      await first.sync();
      await second.sync();
      await expectNotes(second, expected);
    },
  );
});
