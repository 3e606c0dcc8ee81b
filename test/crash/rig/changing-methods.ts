import { createHash } from 'node:crypto';
import type { BootedServer } from '../../support/boot-server.js';
import { seededBytes } from '../../support/trees.js';
import { BYTES, metadata, TUS } from '../../support/tus-client.js';

type Headers = Record<string, string>;
type Body = Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array>;

/** The most that a small content may have, and more than that: the first lie in the database, the others in files. */
const smallBytes = 3_000;
const largeBytes = 150_000;
const xml = { 'content-type': 'application/xml; charset=utf-8' };
const lookAt =
  '<d:propfind xmlns:d="DAV:"><d:prop><d:resourcetype/><d:lockdiscovery/><t:mark xmlns:t="urn:firn-test"/></d:prop></d:propfind>';

/** A folder of its own for one request, and who sends it. */
export class Place {
  readonly server: BootedServer;
  readonly folder: string;
  /** The address of an upload under way, without the server's own. */
  upload = '';
  #session: Headers | null = null;

  constructor(server: BootedServer, folder: string) {
    this.server = server;
    this.folder = folder;
  }

  /** Bytes of this place alone, so that no two places share a content. */
  bytes(name: string, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(seededBytes(`${this.folder} ${name}`, length));
  }

  get small(): Uint8Array<ArrayBuffer> {
    return this.bytes('small', smallBytes);
  }

  get large(): Uint8Array<ArrayBuffer> {
    return this.bytes('large', largeBytes);
  }

  /** The name of a file of this place, which is found by it in the trash as well. */
  named(name: string): string {
    return `${this.folder}/${this.folder}-${name}`;
  }

  urlOf(target: string): string {
    return target.startsWith('/') ? `${this.server.url}${target}` : `${this.server.pathMount}${target}`;
  }

