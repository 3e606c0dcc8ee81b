import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface SourceFile {
  readonly bytes: Buffer;
  readonly modified?: Date | null;
  readonly etag?: string | null;
  readonly checksum?: string;
  /** What the listing says in place of the real size. */
  readonly listedSize?: number;
}

export type Meddling = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

/** A small WebDAV server whose files are a map from encoded paths, for what real servers can't be made to do. */
export class SyntheticSource {
  readonly requests: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];
  /** Answers in place of the server where it gives true. */
  meddle: Meddling = () => false;
  /** How an href is written in the listing of a folder. */
  hrefOf = (path: string, _folder: string) => path;
  readonly #server: Server;

  private constructor(readonly files: Map<string, SourceFile>) {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(files: Record<string, SourceFile | string>): Promise<SyntheticSource> {
    const entries = Object.entries(files).map(([path, file]): [string, SourceFile] => [
      path,
      typeof file === 'string' ? { bytes: Buffer.from(file) } : file,
    ]);
    const source = new SyntheticSource(new Map(entries));
    await new Promise<void>((resolve) => source.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      source.#server.closeAllConnections();
      await new Promise((resolve) => source.#server.close(resolve));
    });
    return source;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  gets(): string[] {
    return this.requests.filter(({ method }) => method === 'GET').map(({ path }) => path);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url!;
    this.requests.push({ method: request.method!, path, headers: request.headers });
    request.resume();
    if (this.meddle(request, response, path)) return;
    if (request.method === 'PROPFIND') this.#list(path, response);
    else this.#send(request, response, this.files.get(path));
  }

  #list(folder: string, response: ServerResponse): void {
    const members = new Set<string>();
    for (const path of this.files.keys()) {
      if (!path.startsWith(folder)) continue;
      const [name, ...rest] = path.slice(folder.length).split('/');
      members.add(`${folder}${name}${rest.length > 0 ? '/' : ''}`);
    }
    if (members.size === 0) {
      response.writeHead(404).end();
      return;
    }
    const responses = [folder, ...members].map((path) => this.#response(path, folder));
    response.writeHead(207, { 'Content-Type': 'application/xml' });
    response.end(`<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${responses.join('')}</D:multistatus>`);
  }

  #response(path: string, folder: string): string {
    const file = this.files.get(path);
    const properties = file ? propertiesOf(file) : '<D:resourcetype><D:collection/></D:resourcetype>';
    return (
      `<D:response><D:href>${this.hrefOf(path, folder).replaceAll('&', '&amp;')}</D:href><D:propstat><D:prop>${properties}` +
      '</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>'
    );
  }

  #send(request: IncomingMessage, response: ServerResponse, file: SourceFile | undefined): void {
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    const etag: Record<string, string> = file.etag ? { ETag: file.etag } : {};
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN);
    const isPart = !Number.isNaN(start) && request.headers['if-range'] === file.etag;
    const bytes = isPart ? file.bytes.subarray(start) : file.bytes;
    const range: Record<string, string> = isPart
      ? { 'Content-Range': `bytes ${start}-${file.bytes.length - 1}/${file.bytes.length}` }
      : {};
    response.writeHead(isPart ? 206 : 200, { 'Content-Length': bytes.length, ...etag, ...range });
    response.end(bytes);
  }
}

function propertiesOf({ bytes, etag, modified, checksum, listedSize }: SourceFile): string {
  return [
    '<D:resourcetype/>',
    `<D:getcontentlength>${listedSize ?? bytes.length}</D:getcontentlength>`,
    etag ? `<D:getetag>${etag}</D:getetag>` : '',
    modified ? `<D:getlastmodified>${modified.toUTCString()}</D:getlastmodified>` : '',
    checksum ? `<o:checksums xmlns:o="http://owncloud.org/ns"><o:checksum>${checksum}</o:checksum></o:checksums>` : '',
  ].join('');
}
