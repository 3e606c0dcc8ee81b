import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, sendRequest } from '../support/http-client.js';
import { authorizationOf, DRIVE_ID, TestServer } from '../support/make-server.js';

const REQUESTS = 10_000;
/** Requests under way at the same time: the commits of some meet those of others. */
const TOGETHER = 20;
/** What a server may answer with 5xx to whatever a client sends: not done, elsewhere, full. */
const SERVER_ERRORS = [501, 502, 507];

let server: TestServer;
const authorizations: string[] = [];
/** Tokens that the server gave out, for later requests to use rightly or wrongly. */
const tokens = ['opaquelocktoken:00000000-0000-0000-0000-000000000000'];
const etags = ['"x"'];

beforeAll(async () => {
  server = await TestServer.start({ uploadMaxBytes: 60_000 });
  await server.addMember('bob', { quotaBytes: 150_000 });
  await server.addMember('vera', { role: 'viewer' });
  await server.addDrive({ id: 222_222, name: 'Other', quotaBytes: 400_000 });
  const alice = server.as('alice');
  await alice('MKCOL', '/a');
  const scopeId = await server.idOf('alice', '/a');
  for (const name of ['alice', 'bob', 'vera']) authorizations.push(authorizationOf(name));
  authorizations.push((await server.addAppPassword('alice', { scopeId })).authorization);
  authorizations.push((await server.addAppPassword('bob', { allowance: 'add-only' })).authorization);
});
afterAll(() => server.stop());

