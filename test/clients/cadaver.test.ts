import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { mustRun } from '../support/run-program.js';
import { type Fetch, fetchFrom } from '../support/server-fetch.js';
import { trusting } from '../support/throwaway-ca.js';
import {
  checkSameBytes,
  compareTrees,
  makeTree,
  readTree,
  readTreeOverHttp,
  seededBytes,
  writeTree,
} from '../support/trees.js';

for (const scheme of ['http', 'https'] as const) {
  describe(`client-requirements 1.4 — cadaver over ${scheme}`, () => {
    let server: BootedServer;
    let home: string;
    let from: Fetch;

    beforeAll(async () => {
      server = await bootServer({ hostMount: true, tls: scheme === 'https' });
      from = fetchFrom(server);
    });
    afterAll(() => server?.remove());

    beforeEach(async () => {
      home = await mkdtemp(path.join(tmpdir(), 'firn-cadaver-'));
      const login = (host: string) => `machine ${host}\nlogin ${server.user}\npassword ${server.password}\n`;
      const hosts = [server.pathMount, server.hostMount].map((address) => new URL(address).hostname);
      await writeFile(path.join(home, '.netrc'), hosts.map(login).join(''));
      await chmod(path.join(home, '.netrc'), 0o600);
    });
    afterEach(() => rm(home, { recursive: true, force: true }));

    /** Types the lines into cadaver, which trusts the server's throw-away authority unless told otherwise. */
    function run(address: string, lines: string[], { isTrusting = true } = {}): Promise<string> {
      const input = [...lines, 'quit', ''].join('\n');
      const [program, parameters] =
        server.ca && isTrusting ? trusting(server.ca, 'cadaver', [address]) : ['cadaver', [address]];
      return mustRun(program, parameters, { input, environment: { HOME: home }, folder: home });
    }

    /** The same, without a failure. It always exits with 0: its words tell whether something failed. */
    async function type(address: string, lines: string[]): Promise<string> {
      const output = await run(address, lines);
      expect(output).not.toMatch(/failed|error|could not|not found/i);
      return output;
    }

    for (const mount of ['pathMount', 'hostMount'] as const) {
      test(`puts, locks, moves, copies, sets properties, reads and deletes (${mount})`, async () => {
        const content = seededBytes(mount, 70_000);
        await writeFile(path.join(home, 'local.bin'), content);
        const output = await type(server[mount], [
          'ls',
          'mkcol cad',
          'cd cad',
          'put local.bin one.bin',
          'lock one.bin',
          'discover one.bin',
          'put local.bin one.bin',
          'unlock one.bin',
          'move one.bin two.bin',
          'copy two.bin three.bin',
          'propset two.bin colour dark-blue',
          'propget two.bin colour',
          'get two.bin download.bin',
          'mkcol inner',
          'copy two.bin inner/',
          'ls',
        ]);
        expect(output).toContain('dark-blue');
        expect(output).toMatch(/opaquelocktoken:|urn:uuid:/);
        checkSameBytes(await readFile(path.join(home, 'download.bin')), content);
        const expected = new Map([
          ['two.bin', content],
          ['three.bin', content],
          ['inner/', Buffer.alloc(0)],
          ['inner/two.bin', content],
        ]);
        const actual = await readTreeOverHttp(`${server.pathMount}cad/`, server.authorization, from);
        expect(compareTrees(expected, actual)).toEqual([]);

        await type(server[mount], [
          'cd cad',
          'propdel two.bin colour',
          'delete two.bin',
          'delete three.bin',
          'delete inner/two.bin',
          'rmcol inner',
          'cd ..',
          'rmcol cad',
        ]);
        const gone = await from(`${server.pathMount}cad/`, { headers: { authorization: server.authorization } });
        expect(gone.status).toBe(404);
      });
    }

    test('mput and mget keep many files with hard names byte for byte', async () => {
      const tree = new Map([...makeTree('cadaver', 30)].filter(([name]) => !name.endsWith('/')));
      const flat = new Map([...tree].map(([name, content]) => [path.basename(name), content]));
      await writeTree(flat, path.join(home, 'up'));
      await writeTree(new Map(), path.join(home, 'down'));
      await type(server[scheme === 'http' ? 'pathMount' : 'hostMount'], [
        `lcd ${home}/up`,
        'mkcol many',
        'cd many',
        'mput *',
        `lcd ${home}/down`,
        'mget *',
      ]);
      expect(compareTrees(flat, await readTree(path.join(home, 'down')))).toEqual([]);
      const actual = await readTreeOverHttp(`${server.pathMount}many/`, server.authorization, from);
      expect(compareTrees(flat, actual)).toEqual([]);
    });

    if (scheme === 'https') {
      test('an authority that it does not trust is refused', async () => {
        const output = await run(server.hostMount, ['ls'], { isTrusting: false });
        expect(output).toContain('Untrusted server certificate');
        expect(output).toContain('Could not open collection');
      });
    }
  });
}
