import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DRIVE_ID, emailOf, TestServer } from '../support/make-server.js';
import { askFor, parseMultistatus } from '../support/multistatus.js';
import { testOnOneServer } from '../support/tried.js';

/**
 * Requests that the weakest credentials may send, made so that the answer is as large as it can be. Bytes out are held to a
 * fixed multiple of the bytes in, and a fixed size a member.
 */
const FILES = 120;
const PARTS = 60;
const KIB = 1024;
/** What an answer may have whatever was asked, for each byte of the body, and for each member. */
const ANSWER_BYTES = 8 * KIB;
const BYTES_A_BYTE = 12;
const MEMBER_BYTES = 6 * KIB;
const USUAL_NAMES = ['getetag', 'getlastmodified', 'getcontentlength', 'resourcetype'];

const namesOf = (count: number) => Array.from({ length: count }, (_, index) => `<x:a${index}/>`).join('');
const asking = (namespace: string, count: number) =>
  `<D:propfind xmlns:D="DAV:" xmlns:x="${namespace}"><D:prop>${namesOf(count)}</D:prop></D:propfind>`;
const syncing = (namespace: string, count: number) =>
  `<D:sync-collection xmlns:D="DAV:" xmlns:x="${namespace}"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop>${namesOf(count)}</D:prop></D:sync-collection>`;
const locking = (scope: string, owner: string) =>
  `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>${owner}</D:owner></D:lockinfo>`;
const patching = (namespace: string, count: number) =>
  `<D:propertyupdate xmlns:D="DAV:" xmlns:x="${namespace}"><D:set><D:prop>${namesOf(count)}</D:prop></D:set></D:propertyupdate>`;

/** Namespaces and numbers of names whose product is large. Each alone is within its own limit. */
const PRODUCTS: [string, number][] = [
  ['n'.repeat(1000), 1000],
  ['n'.repeat(1000), 16],
  ['n'.repeat(1000), 3],
  ['&amp;'.repeat(1000), 1000],
  ['&quot;'.repeat(1000), 2],
  ['urn:x', 1000],
  ['urn:x', 100],
  ['u', 1],
];

interface Weak {
  readonly title: string;
  readonly method: string;
  readonly target: string;
  readonly headers?: Record<string, string>;
  readonly body: string;
  /** How many resources the answer may show. */
  readonly members: number;
}

let server: TestServer;
const authorizations = new Map<string, string>();
const mail = encodeURIComponent(emailOf('bob'));
const DRIVE = `/dav/${DRIVE_ID}`;
const CLOUD = `${DRIVE}/remote.php/dav`;

beforeAll(async () => {
  server = await TestServer.start();
  await server.addMember('bob');
  const bob = server.as('bob');
  await bob('MKCOL', '/many');
  for (let index = 0; index < FILES; index++) await bob('PUT', `/many/file-${index}`, { body: 'x' });
  await bob('MKCOL', '/gone');
  for (let index = 0; index < 20; index++) await bob('PUT', `/gone/file-${index}`, { body: 'x' });
  await bob('DELETE', '/gone');
  await bob('MKCOL', `/remote.php/dav/uploads/${mail}/up`);
  for (let index = 1; index <= PARTS; index++) {
    await bob('PUT', `/remote.php/dav/uploads/${mail}/up/${index}`, { body: 'x' });
  }
  for (const allowance of ['read-only', 'add-only'] as const) {
    const { authorization } = await server.addAppPassword('bob', { driveId: DRIVE_ID, allowance });
    authorizations.set(allowance, authorization);
  }
});
afterAll(() => server.stop());

