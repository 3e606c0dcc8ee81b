import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { ClusterStore, NewServer, ServerId, ServerRow } from '../stores/cluster-store.js';
import { StorageClaimedError } from '../stores/storage-errors.js';
import { LIVES_MS } from './cluster-report.js';

/** How long a server says nothing at most that lives, in milliseconds: longer than the pause between two of its words. */
const WATCH_MS = 15_000;
const LOOK_MS = 500;

export interface JoinOptions {
  /** Null: of the machine's name and something random. */
  readonly name: string | null;
  readonly version: string;
  /** For tests: how long a silent server is watched, in milliseconds. */
  readonly watchMs?: number;
}

/**
 * Notes this server among those on the database. Where another has its name and has not left, it is watched for a while: it may have been
 * killed. Throws `StorageClaimedError` where that one lives.
 */
export async function join(
  store: ClusterStore,
  { name, version, watchMs = WATCH_MS }: JoinOptions,
): Promise<NewServer> {
  const server = { id: randomBytes(16).toString('hex') as ServerId, name: name ?? makeName(), version };
  let other = await store.join(server, (await store.time()) - LIVES_MS);
  if (other) {
    await watch(store, other, watchMs);
    other = await store.join(server, other.seenAt + 1);
  }
  if (other) throw nameTaken(server.name);
  return server;
}

/** Throws where the server is heard of. */
async function watch(store: ClusterStore, { id, name, seenAt }: ServerRow, watchMs: number): Promise<void> {
  const giveUpAt = performance.now() + watchMs;
  while (performance.now() < giveUpAt) {
    await wait(LOOK_MS);
    const now = (await store.servers()).find((server) => server.id === id);
    if (!now || now.leftAt !== null) return;
    if (now.seenAt !== seenAt) throw nameTaken(name);
  }
}

function nameTaken(name: string): StorageClaimedError {
  return new StorageClaimedError(
    `Another server on the database is called ${name}: set another nodeName, or leave it out.`,
  );
}

function makeName(): string {
  return `${hostname().slice(0, 50)}-${randomBytes(3).toString('hex')}`;
}