  /** `target`: below the drive, or from the root where it begins with a slash. */
  send(method: string, target: string, headers: Headers = {}, body: Body | null = null): Promise<Response> {
    const isSessions = target.startsWith('/api/');
    return fetch(this.urlOf(target), {
      method,
      headers: { ...(isSessions ? this.#session : { authorization: this.server.authorization }), ...headers },
      body,
      // Node's fetch sends a stream only with this; its own types leave it out.
      ...{ duplex: 'half' },
    });
  }

  /** A request that must succeed. */
  async do(method: string, target: string, headers: Headers = {}, body: Body | null = null): Promise<Response> {
    const answer = await this.send(method, target, headers, body);
    const text = await answer.clone().text();
    if (answer.status >= 300) throw new Error(`${method} ${target} answered ${answer.status}: ${text}`);
    return answer;
  }

  async signIn(): Promise<void> {
    const { user, accountPassword } = this.server;
    const body = JSON.stringify({ email: user, password: accountPassword });
    const answer = await this.do('POST', '/api/session', { 'content-type': 'application/json' }, body);
    const { csrfToken } = (await answer.json()) as { csrfToken: string };
    const [cookie = ''] = answer.headers.getSetCookie();
    this.#session = { cookie: cookie.split(';')[0]!, 'x-csrf-token': csrfToken };
  }

  get uploads(): string {
    return `remote.php/dav/uploads/${this.server.user}/${this.folder}`;
  }

  get trash(): string {
    return `remote.php/dav/trashbin/${this.server.user}/trash`;
  }

  async beginUpload(target: string, values: Headers): Promise<void> {
    const headers = { ...TUS, 'upload-length': String(largeBytes), 'upload-metadata': metadata(values) };
    const answer = await this.do('POST', target, headers);
    this.upload = new URL(answer.headers.get('location')!, this.server.url).pathname;
  }

  patch(from: number, to: number): Promise<Response> {
    return this.send('PATCH', this.upload, { ...BYTES, 'upload-offset': String(from) }, this.large.slice(from, to));
  }
}

/** A method that changes something. `prepare` makes what `request` works on, in a place of its own. */
export interface ChangingMethod {
  readonly name: string;
  /** Its request stores bytes as a file. */
  readonly hasFile?: boolean;
  /** The file is put together of parts, again where that failed. */
  readonly isOfParts?: boolean;
  /** It stores one part; the server begins to put the whole together on its own. */
  readonly isPart?: boolean;
  /** It commits more than once: refused, it may have been done in part. */
  readonly hasSteps?: boolean;
  prepare(place: Place): Promise<unknown>;
  request(place: Place): Promise<Response>;
}

const noPreparation = async () => {};
const half = largeBytes / 2;

export const changingMethods: readonly ChangingMethod[] = [
  {
    name: 'PUT small over a file',
    prepare: (at) => at.do('PUT', at.named('old'), {}, at.bytes('old', smallBytes)),
    request: (at) => at.send('PUT', at.named('old'), {}, at.small),
  },
  {
    name: 'PUT large over a file',
    hasFile: true,
    prepare: (at) => at.do('PUT', at.named('old'), {}, at.bytes('old', largeBytes)),
    request: (at) => at.send('PUT', at.named('old'), {}, at.large),
  },
  {
    name: 'PUT chunked',
    hasFile: true,
    prepare: noPreparation,
    request: (at) => at.send('PUT', at.named('new'), {}, new Blob([at.large]).stream()),
  },
  {
    name: 'PUT of bytes that are there',
    hasFile: true,
    prepare: (at) => at.do('PUT', at.named('old'), {}, at.large),
    request: (at) => at.send('PUT', at.named('new'), {}, at.large),
  },
  { name: 'MKCOL', prepare: noPreparation, request: (at) => at.send('MKCOL', at.named('made')) },
  {
    name: 'DELETE',
    prepare: (at) => at.do('PUT', at.named('old'), {}, at.large),
    request: (at) => at.send('DELETE', at.named('old')),
  },
  {
    name: 'MOVE over a file',
    prepare: async (at) => {
      await at.do('PUT', at.named('old'), {}, at.large);
      await at.do('PUT', at.named('target'), {}, at.bytes('target', smallBytes));
    },
    request: (at) => at.send('MOVE', at.named('old'), { destination: at.urlOf(at.named('target')) }),
  },
  {
    name: 'COPY of a folder',
    prepare: async (at) => {
      await at.do('MKCOL', at.named('tree'));
      await at.do('PUT', `${at.named('tree')}/large`, {}, at.large);
      await at.do('PUT', `${at.named('tree')}/small`, {}, at.small);
    },
    request: (at) => at.send('COPY', at.named('tree'), { destination: at.urlOf(at.named('copy')) }),
  },
  {
    name: 'PROPPATCH',
    prepare: (at) => at.do('PUT', at.named('old'), {}, at.small),
    request: (at) => {
      const prop = '<d:prop><t:mark xmlns:t="urn:firn-test">seen</t:mark></d:prop>';
      const body = `<d:propertyupdate xmlns:d="DAV:"><d:set>${prop}</d:set></d:propertyupdate>`;
      return at.send('PROPPATCH', at.named('old'), xml, body);
    },
  },
  {
    name: 'LOCK',
    prepare: (at) => at.do('PUT', at.named('old'), {}, at.small),
    request: (at) => {
      const kind = '<d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype>';
      return at.send('LOCK', at.named('old'), xml, `<d:lockinfo xmlns:d="DAV:">${kind}</d:lockinfo>`);
    },
  },
  {
    name: 'TUS PATCH',
    hasFile: true,
    isPart: true,
    prepare: (at) => at.beginUpload(`${at.folder}/`, { filename: `${at.folder}-tus` }),
    request: (at) => at.patch(0, half),
  },
  {
    name: 'last TUS PATCH',
    hasFile: true,
    isOfParts: true,
    prepare: async (at) => {
      await at.beginUpload(`${at.folder}/`, { filename: `${at.folder}-tus` });
      await at.patch(0, half);
    },
    request: (at) => at.patch(half, largeBytes),
  },
  {
    name: 'PUT of a chunk',
    hasFile: true,
    isPart: true,
    prepare: (at) => at.do('MKCOL', at.uploads),
    request: (at) => at.send('PUT', `${at.uploads}/00000`, {}, at.large.slice(0, half)),
  },
  {
    name: 'chunks put together',
    hasFile: true,
    isOfParts: true,
    prepare: async (at) => {
      await at.do('MKCOL', at.uploads);
      await at.do('PUT', `${at.uploads}/00000`, {}, at.large.slice(0, half));
      await at.do('PUT', `${at.uploads}/00001`, {}, at.large.slice(half));
    },
    request: (at) => {
      const destination = at.urlOf(`remote.php/dav/files/${at.server.user}/${at.named('whole')}`);
      return at.send('MOVE', `${at.uploads}/.file`, { destination });
    },
  },
  {
    name: 'bulk upload',
    hasFile: true,
    prepare: noPreparation,
    request: (at) => {
      const part = bulkPart(at.named('new'), at.large);
      const body = new Uint8Array(Buffer.concat([part, Buffer.from('--b--\r\n')]));
      return at.send('POST', 'remote.php/dav/bulk', { 'content-type': 'multipart/related; boundary=b' }, body);
    },
  },
  {
    name: 'restore from the trash',
    prepare: async (at) => {
      await at.do('PUT', at.named('old'), {}, at.large);
      await at.do('DELETE', at.named('old'));
    },
    request: (at) => at.send('MOVE', `Trash/${at.folder}-old`, { destination: at.urlOf(at.named('restored')) }),
  },
  {
    name: 'DELETE in the trash',
    prepare: async (at) => {
      await at.do('PUT', at.named('old'), {}, at.large);
      await at.do('DELETE', at.named('old'));
    },
    request: (at) => at.send('DELETE', `Trash/${at.folder}-old`),
  },
  {
    name: 'emptying the trash',
    hasSteps: true,
    prepare: async (at) => {
      await at.do('PUT', at.named('old'), {}, at.large);
      await at.do('DELETE', at.named('old'));
    },
    request: (at) => at.send('DELETE', at.trash),
  },
  {
    name: 'upload by the console',
    hasFile: true,
    isOfParts: true,
    prepare: async (at) => {
      await at.signIn();
      const values = { path: `/${at.server.driveName}/${at.folder}`, filename: `${at.folder}-console` };
      await at.beginUpload(`/api/drives/${at.server.driveId}/uploads`, values);
      await at.patch(0, half);
    },
    request: (at) => at.patch(half, largeBytes),
  },
];

function bulkPart(name: string, bytes: Uint8Array): Buffer {
  const head = [
    '--b',
    `Content-Length: ${bytes.length}`,
    `X-File-MD5: ${createHash('md5').update(bytes).digest('hex')}`,
    'X-File-Mtime: 1718942721',
    `X-File-Path: /${name}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes, Buffer.from('\r\n')]);
}

/** Whether an answer says that the change was made: the bulk upload and PROPPATCH say it inside. */
export function isAcknowledgement(status: number, text: string): boolean {
  if (status === 207) return text.includes('200 OK');
  return status < 300 && !text.includes('"error":true');
}

/**
 * All that a client can see of a place: names, contents, properties, locks, what is in the trash and what an upload
 * has. Two places with the same history look the same.
 */
export async function look(place: Place): Promise<string[]> {
  const seen: string[] = [];
  const known = new Map([
    ['old small', place.bytes('old', smallBytes)],
    ['old large', place.bytes('old', largeBytes)],
    ['target', place.bytes('target', smallBytes)],
    ['small', place.small],
    ['large', place.large],
  ]);
  for (const where of [`${place.folder}/`, 'Trash/']) {
    const answer = await place.do('PROPFIND', where, { ...xml, depth: 'infinity' }, lookAt);
    for (const part of (await answer.text()).split(/<(?:\w+:)?response[\s>]/).slice(1)) {
      const href = decodeURIComponent(/<(?:\w+:)?href>([^<]*)</.exec(part)?.[1] ?? '');
      if (!href.includes(place.folder)) continue;
      const marks = [/mark[^>/]*>([^<]+)</.exec(part)?.[1], part.includes('activelock') ? 'locked' : undefined];
      const bytes = href.endsWith('/') ? null : await read(place, href);
      const content = bytes && ([...known].find(([, one]) => Buffer.compare(one, bytes) === 0)?.[0] ?? 'other bytes');
      const name = href.slice(href.indexOf(`/dav/${place.server.driveId}/`)).replaceAll(place.folder, 'F');
      seen.push([name, content ?? 'folder', ...marks].filter(Boolean).join(' '));
    }
  }
  const parts = await place.send('PROPFIND', place.uploads, { depth: '1' });
  const names = [...(await parts.text()).matchAll(/href>[^<]*\/(\d+)</g)].map(([, name]) => name);
  seen.push(`parts ${parts.status} ${names.sort().join(' ')}`);
  if (place.upload !== '') {
    const head = await place.send('HEAD', place.upload, TUS);
    seen.push(`upload ${head.status} ${head.headers.get('upload-offset')}`);
  }
  return seen.sort();
}

async function read(place: Place, href: string): Promise<Buffer> {
  const answer = await place.do('GET', new URL(encodeURI(href), place.server.url).pathname);
  return Buffer.from(await answer.arrayBuffer());
}
