import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { type RequestOptions, sendRequest } from '../support/http-client.js';
import { win32 } from './replays/bodies.js';
import { cyberduck } from './replays/cyberduck.js';
import { duplicati } from './replays/duplicati.js';
import { finder } from './replays/finder.js';
import { foldersyncIos } from './replays/foldersync-ios.js';
import { keepass2 } from './replays/keepass2.js';
import { keepass2android } from './replays/keepass2android.js';
import { keeweb } from './replays/keeweb.js';
import { kio } from './replays/kio.js';
import { libreoffice } from './replays/libreoffice.js';
import { mountainDuck } from './replays/mountain-duck.js';
import { nextcloudOwncloudApps } from './replays/nextcloud-owncloud-apps.js';
import { office } from './replays/office.js';
import { qnapHbs3 } from './replays/qnap-hbs3.js';
import { netdrive, raidrive } from './replays/raidrive.js';
import { remotelySave } from './replays/remotely-save.js';
import { type Place, Replay } from './replays/replay.js';
import { synologyCloudSync } from './replays/synology-cloud-sync.js';
import type { Row, Transcript } from './replays/transcript.js';
import { windowsExplorer } from './replays/windows-explorer.js';
import { winscp } from './replays/winscp.js';
import { zotero } from './replays/zotero.js';

const TRANSCRIPTS: readonly Transcript[] = [
  windowsExplorer,
  office,
  finder,
  synologyCloudSync,
  qnapHbs3,
  cyberduck,
  mountainDuck,
  zotero,
  keepass2,
  keepass2android,
  keeweb,
  winscp,
  duplicati,
  nextcloudOwncloudApps,
  raidrive,
  netdrive,
  foldersyncIos,
  kio,
  libreoffice,
  remotelySave,
];

/**
 * Entries of the folder `many`, with the properties that Explorer leaves on each: Windows stops at 1 MB
 * (client-requirements R38).
 */
const MANY = 1500;
const MANY_AT_ONCE = 32;
const COPIED_BY_EXPLORER = win32({
  Win32CreationTime: 'Sun, 22 Nov 2026 19:14:25 GMT',
  Win32LastAccessTime: 'Sun, 22 Nov 2026 19:14:25 GMT',
  Win32LastModifiedTime: 'Wed, 01 Jan 2020 10:00:00 GMT',
  Win32FileAttributes: '00000020',
});
/** Room that 32 bits can't count, and less than the upload of Finder's row 18 announces. */
const QUOTA = '6GB';
const ORIGINS = ['https://app.keeweb.info', 'app://obsidian.md', 'capacitor://localhost', 'http://localhost'];

type Mount = 'path' | 'host';
type Scheme = 'http' | 'https';

/** Row numbers are the tables'; a test says which rules of client-requirements 5 it shows. */
const titleOf = ({ client }: Transcript, { proves, row, rule }: Row) =>
  `client-requirements ${proves.join(', ')} — ${client}, row ${row}: ${rule}`;

class Fixture {
  private constructor(
    readonly server: BootedServer,
    private readonly bob: Place['bob'],
    private readonly ca: string | null,
    private readonly agent: Agent,
  ) {}

  static async boot(scheme: Scheme): Promise<Fixture> {
    const tls = scheme === 'https';
    const server = await bootServer({
      hostMount: true,
      tls,
      settings: { corsOrigins: ORIGINS, quotaHiddenFromFinder: tls },
    });
    const user = 'bob@example.org';
    await server.firn('user', 'create', user);
    const [secret] = await Promise.all([
      server.firn('app-password', 'create', user, 'test suite'),
      server.firn('drive', 'add-member', server.driveId, user),
      server.firn('drive', 'set', server.driveId, '--quota', QUOTA),
    ]);
    const password = secret.trim();
    const ca = server.ca && (await readFile(server.ca.caFile, 'utf8'));
    const agent = tls ? new SecureAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
    const fixture = new Fixture(server, { user, password }, ca, agent);
    await fixture.#makeMany();
    return fixture;
  }

  place(mount: Mount): Place {
    const { server, bob, ca, agent } = this;
    const address = new URL(mount === 'path' ? server.pathMount : server.hostMount);
    const drive = address.pathname.replace(/\/$/, '');
    return {
      endpoint: {
        port: server.port,
        agent,
        ...(ca === null ? {} : { tls: { ca, ...(mount === 'host' ? { name: address.hostname } : {}) } }),
      },
      origin: address.origin,
      drive,
      parents: mount === 'path' ? ['/', '/dav', drive] : ['/'],
      open: new Set(mount === 'path' ? ['/', '/dav', '/dav/'] : []),
      alice: { user: server.user, password: server.password },
      bob,
      hidesQuota: ca !== null,
      mark: mount,
    };
  }

  async #makeMany(): Promise<void> {
    const { endpoint, drive, origin } = this.place('path');
    const send = async (method: string, path: string, options: RequestOptions = {}) => {
      const headers = { Authorization: this.server.authorization, ...options.headers };
      const { status } = await sendRequest(endpoint, method, drive + path, { ...options, headers });
      if (status !== 201 && status !== 207) throw new Error(`${method} ${path} answered ${status}`);
    };
    const names = Array.from({ length: MANY }, (_, number) => `/many/IMG_20200102_${101_500 + number}%20(1).jpg`);
    const first = names.pop()!;
    await send('MKCOL', '/many');
    await send('PUT', first, { body: 'a picture' });
    await send('PROPPATCH', first, { body: COPIED_BY_EXPLORER });
    const copy = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        await send('COPY', first, { headers: { Destination: origin + drive + name } });
      }
    };
    await Promise.all(Array.from({ length: MANY_AT_ONCE }, copy));
  }

  async remove(): Promise<void> {
    this.agent.destroy();
    await this.server.remove();
  }
}

for (const scheme of ['http', 'https'] as const) {
  describe(`client-requirements 4 — replays over ${scheme}`, () => {
    let fixture: Fixture;

    beforeAll(async () => {
      fixture = await Fixture.boot(scheme);
    });
    afterAll(() => fixture?.remove());

    for (const mount of ['path', 'host'] as const) {
      for (const transcript of TRANSCRIPTS) {
        describe(`${transcript.section} ${transcript.client} (${mount} mount)`, () => {
          let replay: Replay;

          beforeAll(async () => {
            replay = new Replay(fixture.place(mount), transcript);
            await replay.setUp();
          });

          for (const row of transcript.rows) {
            test(titleOf(transcript, row), () => replay.send(row));
          }
        });
      }
    }
  });
}
