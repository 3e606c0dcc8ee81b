import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, RawAnswer } from '../support/http-client.js';
import { authorizationOf, type DriveRequest, TestServer } from '../support/make-server.js';
import { allOf, parseAnswer, textIn } from '../support/multistatus.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INFO =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

let server: TestServer;
let alice: DriveRequest;
let bob: DriveRequest;
const S = '/Common%20documents';
/** A PUT that says how much it would send. */
const announced = (size: number, headers = {}) => ({
  headers: { 'Content-Length': String(size), Expect: '100-continue', ...headers },
});
const authorization = () => `Authorization: ${authorizationOf('alice')}`;

beforeAll(async () => {
  server = await TestServer.start({ uploadMaxBytes: 20_000_000, uploadMaxExtendedBytes: 20_000_000 });
  await server.addMember('bob');
  await server.addDrive({ id: 200_002, name: 'Small', quotaBytes: 3_000 });
  alice = server.as('alice');
  bob = server.as('bob');
  await alice('PUT', '/f', { body: 'f' });
  await alice('PUT', `${S}/locked`, { body: 'l' });
  await alice('LOCK', `${S}/locked`, { body: INFO, headers: { Timeout: 'Second-600' } });
});
afterAll(() => server.stop());

interface Told {
  readonly status: number;
  readonly sentence: string;
  readonly requestId: string;
  readonly condition: string | null;
}

/** Reads an error's XML body; the request's number has to be that of the header. */
function told(answer: Answer | RawAnswer): Told {
  const text = 'text' in answer ? answer.text : answer.body;
  expect(answer.headers['content-type']).toBe('application/xml; charset=utf-8');
  const root = parseAnswer(text);
  expect(root.name).toBe('{DAV:}error');
  const part = (name: string) => textIn(allOf(root, `{urn:firn}${name}`)[0]);
  expect(part('request-id')).toMatch(UUID);
  expect(answer.headers['x-request-id']).toBe(part('request-id'));
  const first = root.children.find((child) => typeof child !== 'string');
  const condition = first && typeof first !== 'string' && first.name.startsWith('{DAV:}') ? first.name : null;
  return { status: answer.status, sentence: part('message'), requestId: part('request-id'), condition };
}

/** What comes back for raw lines on a connection of their own. */
async function raw(...lines: string[]): Promise<RawAnswer> {
  const connection = await server.connect();
  connection.writeHead(...lines);
  try {
    return await connection.readAnswer();
  } finally {
    connection.close();
  }
}