const weighted = <T>(...choices: [number, T][]) =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
/** Few names, so that requests meet; and now and then one that no tree should hold. */
const plain = weighted(
  [8, 'a'],
  [8, 'b'],
  [5, 'c.txt'],
  [2, '%C3%BC'],
  [2, 'u%CC%88'],
  [1, 'a%20(2)'],
  [1, '%F0%9F%98%80'],
  [1, '&<">'],
);
const odd = weighted(
  [4, 'Drive'],
  [4, 'Trash'],
  [4, 'Common%20documents'],
  [3, ''],
  [1, '%ff'],
  [1, '..'],
  [1, '%2e'],
  [1, '%00'],
  [1, 'a%2Fb'],
  [1, 'Other'],
  [1, 'x'.repeat(256)],
  [1, 'q?x=1'],
  [1, '\xe9'],
  [3, 'a'],
);
const start = weighted(
  [8, ''],
  [3, '/Drive'],
  [6, '/Common%20documents'],
  [2, '/Trash'],
  [1, '/Drive/Common%20documents'],
);
const drivePath = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(start, fc.tuple(plain, plain, plain), weighted([6, 1], [4, 2], [1, 3]))
      .map(([first, rest, depth]) => `${first}/${rest.slice(0, depth).join('/')}`),
  },
  { weight: 1, arbitrary: fc.array(odd, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`) },
);
const driveId = weighted([60, '123456'], [8, '222222'], [1, '999999'], [1, '12']);
const target = fc.tuple(driveId, drivePath).map(([id, path]) => `/dav/${id}${path}`);
const method = weighted(
  [20, 'PUT'],
  [20, 'MKCOL'],
  [4, 'DELETE'],
  [8, 'MOVE'],
  [12, 'COPY'],
  [4, 'PROPFIND'],
  [4, 'PROPPATCH'],
  [4, 'LOCK'],
  [3, 'UNLOCK'],
  [4, 'GET'],
  [2, 'HEAD'],
  [1, 'OPTIONS'],
  [1, 'POST'],
  [1, 'REPORT'],
);
const token = fc.nat(50).map((index) => () => tokens.at(-(index % tokens.length) - 1)!);
const etag = fc.nat(20).map((index) => () => etags.at(-(index % etags.length) - 1)!);
const ifList = fc.oneof(
  token.map((read) => () => `(<${read()}>)`),
  etag.map((read) => () => `([${read()}])`),
  fc.tuple(token, etag).map(
    ([one, two]) =>
      () =>
        `(Not <${one()}> [${two()}])`,
  ),
  fc.tuple(target, token).map(
    ([path, read]) =>
      () =>
        `<${path}> (<${read()}>)`,
  ),
  weighted([1, () => '(Not <DAV:no-lock>)'], [1, () => '(<a'], [1, () => '']),
);
const host = weighted(
  [6, ''],
  [2, 'http://127.0.0.1'],
  [1, 'https://files.example.org'],
  [1, 'webdavs://u:p@x'],
  [1, 'ftp://x'],
);

const headers = fc.record(
  {
    Depth: weighted([3, '0'], [3, '1'], [6, 'infinity'], [1, '2']),
    Overwrite: weighted([8, 'T'], [8, 'F'], [1, 'x']),
    If: ifList,
    'If-Match': fc.oneof(
      etag,
      fc.constant(() => '*'),
      fc.constant(() => 'x'),
    ),
    'If-None-Match': fc.oneof(
      etag,
      fc.constant(() => '*'),
      fc.constant(() => 'JoplinIgnore-1'),
    ),
    'Lock-Token': token.map((read) => () => `<${read()}>`),
    Range: weighted([2, 'bytes=0-1'], [1, 'bytes=-5'], [1, 'bytes=5-1'], [1, 'bytes=0-1,3-4,-1']),
    Timeout: weighted([2, 'Second-60'], [1, 'Infinite'], [1, 'Second-99999999999'], [1, 'x']),
    'X-OC-Mtime': weighted([3, '1577872800'], [1, '-5'], [1, 'x'], [1, '99999999999999']),
    'OC-Total-Length': weighted([1, '5'], [1, '99999999']),
    'Content-Range': fc.constant('bytes 0-1/*'),
    Expect: fc.constant('100-continue'),
    Prefer: weighted([1, 'return=minimal'], [1, 'depth-noroot']),
    'Content-Type': weighted([2, 'text/xml'], [1, 'text/plain'], [1, 'application/xml; charset=utf-16']),
  },
  { requiredKeys: [] },
);

const LOCKINFO = (scope: string) =>
  `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>o</D:owner></D:lockinfo>`;
const patch = (inner: string) => `<D:propertyupdate xmlns:D="DAV:">${inner}</D:propertyupdate>`;
const bodies: Record<string, fc.Arbitrary<string | Buffer[]>> = {
  PUT: fc.oneof(
    weighted<string | Buffer[]>(
      [3, 'hello'],
      [2, ''],
      [4, 'y'.repeat(20_000)],
      [1, 'z'.repeat(70_000)],
      [2, [Buffer.alloc(30_000, 'c')]],
      [1, [Buffer.alloc(65_000)]],
      [1, []],
    ),
  ),
  LOCK: weighted([5, LOCKINFO('exclusive')], [3, LOCKINFO('shared')], [2, ''], [1, '<a/>']),
  PROPFIND: weighted(
    [3, ''],
    [1, '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>'],
    [1, '<a'],
    [
      3,
      '<D:propfind xmlns:D="DAV:"><D:prop><D:lockdiscovery/><D:quota-available-bytes/><x xmlns="urn:x"/><o:checksums xmlns:o="http://owncloud.org/ns"/></D:prop></D:propfind>',
    ],
  ),
  PROPPATCH: weighted(
    [3, patch('<D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set>')],
    [2, patch('<D:remove><D:prop><x xmlns="urn:x"/></D:prop></D:remove>')],
    [1, patch('<D:set><D:prop><D:getetag>1</D:getetag></D:prop></D:set>')],
    [2, patch('<D:set><D:prop><D:lastmodified>1577872800</D:lastmodified></D:prop></D:set>')],
    [1, ''],
  ),
  MKCOL: weighted(
    [6, ''],
    [1, '<D:mkcol xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set></D:mkcol>'],
    [1, 'x'],
  ),
};

const request = method.chain((name) =>
  fc.record({
    method: fc.constant(name),
    target,
    headers: fc
      .tuple(headers, fc.nat(20), weighted([5, 0], [3, 1], [1, 2], [1, 4]))
      .map(([given, turn, keep]) => Object.fromEntries(shuffle(Object.entries(given), turn).slice(0, keep))),
    destination: fc.tuple(host, target).map(([prefix, path]) => `${prefix}${path}`),
    body: bodies[name] ?? fc.constant(undefined),
    who: fc.nat(20),
  }),
);
function shuffle<T>(list: T[], turn: number): T[] {
  return list.map((_value, index) => list[(index + turn) % list.length]!);
}
type Generated = typeof request extends fc.Arbitrary<infer T> ? T : never;

async function send({ method, target, headers, destination, body, who }: Generated): Promise<Answer> {
  const values = Object.entries(headers).map(([name, value]) => [name, typeof value === 'function' ? value() : value]);
  const authorization = who === 20 ? {} : { Authorization: authorizations[who % authorizations.length] };
  const where = method === 'MOVE' || method === 'COPY' ? { Destination: destination } : {};
  const answer = await sendRequest(server.port, method, target, {
    headers: { ...Object.fromEntries(values), ...where, ...authorization },
    ...(body === undefined ? {} : { body }),
  });
  const { etag, 'lock-token': lockToken } = answer.headers;
  if (etag) etags.push(etag);
  if (typeof lockToken === 'string') tokens.push(lockToken.slice(1, -1));
  return answer;
}

test(`${REQUESTS} generated requests: no 5xx of the server's own, and nothing inconsistent`, async () => {
  const statuses = new Map<number, number>();
  const sample = fc.sample(request, { numRuns: REQUESTS, seed: Number(process.env.FIRN_TEST_SEED ?? 20_261_122) });
  for (let start = 0; start < REQUESTS; start += TOGETHER) {
    const part = sample.slice(start, start + TOGETHER);
    const answers = await Promise.all(part.map(send));
    for (const [index, { status, text }] of answers.entries()) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status >= 500 && !SERVER_ERRORS.includes(status)) {
        throw new Error(
          `${status} for request ${start + index}, ${JSON.stringify(part[index])}: ${text}\n${server.defects.join('\n')}`,
        );
      }
    }
    if (start % 2000 === 0) expect(await server.inconsistencies()).toEqual([]);
    // Locks would soon cover everything.
    if (start % 200 === 0)
      await server.engines.metadata.write([], (transaction) =>
        transaction.removeExpiredLocks(DRIVE_ID as never, Number.MAX_SAFE_INTEGER),
      );
  }
  expect(server.defects).toEqual([]);
  expect(await server.inconsistencies()).toEqual([]);
  // The requests get somewhere: each of these is answered many times.
  for (const status of [200, 201, 204, 207, 400, 401, 403, 404, 405, 409, 412, 423, 507]) {
    expect([status, (statuses.get(status) ?? 0) > 5]).toEqual([status, true]);
  }
  expect((await server.as('alice', DRIVE_ID)('PROPFIND', '/', { headers: { Depth: 'infinity' } })).status).toBe(207);
}, 180_000);