function listings(): Weak[] {
  const places: [string, string, number][] = [
    [`${DRIVE}/many/`, '1', FILES + 1],
    [`${DRIVE}/`, 'infinity', 2 * FILES],
    [`${DRIVE}/many/file-1`, '0', 1],
    [`${DRIVE}/Trash/`, 'infinity', 2 * FILES],
    [`${CLOUD}/files/${mail}/many/`, '1', FILES + 1],
    [`${CLOUD}/trashbin/${mail}/trash/`, 'infinity', 2 * FILES],
    [`${CLOUD}/uploads/${mail}/up`, '1', PARTS + 1],
    [`${CLOUD}/`, '1', 1],
  ];
  return places.flatMap(([target, depth, members]) =>
    PRODUCTS.map(([namespace, count]) => ({
      title: `PROPFIND ${depth} of ${target}, ${count} names of ${namespace.length} characters each`,
      method: 'PROPFIND',
      target,
      headers: { Depth: depth },
      body: asking(namespace, count),
      members,
    })),
  );
}

function others(): Weak[] {
  return PRODUCTS.flatMap(([namespace, count]) => {
    const what = `${count} names of ${namespace.length} characters`;
    return [
      {
        title: `sync-collection, ${what}`,
        method: 'REPORT',
        target: `${DRIVE}/many/`,
        body: syncing(namespace, count),
        members: FILES + 1,
      },
      {
        title: `PROPPATCH, ${what}`,
        method: 'PROPPATCH',
        target: `${DRIVE}/many/`,
        body: patching(namespace, count),
        members: 1,
      },
      {
        title: `MKCOL with a body, ${what}`,
        method: 'MKCOL',
        target: `${DRIVE}/many`,
        headers: { 'Content-Type': 'application/xml' },
        body: patching(namespace, count).replaceAll('propertyupdate', 'mkcol'),
        members: 1,
      },
    ];
  });
}

/** What echoes what came. */
function echoes(): Weak[] {
  const long = `/${'e'.repeat(200)}`.repeat(20);
  return [
    { title: 'GET of a long path', method: 'GET', target: DRIVE + long, body: '', members: 1 },
    { title: 'an unknown method', method: 'REBIND', target: DRIVE + long, body: '', members: 1 },
    {
      title: 'an unknown report',
      method: 'REPORT',
      target: `${DRIVE}/many/`,
      body: `<${'r'.repeat(9000)}/>`,
      members: 1,
    },
    {
      title: 'a destination elsewhere',
      method: 'MOVE',
      target: `${DRIVE}/many/`,
      headers: { Destination: `http://elsewhere.example${long}` },
      body: '',
      members: 1,
    },
    {
      title: 'a lock that is not there',
      method: 'UNLOCK',
      target: `${DRIVE}/many/`,
      headers: { 'Lock-Token': `<urn:${'t'.repeat(4000)}>` },
      body: '',
      members: 1,
    },
    {
      title: 'conditions',
      method: 'PUT',
      target: `${DRIVE}/many/file-1`,
      headers: { If: '(<urn:x>)'.repeat(200) },
      body: 'x',
      members: 1,
    },
    {
      title: 'an owner of many namespaces',
      method: 'LOCK',
      target: `${DRIVE}/many/file-1`,
      body: locking('exclusive', `<x:a xmlns:x="${'n'.repeat(1000)}">${'<x:b/>'.repeat(5000)}</x:a>`),
      members: 1,
    },
    {
      title: 'an owner whose elements declare the namespace each',
      method: 'LOCK',
      target: `${DRIVE}/many/file-2`,
      body: locking('exclusive', '<x:b/>'.repeat(5000)).replace(
        '<D:lockinfo',
        `<D:lockinfo xmlns:x="${'n'.repeat(1000)}"`,
      ),
      members: 1,
    },
    { title: 'OPTIONS', method: 'OPTIONS', target: `${DRIVE}/many/`, body: '', members: 1 },
    {
      title: 'allprop',
      method: 'PROPFIND',
      target: `${DRIVE}/many/`,
      headers: { Depth: '1' },
      body: '',
      members: FILES + 1,
    },
  ];
}

