import { deflateSync } from 'node:zlib';
import { crc32 } from '../../src/console/zip/write-zip.js';
import { endOf, startImport } from '../support/import-start.js';
import { basic, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { singleCalls } from '../support/single-calls.js';

const GB = 1_000_000_000;
const DAY_MS = 86_400_000;
/** Days of the plot. */
const HISTORY_DAYS = 60;

/** A server as one finds it after some weeks: people, drives, files, things in the trash, devices, a history. */
export async function startDemo(): Promise<TestServer> {
  const server = await TestServer.start({ importAllowedNetworks: ['127.0.0.1'] });
  await nameEverybody(server);
  await fillDrive(server);
  await addDevices(server);
  await addHistory(server);
  await importStudio(server);
  return server;
}

async function nameEverybody(server: TestServer): Promise<void> {
  const { accounts, engines } = server;
  const people = { alice: 'Alice Moreau', bruno: 'Bruno Keller', chiara: 'Chiara Rossi', daniel: 'Daniel Weiss' };
  for (const [name, fullName] of Object.entries(people)) {
    if (name !== 'alice') {
      await accounts.createUser({ email: emailOf(name), name: fullName, password: PASSWORD, isAdmin: false });
    }
    const user = (await singleCalls(engines.metadata).accounts.findUser(emailOf(name)))!;
    await singleCalls(engines.metadata).accounts.updateUser(user.id, { name: fullName, isAdmin: name === 'alice' });
    if (name === 'chiara') await server.turnOnTotp(user);
  }
  await server.addMember('bruno');
  await server.addMember('chiara', { role: 'viewer' });
  await server.addDrive({ id: 204_518, name: 'Studio', owner: 'bruno', quotaBytes: 2 * GB });
  await accounts.putMember(204_518, emailOf('alice'), { role: 'member' });
  await accounts.changeDrive(123_456, { quotaBytes: 5 * GB, name: 'Family' });
}

async function fillDrive(server: TestServer): Promise<void> {
  const alice = server.as('alice');
  const put = async (path: string, body: string | Buffer, modified: string) => {
    const headers = { 'X-OC-Mtime': String(Date.parse(modified) / 1000) };
    const { status } = await alice('PUT', path, { body, headers });
    if (status !== 201 && status !== 204) throw new Error(`PUT ${path} was answered ${status}`);
  };
  for (const folder of ['Photos', 'Photos/Norway%202025', 'Photos/Garden', 'Music', 'Letters']) {
    await alice('MKCOL', `/${folder}`);
  }
  await put('/Budget%202026.csv', `month,rent,food\n${'January,1200,340\n'.repeat(400)}`, '2026-10-02T08:00:00Z');
  await put('/Reading%20list.md', '# To read\n', '2026-11-18T08:00:00Z');
  await put('/Reading%20list.md', '# To read\n\n- Snow\n', '2026-11-19T08:00:00Z');
  await put('/Reading%20list.md', '# To read\n\n- The Worst Journey in the World\n- Snow\n', '2026-11-20T19:10:00Z');
  await put(
    '/House%20plan.pdf',
    Buffer.concat([Buffer.from('%PDF-1.4\n'), Buffer.alloc(812_000)]),
    '2026-03-14T10:00:00Z',
  );
  await put('/Sunday%20walk.mp3', Buffer.alloc(4_200_000, 7), '2026-09-06T15:30:00Z');
  await put('/Insurance%20papers.zip', Buffer.alloc(1_900_000, 9), '2025-12-01T09:00:00Z');
  for (let day = 1; day <= 9; day++) {
    const modified = `2025-07-${String(day + 10)}T12:00:00Z`;
    await put(`/Photos/Norway%202025/fjord-${day}.png`, makePicture(day), modified);
  }
  await put('/Common%20documents/House%20rules.txt', 'The last one turns off the light.\n', '2026-01-05T10:00:00Z');
  for (const name of ['Old%20draft.txt', 'Blurred.png', 'Receipts%202019']) {
    if (name.startsWith('Receipts')) await alice('MKCOL', `/${name}`);
    else await put(`/${name}`, name.endsWith('png') ? makePicture(4) : 'Nothing much.\n', '2026-02-01T10:00:00Z');
    await alice('DELETE', `/${name}`);
  }
}

async function addDevices(server: TestServer): Promise<void> {
  const { accounts } = server;
  const limits = { driveId: null, scopeId: null, allowance: 'full', expiresAt: null } as const;
  const make = (name: string, own: object = {}) =>
    accounts.createAppPassword({ email: emailOf('alice'), name, ...limits, ...own });
  const phone = await make('Joplin on my phone');
  await make('rclone on the NAS', { driveId: 123_456, allowance: 'add-only' });
  await make('Photo frame', { driveId: 123_456, allowance: 'read-only', expiresAt: Date.now() + 90 * DAY_MS });
  const authorization = basic(emailOf('alice'), phone.secret);
  await server.as(authorization)('PROPFIND', '/', { headers: { Depth: '0', 'User-Agent': 'Joplin/1.0' } });
  // Somebody's old password, and a refusal for the audit log.
  await server.as(basic(emailOf('alice'), 'not this one'))('PROPFIND', '/');
}

/** From one drive of this server to the other, as from any server; one file is in the way. */
async function importStudio(server: TestServer): Promise<void> {
  const bruno = server.as('bruno', 204_518);
  for (const name of ['Portrait%201.txt', 'Portrait%202.txt', 'Prices.txt'])
    await bruno('PUT', `/${name}`, { body: name });
  const alice = server.as('alice');
  await alice('MKCOL', '/Studio');
  await alice('PUT', '/Studio/Prices.txt', { body: 'last year' });
  const url = `http://127.0.0.1:${server.port}/dav/204518/Studio/`;
  await endOf(server, await startImport(server, url, { user: emailOf('bruno'), password: PASSWORD, to: '/Studio' }));
}

async function addHistory({ engines }: TestServer): Promise<void> {
  for (let ago = HISTORY_DAYS; ago > 0; ago--) {
    const day = new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
    const age = HISTORY_DAYS - ago;
    const usedBytes = Math.round((0.6 + age * 0.031 + Math.sin(age / 4) * 0.08) * GB);
    await engines.history.putPoint({ day, usedBytes, files: 900 + age * 26 });
  }
}

/** A landscape, 640 × 420: a sky that gets lighter towards two lines of hills. */
function makePicture(seed: number): Buffer {
  const [width, height] = [640, 420];
  const rows = Buffer.alloc((width * 3 + 1) * height);
  const hill = (x: number, at: number, rise: number) =>
    at + rise * (Math.sin(x / (50 + seed * 9) + seed) + 0.5 * Math.sin(x / 23 + seed * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const place = y * (width * 3 + 1) + 1 + x * 3;
      const sky = y / height;
      const color =
        y > hill(x, 320, 28)
          ? [28, 62, 66]
          : y > hill(x + 90, 235, 46)
            ? [74, 116, 124]
            : [236 - 60 * (1 - sky), 226 - 30 * (1 - sky), 214 + 20 * (1 - sky)];
      rows.set(color, place);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** PNG, 5.3: length, type, data, and a CRC over the last two. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}
