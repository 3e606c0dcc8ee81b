// Requests from the bench itself: preparing, checking, and methods that wrk and curl have no good way to send.
import { Agent, request as httpRequest } from 'node:http';

const PARALLEL_PUTS = 32;

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {Buffer} body
 */

/**
 * @typedef {object} Call
 * @property {Record<string, string | number>} [headers]
 * @property {string | Buffer | AsyncIterable<Buffer>} [body]
 * @property {Agent} [agent]
 * @property {(chunk: Buffer) => void} [onData] takes the body piece by piece, which is then not kept
 */

/**
 * One request; resolves when the whole answer is there, whatever its status.
 * @param {string} method
 * @param {string} url
 * @param {Call} [call]
 * @returns {Promise<Answer>}
 */
export function send(method, url, { headers, body, agent, onData } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers, agent: agent ?? false }, (incoming) => {
      /** @type {Buffer[]} */
      const chunks = [];
      incoming.on('data', onData ?? ((chunk) => chunks.push(chunk)));
      incoming.once('error', reject);
      incoming.once('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
      );
    });
    outgoing.once('error', reject);
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) outgoing.end(body);
    else writeAll(outgoing, body).catch((error) => outgoing.destroy(error));
  });
}

/** @param {import('node:http').ClientRequest} outgoing @param {AsyncIterable<Buffer>} body */
async function writeAll(outgoing, body) {
  for await (const chunk of body) {
    if (!outgoing.write(chunk)) await new Promise((resolve) => outgoing.once('drain', () => resolve(null)));
  }
  outgoing.end();
}

/**
 * Like send, but throws on any status that isn't expected.
 * @param {number[]} expected
 * @param {string} method
 * @param {string} url
 * @param {Call} [call]
 */
export async function sendExpecting(expected, method, url, call) {
  const answer = await send(method, url, call);
  if (!expected.includes(answer.status)) {
    throw new Error(`${method} ${new URL(url).pathname}: ${answer.status} ${answer.body.toString().slice(0, 300)}`);
  }
  return answer;
}

/**
 * PUTs `count` small files with distinct contents into a folder, some at once.
 * @param {string} folderUrl with a slash at its end
 * @param {number} count
 * @param {number} size bytes of each
 * @param {Record<string, string>} headers
 */
export async function putMany(folderUrl, count, size, headers) {
  const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL_PUTS });
  let next = 0;
  async function putUntilDone() {
    while (next < count) {
      const number = next++;
      const body = Buffer.alloc(size, `${folderUrl} ${number} `);
      await sendExpecting([200, 201, 204], 'PUT', `${folderUrl}file-${number}.bin`, { headers, body, agent });
    }
  }
  try {
    await Promise.all(Array.from({ length: PARALLEL_PUTS }, putUntilDone));
  } finally {
    agent.destroy();
  }
}

/** The named properties that a sync client asks for. */
export const PROPFIND_NAMED =
  '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:getcontentlength/>' +
  '<D:getlastmodified/><D:getetag/></D:prop></D:propfind>';

export const PROPFIND_ALL =
  '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>';

/**
 * PROPFIND whose answer is counted and not kept; throws unless it holds exactly `members` responses.
 * @param {string} url
 * @param {{ depth: 0 | 1, body: string, members: number, headers: Record<string, string> }} what
 */
export async function checkPropfind(url, { depth, body, members, headers }) {
  const counter = makeCounter();
  const answer = await send('PROPFIND', url, {
    headers: { ...headers, Depth: depth, 'Content-Type': 'application/xml' },
    body,
    onData: counter.take,
  });
  if (answer.status !== 207) throw new Error(`PROPFIND ${new URL(url).pathname}: ${answer.status}`);
  if (counter.count() !== members) throw new Error(`PROPFIND answered ${counter.count()} of ${members} responses`);
}

/** Counts closing response tags, also those cut in two by the network. */
function makeCounter() {
  const tag = 'response>';
  let count = 0;
  let rest = '';
  return {
    /** @param {Buffer} chunk */
    take(chunk) {
      const text = rest + chunk.toString('latin1');
      count += text.match(/<\/(?:[\w-]+:)?response>/g)?.length ?? 0;
      const last = text.lastIndexOf(tag);
      rest = text.slice(Math.max(last < 0 ? 0 : last + tag.length, text.length - 64));
    },
    count: () => count,
  };
}