describe('client-requirements R35, RFC 4918 §11, §16 — a status, a condition and a sentence that one can act on', () => {
  const small = () => server.as('alice', 200_002);
  test.each<[string, () => Promise<Answer>, number, string | null, RegExp]>([
    [
      'a full drive, before the body',
      () => small()('PUT', '/x', announced(4_000)),
      507,
      '{DAV:}quota-not-exceeded',
      /^There is room for (3|2\.\d) kB more here, and this is larger\. Empty the trash/,
    ],
    [
      'a full drive, in flight',
      () => small()('PUT', '/x', { body: [Buffer.alloc(40_000)] }),
      507,
      '{DAV:}quota-not-exceeded',
      /^There is room for .* Empty the trash, or ask the administrator for a larger quota\.$/,
    ],
    [
      'a file above the cap',
      () => alice('PUT', '/x', announced(20_000_001)),
      413,
      null,
      /^This drive takes files up to 20 MB\.$/,
    ],
    [
      'somebody else’s lock',
      () => bob('PUT', `${S}/locked`, { body: 'x' }),
      423,
      '{DAV:}lock-token-submitted',
      /^Locked by alice until \d\d:\d\d UTC\. Ask them to close it, or try again after that\.$/,
    ],
    [
      'one’s own lock',
      () => alice('PUT', `${S}/locked`, { body: 'x' }),
      423,
      '{DAV:}lock-token-submitted',
      /^Locked by you, from another program, until \d\d:\d\d UTC\. Close it there/,
    ],
    [
      'a second LOCK',
      () => bob('LOCK', `${S}/locked`, { body: INFO }),
      423,
      '{DAV:}no-conflicting-lock',
      /^Locked by alice until/,
    ],
    [
      'a missing parent',
      () => alice('PUT', '/no/where', { body: 'x' }),
      409,
      null,
      /^The folder that this should be in does not exist\. Make it first\.$/,
    ],
    [
      'a changed file',
      () => alice('PUT', '/f', { body: 'x', headers: { 'If-Match': '"old"' } }),
      412,
      null,
      /^Somebody has changed this since you read it\./,
    ],
    [
      'a file that should not be there',
      () => alice('PUT', '/f', { body: 'x', headers: { 'If-None-Match': '*' } }),
      412,
      null,
      /^There is a file or folder of that name already\.$/,
    ],
    [
      'a file that should be there',
      () => alice('PUT', '/gone', { body: 'x', headers: { 'If-Match': '*' } }),
      412,
      null,
      /^This is no longer there/,
    ],
    [
      'a drive of others',
      () => server.as('bob', 200_002)('GET', '/'),
      404,
      null,
      /^There is no such drive, or you are no member of it\.$/,
    ],
    [
      'a broken upload',
      () =>
        alice('PUT', '/f', {
          body: 'x',
          headers: { 'X-Expected-Entity-Length': '1', 'Content-MD5': `${'A'.repeat(22)}==` },
        }),
      400,
      null,
      /^What came has another md5 checksum than announced\. Nothing was changed: send it again\.$/,
    ],
  ])('%s', async (_title, work, status, condition, sentence) => {
    const answer = told(await work());
    expect(answer).toMatchObject({ status, condition });
    expect(answer.sentence).toMatch(sentence);
  });

  test('an address that belongs to nobody is no exception', async () => {
    for (const path of ['/nowhere', '/remote.php/nothing']) {
      expect(told(await server.send('PROPFIND', path, { user: 'alice' })).status).toBe(404);
    }
  });

  test('HEAD has the status and the number, and no body', async () => {
    const { status, headers, text } = await alice('HEAD', '/none');
    expect([status, text]).toEqual([404, '']);
    expect(headers['x-request-id']).toMatch(UUID);
  });

  test('RFC 9110 §15.5.6 — a 405 allows what can be done, not what was just refused', async () => {
    const answer = await alice('MKCOL', '/f');
    expect(told(answer).status).toBe(405);
    expect(answer.headers.allow!.split(', ')).toEqual(expect.arrayContaining(['GET', 'PUT', 'PROPFIND']));
    expect(answer.headers.allow!.split(', ')).not.toContain('MKCOL');
    expect((await server.send('DELETE', '/dav/')).headers.allow).toBe('OPTIONS, GET, HEAD, PROPFIND');
  });
});

