import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { type ProgramResult, runProgram } from '../support/run-program.js';
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
  describe(`client-requirements 1.2 — gio, the code of GNOME Files, over ${scheme}`, () => {
    let server: BootedServer;
    let folder: string;
    let from: Fetch;

    beforeAll(async () => {
      server = await bootServer({ hostMount: true, tls: scheme === 'https' });
      from = fetchFrom(server);
    });
    afterAll(() => server?.remove());

    beforeEach(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'firn-gio-'));
      await mkdir(path.join(folder, 'runtime'), { mode: 0o700 });
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    /**
     * Runs lines of shell in a D-Bus session of their own (gvfsd ends with it), with $B mounted. The session trusts the
     * server's throw-away authority unless told otherwise.
     */
    function tryInSession(address: string, lines: string[], { isTrusting = true } = {}): Promise<ProgramResult> {
      const script = [
        'set -eu',
        // gio asks "User" and "Password" and reads both from standard input.
        'printf "%s\\n%s\\n" "$FIRN_TEST_USER" "$FIRN_TEST_PASSWORD" | timeout 30 gio mount "$B/"',
        ...lines,
        'gio mount -u "$B/"',
      ];
      const session: [string, string[]] = ['dbus-run-session', ['--', 'bash', '-c', script.join('\n')]];
      const [program, parameters] = server.ca && isTrusting ? trusting(server.ca, ...session) : session;
      return runProgram(program, parameters, {
        folder,
        environment: {
          B: address.replace(/^http/, 'dav').replace(/\/$/, ''),
          FIRN_TEST_USER: server.user,
          FIRN_TEST_PASSWORD: server.password,
          HOME: folder,
          XDG_RUNTIME_DIR: path.join(folder, 'runtime'),
        },
      });
    }

    /** The same, which must succeed; gives standard output. */
    async function inSession(address: string, lines: string[]): Promise<string> {
      const { code, output, errors } = await tryInSession(address, lines);
      if (code !== 0) throw new Error(`the session ended with exit code ${code}:\n${output}${errors}`);
      return output;
    }

    for (const mount of ['pathMount', 'hostMount'] as const) {
      test(`mkdir, copy, cat, save, rename, move, info, remove (${mount})`, async () => {
        const content = seededBytes(mount, 200_000);
        await writeFile(path.join(folder, 'local.bin'), content);
        const output = await inSession(server[mount], [
          `D="$B/${mount}"`,
          'gio mkdir "$D"',
          'gio copy local.bin "$D/g ü.bin"',
          'gio cat "$D/g ü.bin" > back.bin',
          'printf "version 2" | gio save "$D/second (1).txt"',
          'printf "version 3" | gio save "$D/second (1).txt"',
          'printf "created" | gio save --create "$D/n.txt"',
          'gio info -a "*" "$D/g ü.bin"',
          'gio list -l "$D"',
          'gio rename "$D/g ü.bin" r.bin',
          'gio move "$D/r.bin" "$D/m.bin"',
          'gio copy "$D/m.bin" "$D/c.bin"',
          'gio mkdir "$D/inner"',
          'gio copy "$D/m.bin" "$D/inner/c%232.bin"',
          'gio info -f "$B/"',
          'gio remove "$D/c.bin"',
        ]);
        expect(output).toMatch(/standard::size: 200000/);
        checkSameBytes(await readFile(path.join(folder, 'back.bin')), content);
        const expected = new Map([
          ['m.bin', content],
          ['second (1).txt', Buffer.from('version 3')],
          ['n.txt', Buffer.from('created')],
          ['inner/', Buffer.alloc(0)],
          ['inner/c#2.bin', content],
        ]);
        const actual = await readTreeOverHttp(`${server.pathMount}${mount}/`, server.authorization, from);
        expect(compareTrees(expected, actual)).toEqual([]);
      });
    }

    test('removes an empty folder without a slash in the URL, and no folder that is not empty', async () => {
      await inSession(server.pathMount, [
        'gio mkdir "$B/full"',
        'gio mkdir "$B/empty"',
        'printf x | gio save "$B/full/x.txt"',
        'gio remove "$B/empty"',
        'if gio remove "$B/full" 2>refusal.txt; then exit 7; fi',
      ]);
      const actual = await readTreeOverHttp(`${server.pathMount}full/`, server.authorization, from);
      expect([...actual.keys()]).toEqual(['x.txt']);
      const gone = await from(`${server.pathMount}empty`, { headers: { authorization: server.authorization } });
      expect(gone.status).toBe(404);
    });

    test('the FUSE path of gvfs: a tree with hard names is copied there and back byte for byte', {
      timeout: 120_000,
    }, async () => {
      const tree = makeTree('gio', 40);
      await writeTree(tree, path.join(folder, 'up'));
      await inSession(server[scheme === 'http' ? 'pathMount' : 'hostMount'], [
        'gio mkdir "$B/fuse"',
        'L="$(gio info "$B/fuse" | sed -n "s/^local path: //p")"',
        'test -n "$L"',
        'for try in $(seq 100); do test -d "$L" && break; sleep 0.1; done',
        'cp -r up/. "$L/"',
        'cp -r "$L/." down',
      ]);
      expect(
        compareTrees(tree, await readTreeOverHttp(`${server.pathMount}fuse/`, server.authorization, from)),
      ).toEqual([]);
      expect(compareTrees(tree, await readTree(path.join(folder, 'down')))).toEqual([]);
    });

    if (scheme === 'https') {
      test('an authority that the session does not trust is refused', async () => {
        const { code, errors } = await tryInSession(server.hostMount, [], { isTrusting: false });
        expect(code).not.toBe(0);
        expect(errors).toContain('Unacceptable TLS certificate');
      });
    }
  });
}
