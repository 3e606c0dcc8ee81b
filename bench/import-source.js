// A WebDAV server that makes up a tree of any size: FILES in folders of 100, two deep, each of some bytes. Prints its port.
import { createServer } from 'node:http';

const FILES = Number(process.argv[2]);
const PER_FOLDER = 100;
const FOLDERS = Math.ceil(FILES / PER_FOLDER);
const TOPS = Math.ceil(FOLDERS / PER_FOLDER);
const MODIFIED = new Date(Date.UTC(2019, 2, 4, 5, 6, 7)).toUTCString();

/** @param {string} path @param {string} properties */
const response = (path, properties) =>
  `<D:response><D:href>${path}</D:href><D:propstat><D:prop>${properties}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
const COLLECTION = '<D:resourcetype><D:collection/></D:resourcetype>';

/** @param {number} number */
const bytesOf = (number) => Buffer.from(`file ${number} `.repeat(8 + (number % 16)));

/** @param {number} number */
function fileRow(number) {
  return `<D:resourcetype/><D:getcontentlength>${bytesOf(number).length}</D:getcontentlength><D:getetag>"${number}"</D:getetag><D:getlastmodified>${MODIFIED}</D:getlastmodified>`;
}

/** @param {string} path @returns {string[]} */
function members(path) {
  const [top, folder] = path.split('/').filter(Boolean);
  const range = (/** @type {number} */ from, /** @type {number} */ to) =>
    Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
  if (top === undefined) return range(0, TOPS).map((one) => response(`/t${one}/`, COLLECTION));
  const first = Number(top.slice(1)) * PER_FOLDER;
  if (folder === undefined) {
    return range(first, Math.min(FOLDERS, first + PER_FOLDER)).map((one) => response(`${path}d${one}/`, COLLECTION));
  }
  const begin = Number(folder.slice(1)) * PER_FOLDER;
  return range(begin, Math.min(FILES, begin + PER_FOLDER)).map((one) => response(`${path}f${one}.txt`, fileRow(one)));
}

const server = createServer((request, answer) => {
  const path = request.url ?? '/';
  request.resume();
  if (request.method === 'PROPFIND') {
    const rows = request.headers.depth === '0' ? [] : members(path);
    answer.writeHead(207, { 'Content-Type': 'application/xml; charset=utf-8' });
    answer.end(
      `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${response(path, COLLECTION)}${rows.join('')}</D:multistatus>`,
    );
    return;
  }
  const number = /\/f(\d+)\.txt$/.exec(path)?.[1];
  if (number === undefined) answer.writeHead(404).end();
  else answer.writeHead(200, { ETag: `"${number}"`, 'Last-Modified': MODIFIED }).end(bytesOf(Number(number)));
});
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stdout.write(`${port}\n`);
});