describe('client-requirements R35 — what never becomes a request is answered like every other error', () => {
  const GET = 'GET /dav/123456/f HTTP/1.1';
  test.each<[string, string[], number, RegExp]>([
    ['no HTTP at all', ['nonsense'], 400, /^This is no request that HTTP\/1\.1 knows \(.+\)\.$/],
    ['a header that is none', [GET, 'Host: x', 'no header'], 400, /HTTP\/1\.1/],
    ['two lengths', ['PUT /dav/123456/x HTTP/1.1', 'Host: x', 'Content-Length: 1', 'Content-Length: 2'], 400, /HTTP/],
    ['no Host', [GET], 400, /^The Host header is missing\.$/],
    ['headers over all limits', [GET, 'Host: x', `X: ${'x'.repeat(200_000)}`], 431, /^The headers .* too long/],
    ['an address over all limits', [`GET /${'x'.repeat(200_000)} HTTP/1.1`, 'Host: x'], 431, /its address is\.$/],
    ['an expectation', [GET, 'Host: x', 'Expect: a-miracle'], 417, /^Of the Expect header nothing but 100-continue/],
  ])('%s', async (_title, lines, status, sentence) => {
    const answer = await raw(...lines);
    expect(told(answer).status).toBe(status);
    expect(told(answer).sentence).toMatch(sentence);
    expect((await alice('GET', '/f')).text).toBe('f');
  });

  test('HTTP/1.0 has no Host', async () => {
    expect((await raw('GET /dav/123456/f HTTP/1.0', authorization())).status).toBe(200);
  });

  test('HEAD gets no body here either', async () => {
    const connection = await server.connect();
    connection.writeHead('HEAD / HTTP/1.1', 'Host: x', 'no header');
    await connection.until(() => connection.isEnded || connection.received.includes('\r\n\r\n'));
    connection.socket.end();
    await connection.until(() => connection.isEnded);
    expect(connection.received).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\r\n\r\n$/);
  });

  test('a body in bad chunks: 400, and nothing is stored', async () => {
    const connection = await server.connect();
    connection.writeHead('PUT /dav/123456/chunks HTTP/1.1', 'Host: x', authorization(), 'Transfer-Encoding: chunked');
    connection.write('5\r\nhello\r\nzz\r\n');
    expect(told(await connection.readAnswer()).status).toBe(400);
    connection.close();
    expect((await alice('GET', '/chunks')).status).toBe(404);
  });

  test('a second request that is malformed gets its answer, and nothing is written into the first one’s', async () => {
    const connection = await server.connect();
    connection.write(`${GET}\r\nHost: x\r\n${authorization()}\r\n\r\n`);
    expect((await connection.readAnswer()).body).toBe('f');
    connection.write('nonsense\r\n\r\n');
    expect(told(await connection.readAnswer()).status).toBe(400);
    await connection.until(() => connection.isEnded);
    expect(connection.received).toBe('');
  });

  test('nothing is written into an answer under way: the connection ends', async () => {
    await alice('PUT', '/large', { body: Buffer.alloc(16_000_000, 'x') });
    const connection = await server.connect();
    connection.writeHead('GET /dav/123456/large HTTP/1.1', 'Host: x', authorization());
    await connection.until(() => connection.received.length > 0);
    connection.socket.pause();
    connection.write('nonsense\r\n\r\n');
    await server.send('GET', '/healthz');
    connection.socket.resume();
    await connection.until(() => connection.isEnded);
    expect(connection.received).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]+?\r\n\r\nx*$/);
    expect(connection.received.length).toBeLessThan(16_000_000);
  });
});

describe('Errors that explain themselves — X-MSDAVEXT_ERROR (MS-WDV §2.2.3)', () => {
  const REDIRECTOR = { 'User-Agent': 'Microsoft-WebDAV-MiniRedir/10.0.19045', translate: 'f' };
  const shown = ({ headers }: Answer) => {
    const [, number, text] = /^(\d+); ([\x21-\x7e]+)$/.exec(String(headers['x-msdavext_error'])) ?? [];
    return [Number(number), decodeURIComponent(text ?? '')] as const;
  };

  test.each<[string, () => Promise<Answer>, number]>([
    ['a lock', () => bob('PUT', `${S}/locked`, { body: 'x', headers: REDIRECTOR }), 0x0009000e],
    ['a cap', () => alice('PUT', '/x', announced(20_000_001, REDIRECTOR)), 0x0006000a],
    [
      'a quota',
      () => server.as('alice', 200_002)('PUT', '/x', { body: 'x'.repeat(4_000), headers: REDIRECTOR }),
      0x00090063,
    ],
    ['a name', () => alice('PUT', `/${'n'.repeat(256)}`, { body: 'x', headers: REDIRECTOR }), 0x00090068],
    ['what Windows has no error for', () => alice('DELETE', '/Trash', { headers: REDIRECTOR }), 403],
  ])('%s: the number that Windows knows, and the sentence of the body', async (_title, work, number) => {
    const answer = await work();
    expect(shown(answer)).toEqual([number, told(answer).sentence]);
  });

  test('letters beyond ASCII come percent-encoded in UTF-8', async () => {
    await server.accounts.createUser({
      email: 'zoe@example.org',
      name: 'Zoë %41; Ж',
      password: 'grey otters like cold rivers',
      isAdmin: false,
    });
    await server.accounts.putMember(123456, 'zoe@example.org', {});
    await server.as('zoe')('LOCK', `${S}/hers`, { body: INFO });
    const answer = await bob('PUT', `${S}/hers`, { body: 'x', headers: REDIRECTOR });
    expect(answer.headers['x-msdavext_error']).toContain('Zo%C3%AB%20%2541%3B%20%D0%96');
    expect(shown(answer)[1]).toContain('Locked by Zoë %41; Ж until');
  });

  test('HEAD has it as well', async () => {
    expect(shown(await alice('HEAD', '/none', { headers: REDIRECTOR }))).toEqual([
      404,
      'There is nothing of that name.',
    ]);
  });

  test.each([
    { 'User-Agent': 'Microsoft Office Word 2016 (16.0.4266) Windows NT 10.0' },
    { 'User-Agent': 'Microsoft Office Existence Discovery' },
    { 'User-Agent': 'DavClnt' },
    { translate: 'f' },
    { 'X-Office-Major-Version': '16' },
    { 'X-MSDAVEXT': 'PROPFIND' },
  ])('%j gets it', async (headers) => {
    expect(shown(await alice('GET', '/none', { headers }))[0]).toBe(404);
  });

  test('others don’t, and no success has it', async () => {
    const others = await alice('GET', '/none', {
      headers: { 'User-Agent': 'WebDAVFS/3.0.0 (03008000) Darwin/24.0.0' },
    });
    expect(others.headers).not.toHaveProperty('x-msdavext_error');
    expect((await alice('GET', '/none')).headers).not.toHaveProperty('x-msdavext_error');
    expect((await alice('GET', '/f', { headers: REDIRECTOR })).headers).not.toHaveProperty('x-msdavext_error');
  });
});