async function bytesOut(weak: Weak, authorization: string | null): Promise<number> {
  const { method, target, headers, body } = weak;
  const {
    bytes,
    headers: answered,
    status,
  } = await server.send(method, target, {
    headers: { ...headers, ...(authorization === null ? {} : { Authorization: authorization }) },
    ...(body === '' ? {} : { body }),
  });
  expect(status, weak.title).not.toBe(500);
  const head = Object.entries(answered).reduce((sum, [name, value]) => sum + name.length + String(value).length + 4, 0);
  return head + bytes.length;
}

/** The head counts as well. */
function bytesIn({ target, headers, body }: Weak): number {
  return target.length + Object.values(headers ?? {}).join('').length + body.length;
}

describe('security 1 — what is asked for does not multiply', () => {
  test.each(['read-only', 'add-only'])('with a password that may only %s', async (allowance) => {
    for (const weak of [...listings(), ...others(), ...echoes()]) {
      const allowed = ANSWER_BYTES + BYTES_A_BYTE * bytesIn(weak) + MEMBER_BYTES * weak.members;
      expect(await bytesOut(weak, authorizations.get(allowance)!), weak.title).toBeLessThanOrEqual(allowed);
    }
  });

  test('without credentials next to nothing comes back, wherever it is sent', async () => {
    const folders = ['/', '/dav/', '/dav', `${CLOUD}/`, '/remote.php/dav/'].flatMap((target) =>
      PRODUCTS.map(([namespace, count]) => ({
        title: `PROPFIND of ${target}, ${count} names of ${namespace.length} characters each`,
        method: 'PROPFIND',
        target,
        body: asking(namespace, count),
        members: 2,
      })),
    );
    for (const weak of [...folders, ...listings(), ...others(), ...echoes()]) {
      expect(await bytesOut(weak, null), weak.title).toBeLessThanOrEqual(4 * KIB + 3 * bytesIn(weak));
    }
  });

  test('a body of more than a few KiB for the folders above drives is 413', async () => {
    const body = asking('urn:x', 1).replace('<D:prop>', `<D:prop>${' '.repeat(8 * KIB)}`);
    for (const target of ['/', '/dav/']) expect((await server.send('PROPFIND', target, { body })).status).toBe(413);
  });
});

describe('security 1 — what clients ask for they are told', () => {
  const propfind = (depth: string, body: string) =>
    server.as('bob')('PROPFIND', '/many/', { headers: { Depth: depth }, body });

  test('RFC 4918 §9.1 — forty names that are missing are said of each member', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `{urn:ietf:params:xml:ns:caldav}property-${index}`);
    const responses = parseMultistatus((await propfind('1', askFor(...USUAL_NAMES, ...names))).text);
    expect(responses).toHaveLength(FILES + 1);
    for (const { props, propstats } of responses) {
      expect(props.has('{DAV:}getetag')).toBe(true);
      expect([...propstats[1]!.props.keys()].slice(-40)).toEqual(names);
    }
  });

  test('more than 4 KiB of them are said of the first member alone, what is there of all', async () => {
    const body = asking('n'.repeat(1000), 10).replace('<D:prop>', '<D:prop><D:getetag/>');
    const [first, ...rest] = parseMultistatus((await propfind('1', body)).text);
    expect(first!.propstats[1]!.props.size).toBe(10);
    expect(rest).toHaveLength(FILES);
    for (const { propstats, props } of rest) {
      expect(propstats).toHaveLength(1);
      expect([...props.keys()]).toEqual(['{DAV:}getetag']);
    }
  });

  test.each([
    ['of the letters alone', 'n'.repeat(1000), 16],
    ['as they are escaped', '&quot;'.repeat(1000), 2],
  ])('more than 16 KiB of names are 400, with a sentence that says so, counted %s', async (_how, namespace, most) => {
    expect((await propfind('0', asking(namespace, most))).status).toBe(207);
    const answer = await propfind('0', asking(namespace, most + 1));
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('The names of the properties');
  });
});

