// sync-collection on a large tree in which one file has changed: what a sync program asks every half minute.
import { Agent } from 'node:http';
import { putMany, sendExpecting } from '../http-client.js';
import { measure } from '../measure.js';
import { makeFolder } from './work.js';

const FOLDERS = 10;
const WARM_UP_ROUNDS = 20;
const ROUNDS = 200;

/** @param {string} token */
function reportBody(token) {
  return `<?xml version="1.0"?><D:sync-collection xmlns:D="DAV:"><D:sync-token>${token}</D:sync-token><D:sync-level>infinite</D:sync-level><D:prop><D:getetag/><D:getcontentlength/><D:getlastmodified/><D:resourcetype/></D:prop></D:sync-collection>`;
}

/**
 * @param {string} url
 * @param {string} token
 * @param {Record<string, string>} headers
 * @param {Agent} [agent]
 */
async function report(url, token, headers, agent) {
  const call = { headers: { ...headers, Depth: '0' }, body: Buffer.from(reportBody(token)), agent };
  const text = (await sendExpecting([207], 'REPORT', url, call)).body.toString();
  const next = /<D:sync-token>([^<]+)</.exec(text)?.[1];
  if (next === undefined) throw new Error('the report has no sync-token');
  return {
    next,
    hrefs: [...text.matchAll(/<D:href>([^<]+)</g)].map(([, href]) => href),
    isCut: text.includes(' 507 '),
  };
}

/** @param {import('./work.js').Bench} bench */
async function runSync(bench) {
  const { sizes, headers } = bench;
  const top = await makeFolder(bench, 'sync');
  for (let folder = 0; folder < FOLDERS; folder++) {
    const url = await makeFolder(bench, `sync/folder-${folder}`);
    await putMany(url, sizes.syncFiles / FOLDERS, 16, headers);
  }
  let token = '';
  for (let isCut = true; isCut; ) ({ next: token, isCut } = await report(top, token, headers));
  const changed = `${top}folder-${FOLDERS - 1}/file-0.bin`;
  await sendExpecting([204], 'PUT', changed, { headers, body: Buffer.from('changed') });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  /** @param {number} rounds */
  const ask = async (rounds) => {
    for (let round = 0; round < rounds; round++) {
      const { hrefs, isCut } = await report(top, token, headers, agent);
      if (isCut || hrefs.length !== 1 || !changed.endsWith(hrefs[0])) {
        throw new Error(`the one change was answered with ${hrefs.slice(0, 3).join(', ')}`);
      }
    }
  };
  try {
    await ask(WARM_UP_ROUNDS);
    const cost = await measure(bench, () => ask(ROUNDS));
    bench.note(cost);
    bench.record('cpu', (cost.cpuSeconds * 1000) / ROUNDS);
  } finally {
    agent.destroy();
  }
}

/** @type {import('./work.js').Work[]} */
export const syncWorks = [{ name: 'sync', only: ['firn'], run: runSync }];
