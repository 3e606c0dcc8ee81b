import { readOverHttp } from '../support/trees.js';
import { type FileState, hashOf, type KnownState, type LoadTarget, type LoadWorker } from './load.js';

/** What a worker was promised, at whatever moment. */
export type Promised = Pick<LoadWorker, 'folder' | 'state' | 'pending' | 'isMine'>;

const propfindMark =
  '<d:propfind xmlns:d="DAV:"><d:prop><d:resourcetype/><t:mark xmlns:t="urn:firn-test"/></d:prop></d:propfind>';

/** The files of a folder with their dead property, by name. */
export async function listMarks(target: LoadTarget, folder: string): Promise<Map<string, string | null>> {
  const answer = await fetch(`${target.mount}${folder}/`, {
    method: 'PROPFIND',
    headers: { authorization: target.authorization, depth: '1', 'content-type': 'application/xml; charset=utf-8' },
    body: propfindMark,
  });
  const xml = await answer.text();
  if (answer.status !== 207) throw new Error(`PROPFIND ${folder} answered ${answer.status}: ${xml}`);
  const found = new Map<string, string | null>();
  for (const part of xml.split(/<(?:\w+:)?response[\s>]/).slice(1)) {
    const href = /<(?:\w+:)?href>([^<]*)</.exec(part)?.[1] ?? '';
    if (href.endsWith('/')) continue;
    found.set(decodeURIComponent(href.split('/').pop()!), /<(?:\w+:)?mark[^>/]*>([^<]+)</.exec(part)?.[1] ?? null);
  }
  return found;
}

async function readState(target: LoadTarget, folder: string, name: string, mark: string | null): Promise<FileState> {
  const url = `${target.mount}${folder}/${encodeURIComponent(name)}`;
  return { hash: hashOf(await readOverHttp(url, target.authorization)), mark };
}

/** The differences between what is known and what is seen, one sentence each. */
function compareFiles(where: string, known: Map<string, FileState>, seen: Map<string, FileState>): string[] {
  const differences: string[] = [];
  for (const [name, file] of known) {
    const found = seen.get(name);
    if (found === undefined) differences.push(`${where}${name} is lost`);
    else if (found.hash !== file.hash) differences.push(`${where}${name} has other bytes`);
    else if (found.mark !== file.mark) differences.push(`${where}${name} has mark ${found.mark}, not ${file.mark}`);
  }
  for (const name of seen.keys()) if (!known.has(name)) differences.push(`${where}${name} was never acknowledged`);
  return differences;
}

function compareStates(known: KnownState, seen: KnownState): string[] {
  return [...compareFiles('', known.live, seen.live), ...compareFiles('Trash/', known.trash, seen.trash)];
}

/**
 * Compares what the server shows with what a worker was promised. The request that was under way may have happened or
 * not, as a whole; the worker then goes on from what was found. Contents in the trash that an earlier round read are
 * read again only for `isThorough`.
 */
export async function checkWorker(
  worker: Promised,
  target: LoadTarget,
  trashMarks: Map<string, string | null>,
  checkedTrash: Set<string>,
  isThorough: boolean,
): Promise<string[]> {
  const seen: KnownState = { live: new Map(), trash: new Map() };
  for (const [name, mark] of await listMarks(target, worker.folder)) {
    seen.live.set(name, await readState(target, worker.folder, name, mark));
  }
  for (const [name, mark] of trashMarks) {
    if (!worker.isMine(name)) continue;
    const known = worker.state.trash.get(name);
    const isRead = known === undefined || isThorough || !checkedTrash.has(name);
    seen.trash.set(name, isRead ? await readState(target, 'Trash', name, mark) : { hash: known.hash, mark });
  }
  const differences = compareStates(worker.state, seen);
  if (differences.length > 0) {
    const wholly = worker.pending === null ? null : compareStates(worker.pending, seen);
    if (wholly?.length !== 0) return differences;
    worker.state = worker.pending!;
  }
  worker.pending = null;
  for (const name of seen.trash.keys()) checkedTrash.add(name);
  return [];
}
