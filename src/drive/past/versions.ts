import type { ContentRow, NodeRow } from '../../stores/metadata-store.js';
import type { StateRow } from '../../stores/past.js';
import type { NodeId } from '../../stores/values.js';
import type { Drive } from '../drive.js';
import { DriveError } from '../drive-error.js';
import type { DriveTransaction } from '../drive-transaction.js';
import { checkLocks } from '../locks/locks.js';
import type { DrivePath } from '../names.js';
import type { Permit } from '../permit.js';
import { checkPutTarget, spaceOf } from '../place-checks.js';
import { checkRoom } from '../quota.js';
import { type Found, fileEtag, type Resource, readResource, resourceOf } from '../resource.js';
import { checkMayChange } from '../rights.js';
import type { Snapshot } from '../snapshot.js';

/** States that a page of versions looks at; a file whose bytes stayed has fewer versions. */
const VERSIONS_A_PAGE = 200;

/** What a file contained for some time (PRODUCT V4). */
export interface Version {
  /** Never used again; null: it is the present one. */
  readonly id: number | null;
  readonly name: string;
  readonly size: number;
  /** The file's own date then. Milliseconds since 1970. */
  readonly modified: number;
  /** When it was written, by the server's clock; 0: before the past was kept. */
  readonly from: number;
  /** When it ended; null: it is the present one. */
  readonly until: number | null;
  /** Who wrote it; null: the operator, or nobody knows. */
  readonly by: string | null;
  /** The name of the app password by which. */
  readonly appPassword: string | null;
  readonly etag: string;
}

/** A file by where the principal sees it, or by its number wherever they see it. */
export type FileRef = DrivePath | NodeId;

export interface VersionPage {
  /** The file as it is now. */
  readonly file: Resource;
  readonly versions: readonly Version[];
  /** Where the next page begins; null: there is none. */
  readonly next: number | null;
}

/** The versions of a file, the newest first, from the one before version `before` on. Rejects with `DriveError` `not-found`. */
export function listVersions(drive: Drive, file: FileRef, before: number | null): Promise<VersionPage> {
  return drive.read(async (snapshot) => {
    const found = await findFile(snapshot, file);
    const node = fileAt(found);
    const states = await snapshot.view.past.states(node.id, before, VERSIONS_A_PAGE);
    const next = states.length < VERSIONS_A_PAGE ? null : states.at(-1)!.toRevision;
    return { file: found.resource!, versions: versionsOf(seen(snapshot, states)), next };
  });
}

/** A version with its content. Rejects with `DriveError` `not-found`. */
export function openVersion(
  drive: Drive,
  file: FileRef,
  id: number,
): Promise<{ readonly resource: Resource; readonly content: ContentRow }> {
  return drive.read(async (snapshot) => {
    const found = await findFile(snapshot, file);
    const { node, content } = await findVersion(snapshot, fileAt(found), id);
    return { resource: { ...resourceOf(node, 'node', found.path), name: found.name }, content };
  });
}

/**
 * Gives a file the content and the date of a version: a write like any other (PRODUCT V4). Rejects with `DriveError`; nothing
 * is changed then.
 */
export function restoreVersion(drive: Drive, file: FileRef, id: number, permit: Permit): Promise<Resource> {
  return drive.write(async (transaction) => {
    const found = await findFile(transaction, file);
    const node = fileAt(found);
    await permit.check?.(transaction, found);
    checkMayChange(transaction.membership);
    await checkLocks(transaction, found, { tokens: permit.tokens, changesSelf: true });
    checkPutTarget(found, transaction.membership);
    return resourceOf(await putBack(transaction, found, node, id), 'node', found.path);
  });
}

async function putBack(transaction: DriveTransaction, found: Found, file: NodeRow, id: number): Promise<NodeRow> {
  const { node, content } = await findVersion(transaction, file, id);
  await checkRoom(transaction, spaceOf(found), content.size - file.size);
  return transaction.store.replaceContent(file, content, node.modified);
}

async function findVersion(
  snapshot: Snapshot,
  file: NodeRow,
  id: number,
): Promise<{ readonly node: NodeRow; readonly content: ContentRow }> {
  const [state] = seen(snapshot, await snapshot.view.past.states(file.id, id + 1, 1));
  const isIt = state?.toRevision === id && state.node.blobId !== null;
  const content = isIt ? await snapshot.view.findContent(state.node) : null;
  if (!state || !content) throw new DriveError('not-found', 'There is no such version of this file, or not any more.');
  return { node: state.node, content };
}

async function findFile(snapshot: Snapshot, file: FileRef): Promise<Found> {
  const path = typeof file === 'number' ? await snapshot.pathOf(file) : file;
  if (!path) throw new DriveError('not-found', 'There is no file of that number.');
  return snapshot.find(path);
}

function fileAt(found: Found): NodeRow {
  const { isCollection, kind, node } = readResource(found);
  if (isCollection) throw new DriveError('is-a-collection', 'This is a folder; only files have versions.');
  if (kind !== 'node')
    throw new DriveError('forbidden', 'Take the file out of the trash first; then its versions show.');
  return node!;
}

/** Those in which the file lay where the principal may look (PRODUCT V3): what was private stays private. */
function seen({ membership }: Snapshot, states: readonly StateRow[]): StateRow[] {
  const { homeId, commonId, scopeId } = membership;
  return states.filter(({ untilAt, above }) => {
    if (untilAt === null) return true;
    if (scopeId !== null && !above.includes(scopeId)) return false;
    return above.includes(homeId) || above.includes(commonId);
  });
}

/** States that follow each other with the same bytes are one version: it is as old as the first of them. */
function versionsOf(states: readonly StateRow[]): Version[] {
  const versions: (Version & { readonly content: unknown })[] = [];
  for (const { node, toRevision, fromAt, untilAt, madeBy, madeWith } of states) {
    const made = { from: fromAt, by: madeBy, appPassword: madeWith };
    const newer = versions.at(-1);
    if (newer && newer.content === node.blobId) versions[versions.length - 1] = { ...newer, ...made };
    else {
      const { name, size, modified } = node;
      const etag = fileEtag(node.blobId!);
      versions.push({ id: toRevision, name, size, modified, until: untilAt, etag, ...made, content: node.blobId });
    }
  }
  return versions.map(({ content: _content, ...version }) => version);
}