describe('Errors that explain themselves — a browser gets a page', () => {
  const get = (path: string, Accept: string) => alice('GET', path, { headers: { Accept } });

  test('with the status, the sentence and the number, and nothing that could run', async () => {
    const { status, headers, text } = await get('/none', BROWSER);
    expect(status).toBe(404);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+=';/);
    expect(text).toContain('<h1>404 Not Found</h1><p>There is nothing of that name.</p>');
    expect(text).toContain(headers['x-request-id']);
    expect(text).not.toMatch(/<script|<link|<img|\son\w+=/);
  });

  test('a 401 keeps its challenge', async () => {
    const { status, headers, text } = await server.send('GET', '/dav/123456/', { headers: { Accept: BROWSER } });
    expect([status, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic realm=/)]);
    expect(text).toContain('Sign in with your e-mail address and an app password.');
  });

  test('markup in a sentence is text', async () => {
    await server.accounts.createUser({
      email: 'eve@example.org',
      name: '<script>alert("x")</script>',
      password: 'grey otters like cold rivers',
      isAdmin: false,
    });
    await server.accounts.putMember(123456, 'eve@example.org', {});
    await server.as('eve')('LOCK', `${S}/eves`, { body: INFO });
    const { text } = await bob('PUT', `${S}/eves`, { body: 'x', headers: { Accept: BROWSER } });
    expect(text).toContain('&lt;script&gt;');
    const { renderErrorPage } = await import('../../src/http/error-page.js');
    const { HttpError } = await import('../../src/http-error.js');
    const page = renderErrorPage(new HttpError(423, 'Locked by <script>alert("x")</script>.'), '<b>');
    expect(page).toContain('Locked by &lt;script&gt;alert("x")&lt;/script&gt;.');
    expect(page).toContain('&lt;b&gt;');
    expect(page).not.toContain('<script>');
  });

  test.each(['*/*', 'application/xml', 'text/html;q=0', 'text/html;q=0.0, */*', 'text/htmlish', ''])(
    'Accept: %j gets XML',
    async (accept) => expect(told(await get('/none', accept)).status).toBe(404),
  );

  test('methods that no browser sends get XML', async () => {
    for (const method of ['PUT', 'PROPFIND', 'DELETE', 'MOVE']) {
      const answer = await alice(method, '/no/where', {
        headers: { Accept: BROWSER, Destination: server.urlOf('/x') },
      });
      expect(told(answer).status).toBeGreaterThanOrEqual(400);
    }
  });
});
