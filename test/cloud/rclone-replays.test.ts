import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../support/http-client.js';
import { authorizationOf, TestServer } from '../support/make-server.js';
import { parseMultistatus, textIn } from '../support/multistatus.js';
import { checkSameBytes } from '../support/trees.js';

/** What rclone 1.7x sends, which Debian's 1.60 can't (client-requirements 2.1): as its source has it, in its order. */
const USER = 'alice@example.org';
const MEBIBYTE = 1024 * 1024;
/** `nextcloud_chunk_size`, which is 10 MiB unless set. */
const CHUNK = MEBIBYTE;
/** That of infinitescale can't be set. */
const TUS_CHUNK = 10 * MEBIBYTE;
const LARGE = randomBytes(TUS_CHUNK + 300_000);
const CONTENT = LARGE.subarray(0, 2 * CHUNK + 300_000);
const MTIME = '1577934245';
const MTIME_HTTP = 'Thu, 02 Jan 2020 03:04:05 GMT';
const FORM = 'application/x-www-form-urlencoded';
const OC = 'http://owncloud.org/ns';
const SEES = `<?xml version="1.0"?>
<d:propfind  xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns">
 <d:prop>
  <d:displayname />
  <d:getlastmodified />
  <d:getcontentlength />
  <d:resourcetype />
  <oc:checksums />
  <oc:permissions />
 </d:prop>
</d:propfind>
`;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