describe('security 1 — pages end by bytes', () => {
  test('a listing with large properties comes in pages of about a MiB, whole and in order', async () => {
    const bob = server.as('bob');
    await bob('MKCOL', '/heavy');
    const value = 'v'.repeat(60 * KIB);
    const names = Array.from({ length: 40 }, (_, index) => `f${String(index).padStart(2, '0')}`);
    for (const name of names) {
      await bob('PUT', `/heavy/${name}`, { body: name });
      const set = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><v xmlns="urn:v">${value}</v></D:prop></D:set></D:propertyupdate>`;
      expect((await bob('PROPPATCH', `/heavy/${name}`, { body: set })).status).toBe(207);
    }
    const requests: [string, Record<string, string>, string][] = [
      ['PROPFIND', { Depth: '1' }, ''],
      ['PROPFIND', { Depth: '1' }, '<propfind xmlns="DAV:"><prop><v xmlns="urn:v"/></prop></propfind>'],
      [
        'REPORT',
        {},
        '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><v xmlns="urn:v"/></prop></sync-collection>',
      ],
    ];
    for (const [method, headers, body] of requests) {
      const answer = await bob(method, '/heavy/', { headers, ...(body === '' ? {} : { body }) });
      // One page has a length, more are streamed.
      expect(answer.headers['transfer-encoding']).toBe('chunked');
      const found = parseMultistatus(answer.text).filter(({ props }) => props.has('{urn:v}v'));
      expect(found.map(({ href }) => href.split('/').at(-1))).toEqual(names);
    }
    await bob('DELETE', '/heavy');
  });
});

describe('security 1 — the loop turns between pages', () => {
  testOnOneServer('no chunk is larger than its page and one member, and others come in between', async () => {
    const bob = server.as('bob');
    await bob('MKCOL', '/turns');
    const id = await server.idOf('bob', '/turns');
    const xml = `<v xmlns="urn:v">${'v'.repeat(100 * KIB)}</v>`;
    await server.engines.metadata.write([], async (transaction) => {
      const [folder] = await transaction.findNodes([id]);
      for (let index = 0; index < 50; index++) {
        const times = { modified: 0, created: 0 };
        const place = { driveId: folder!.driveId, parentId: id, name: `f${index}` };
        const node = await transaction.insertNode({ ...place, content: null, ...times }, 0);
        await transaction.setProperties(node, [{ namespace: 'urn:v', name: 'v', xml }]);
      }
    });
    let turn = 0;
    let isOver = false;
    const count = () => {
      turn++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const turnsOfReads: number[] = [];
    const { metadata } = server.engines;
    const read = metadata.read.bind(metadata);
    vi.spyOn(metadata, 'read').mockImplementation((drives, work) => {
      turnsOfReads.push(turn);
      return read(drives, work);
    });
    const chunks = await chunksOf('PROPFIND', `${DRIVE}/turns/`, authorizations.get('read-only')!);
    isOver = true;
    vi.restoreAllMocks();
    const member = 101 * KIB;
    expect(chunks[0]).toBeLessThan(1024 * KIB + member);
    for (const chunk of chunks.slice(1)) expect(chunk).toBeLessThan(256 * KIB + member);
    expect(chunks.length).toBeGreaterThan(10);
    // Each page is read in a turn of its own.
    expect(turnsOfReads).toHaveLength(chunks.length);
    expect(new Set(turnsOfReads).size).toBe(chunks.length);
  });
});

/** The sizes of an answer's chunks, as they are on the wire. */
async function chunksOf(method: string, target: string, authorization: string): Promise<number[]> {
  const connection = await server.connect();
  connection.writeHead(
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    'Depth: 1',
    `Authorization: ${authorization}`,
  );
  await connection.until(() => connection.received.endsWith('\r\n0\r\n\r\n'));
  connection.close();
  const text = connection.received;
  const sizes: number[] = [];
  for (let at = text.indexOf('\r\n\r\n') + 4; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return sizes;
    sizes.push(size);
    at = end + 2 + size + 2;
  }
}
