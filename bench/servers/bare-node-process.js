// The program behind bare-node.js: answers GET from memory, takes PUT and keeps its length. Argument: the port.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { KIB, MIB } from '../sizes.js';

const small = Buffer.alloc(4 * KIB, 'firn');
const large = Buffer.alloc(MIB, 'firn');
/** Bytes that each path took: a GET of it answers as many. @type {Map<string, number>} */
const lengths = new Map();

/** @param {import('node:http').ServerResponse} response @param {number} length */
async function answerLarge(response, length) {
  response.writeHead(200, { 'Content-Length': length });
  for (let left = length; left > 0; left -= large.length) {
    if (!response.write(left < large.length ? large.subarray(0, left) : large)) await once(response, 'drain');
  }
  response.end();
}

const server = createServer((request, response) => {
  const path = request.url ?? '/';
  if (request.method === 'GET' || request.method === 'HEAD') {
    const length = lengths.get(path) ?? small.length;
    if (request.method === 'HEAD') response.writeHead(200, { 'Content-Length': length }).end();
    else if (length > small.length) void answerLarge(response, length);
    else response.writeHead(200, { 'Content-Length': small.length }).end(small);
    return;
  }
  let length = 0;
  request.on('data', (chunk) => {
    length += chunk.length;
  });
  request.once('end', () => {
    if (request.method === 'PUT') lengths.set(path, length);
    response.writeHead(request.method === 'PUT' || request.method === 'MKCOL' ? 201 : 204).end();
  });
});
server.requestTimeout = 0;
server.listen(Number(process.argv[2]), '127.0.0.1');