type Headers = Record<string, string>;
const send = (method: string, target: string, headers: Headers = {}, body?: string | Uint8Array): Promise<Answer> =>
  server.send(method, target, {
    headers: {
      Authorization: authorizationOf('alice'),
      'User-Agent': 'rclone/v1.74.0',
      'Accept-Encoding': 'gzip',
      Referer: `http://127.0.0.1:${server.port}/`,
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

/** rclone's look at a file after each change: its size, time and SHA-1, or the status of a failure. */
async function look(target: string): Promise<{ size: number; modified: string; sha1: string | undefined } | number> {
  const { status, text } = await send('PROPFIND', target, { Depth: '0' }, SEES);
  if (status !== 207) return status;
  const [{ props } = { props: new Map() }] = parseMultistatus(text);
  return {
    size: Number(textIn(props.get('{DAV:}getcontentlength'))),
    modified: textIn(props.get('{DAV:}getlastmodified')),
    sha1: /SHA1:([0-9a-f]{40})/.exec(textIn(props.get(`{${OC}}checksums`)))?.[1],
  };
}
const whole = (content: Uint8Array, modified = MTIME_HTTP) => ({
  size: content.length,
  modified,
  sha1: sha1(content),
});

/** `dav/files/USER` may be followed by a path: the folder of uploads is found from what is before it. */
const BASES = ['', '/dav/123456'];

describe('rclone, vendor nextcloud: a file larger than nextcloud_chunk_size', () => {
  /** `updateChunked`; gives the statuses of what was sent. */
  async function uploadChunked(base: string, name: string, content: Uint8Array): Promise<number[]> {
    const files = `${base}/remote.php/dav/files/${USER}`;
    const folder = `${base}/remote.php/dav/uploads/${USER}/rclone-chunked-upload-${createHash('md5').update(name).digest('hex')}`;
    const statuses = [(await send('DELETE', `${folder}/`)).status, (await send('MKCOL', `${folder}/`)).status];
    for (let offset = 0; offset < content.length; offset += CHUNK) {
      const part = content.subarray(offset, offset + CHUNK);
      const digits = [offset, offset + part.length - 1].map((value) => String(value).padStart(15, '0'));
      statuses.push((await send('PUT', `${folder}/${digits.join('-')}`, { 'Content-Type': FORM }, part)).status);
    }
    const move = await send('MOVE', `${folder}/.file`, {
      Destination: `http://127.0.0.1:${server.port}${files}/${name}`,
      'X-OC-Mtime': MTIME,
      'OC-Checksum': `SHA1:${sha1(content)}`,
    });
    return [...statuses, move.status];
  }

  test.each(BASES)('new, again over it, and after a broken one (at “%s/remote.php/dav/files/USER”)', async (base) => {
    const files = `${base}/remote.php/dav/files/${USER}`;
    const name = `chunked${base.length}/b%C3%BCg%20%28%29&+;.bin`;
    const target = `${files}/${name}`;
    expect(await look(target)).toBe(404);
    expect((await send('MKCOL', `${files}/chunked${base.length}/`)).status).toBe(201);
    expect(await uploadChunked(base, name, CONTENT)).toEqual([404, 201, 201, 201, 201, 201]);
    expect(await look(target)).toEqual(whole(CONTENT));
    checkSameBytes((await send('GET', target, { Depth: '0' })).bytes, CONTENT);

    expect((await send('MKCOL', `${files}/chunked${base.length}/`)).status).toBe(405);
    const second = CONTENT.subarray(1);
    expect(await uploadChunked(base, name, second)).toEqual([404, 201, 201, 201, 201, 204]);
    expect(await look(target)).toEqual(whole(second));

    const folder = `${base}/remote.php/dav/uploads/${USER}/rclone-chunked-upload-${createHash('md5').update(name).digest('hex')}`;
    await send('MKCOL', `${folder}/`);
    await send('PUT', `${folder}/000000000000000-000000000000002`, { 'Content-Type': FORM }, 'old');
    expect(await uploadChunked(base, name, CONTENT)).toEqual([204, 201, 201, 201, 201, 204]);
    checkSameBytes((await send('GET', target, { Depth: '0' })).bytes, CONTENT);
  });

  test('a file without a known hash is given one by PATCH, which SetModTime also sends', async () => {
    const target = `/remote.php/dav/files/${USER}/hashless.bin`;
    for (const content of [CONTENT.subarray(0, 300_000), CONTENT.subarray(0, 300)]) {
      const put = await send('PUT', target, { 'X-OC-Mtime': '5', 'Content-Type': 'application/octet-stream' }, content);
      expect(put.status).toBeLessThan(205);
      expect(await look(target)).toMatchObject({ size: content.length, sha1: undefined });
      for (const [algorithm, expected] of [
        ['sha1', `SHA1:${sha1(content)}`],
        ['md5', `MD5:${createHash('md5').update(content).digest('hex')}`],
      ] as const) {
        const patch = await send('PATCH', target, { 'X-Recalculate-Hash': algorithm });
        expect([patch.status, patch.headers['oc-checksum']]).toEqual([204, expected]);
      }
      await setModTime(target);
      expect((await send('PATCH', target, { 'X-Recalculate-Hash': 'sha1' })).status).toBe(204);
      expect(await look(target)).toEqual(whole(content));
    }
  });

  test('PATCH of what is no file, or with another algorithm or a body, is refused', async () => {
    const files = `/remote.php/dav/files/${USER}`;
    await send('PUT', `${files}/patched`, {}, 'x');
    const ask = { 'X-Recalculate-Hash': 'sha1' };
    expect((await send('PATCH', `${files}/none`, ask)).status).toBe(404);
    expect((await send('PATCH', `${files}/Common%20documents`, ask)).status).toBe(405);
    expect((await send('PATCH', `${files}/patched`, { 'X-Recalculate-Hash': 'crc32' })).status).toBe(400);
    expect((await send('PATCH', `${files}/patched`, ask, 'y')).status).toBe(415);
    expect((await send('PATCH', `${files}/patched`)).status).toBe(405);
    expect((await send('GET', `${files}/patched`)).text).toBe('x');
  });
});

/** `SetModTime`, which succeeds when one response comes with a 2xx status inside. */
async function setModTime(target: string, checksum?: string): Promise<void> {
  const sums = checksum ? `   <oc:checksums>\n\t<oc:checksum>${checksum}</oc:checksum>\n   </oc:checksums>\n` : '';
  const body = `<?xml version="1.0" encoding="utf-8" ?>
<D:propertyupdate xmlns:D="DAV:"${checksum ? ' xmlns:oc="http://owncloud.org/ns"' : ''}>
 <D:set>
  <D:prop>
   <lastmodified xmlns="DAV:">${MTIME}</lastmodified>
${sums}  </D:prop>
 </D:set>
</D:propertyupdate>
`;
  const { status, text } = await send('PROPPATCH', target, {}, body);
  expect(status).toBe(207);
  const [response, ...others] = parseMultistatus(text);
  expect([response!.propstats.map((part) => part.status), others]).toEqual([[200], []]);
}

describe('rclone, vendors owncloud and infinitescale: a time is set together with the checksums', () => {
  test.each(['/remote.php/webdav', '/dav/123456'])('below %s', async (base) => {
    const target = `${base}/timed.bin`;
    const content = CONTENT.subarray(0, 100_000);
    await send('PUT', target, { 'OC-Checksum': `SHA1:${sha1(content)}`, 'X-OC-Mtime': '1000' }, content);
    await setModTime(target, `SHA1:${sha1(content)}`);
    expect(await look(target)).toEqual(whole(content));
  });

  test('other checksums than the file’s are refused, and the time with them', async () => {
    const target = '/remote.php/webdav/untimed.bin';
    await send('PUT', target, { 'OC-Checksum': `SHA1:${sha1(Buffer.from('x'))}`, 'X-OC-Mtime': '1000' }, 'x');
    for (const sums of [`SHA1:${sha1(CONTENT)}`, 'ADLER32:084b021f', '']) {
      const body = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:lastmodified>${MTIME}</D:lastmodified>
        <checksums xmlns="${OC}">${sums}</checksums></D:prop></D:set></D:propertyupdate>`;
      const { text } = await send('PROPPATCH', target, {}, body);
      expect(
        parseMultistatus(text)[0]!
          .propstats.map(({ status }) => status)
          .sort(),
      ).toEqual([403, 424]);
    }
    expect(await look(target)).toMatchObject({ modified: 'Thu, 01 Jan 1970 00:16:40 GMT' });
  });
});

describe('rclone, vendor infinitescale: TUS', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  /** `updateViaTus`. `existing`: what it says of a file that is replaced. Gives the statuses of what was sent. */
  async function uploadViaTus(folder: string, name: string, content: Uint8Array, existing: Headers): Promise<number[]> {
    const created = await send('POST', folder, {
      'Content-Length': '0',
      'X-OC-Mtime': '1795377150',
      ...existing,
      'Upload-Length': String(content.length),
      'Upload-Metadata': `filename ${base64(name)},mtime ${base64(MTIME)},filetype ${base64('application/octet-stream')}`,
      'Tus-Resumable': '1.0.0',
    });
    const statuses = [created.status];
    const location = new URL(created.headers.location!);
    expect(location.origin).toBe(`http://127.0.0.1:${server.port}`);
    for (let offset = 0; offset < content.length; ) {
      const part = content.subarray(offset, offset + TUS_CHUNK);
      const headers = {
        'Upload-Offset': String(offset),
        'Tus-Resumable': '1.0.0',
        filetype: 'application/octet-stream',
        'Content-Type': 'application/offset+octet-stream',
      };
      // The path goes out as Go's url.Path has it: decoded.
      const patched = await send('PATCH', decodeURIComponent(location.pathname), headers, part);
      statuses.push(patched.status);
      offset = Number(patched.headers['upload-offset']);
    }
    return statuses;
  }

  test.each(['/remote.php/webdav', `/remote.php/dav/files/${USER}`, '/dav/123456'])('below %s', async (base) => {
    const folder = `${base}/tus${base.length}/`;
    const target = `${folder}b%C3%BCg%20&+.bin`;
    expect((await send('MKCOL', folder)).status).toBe(201);
    expect(await uploadViaTus(folder, 'büg &+.bin', LARGE, {})).toEqual([201, 204, 204]);
    expect(await look(target)).toEqual(whole(LARGE));
    checkSameBytes((await send('GET', target, { Depth: '0' })).bytes, LARGE);

    const replaced = { 'X-OC-Mtime': MTIME, 'OC-Checksum': `SHA1:${sha1(LARGE)}` };
    const second = LARGE.subarray(1, 70_000);
    expect(await uploadViaTus(folder, 'büg &+.bin', second, replaced)).toEqual([201, 204]);
    expect(await look(target)).toEqual(whole(second));
    expect(await uploadViaTus(folder, 'empty', Buffer.alloc(0), {})).toEqual([201]);
    expect(await look(`${folder}empty`)).toEqual(whole(Buffer.alloc(0)));
  });
});
