import type { ClusterEngine, ClusterStore, DatabaseReport, ServerRow } from '../stores/cluster-store.js';

/** How long a server counts as living that was heard of last, in milliseconds: three of its words may be lost. */
export const LIVES_MS = 30_000;
/** How long it is worth a word that a server ended without one, in milliseconds. */
const MISSED_MS = 3_600_000;
/** How far the clock of a server's machine may be from the database's, in milliseconds. */
export const CLOCK_WARN_MS = 5_000;

export interface KnownServer extends ServerRow {
  readonly state: 'lives' | 'left' | 'silent';
}

export interface ClusterReport {
  /** Those that live, and those that ended within a day, in the order of their starts. */
  readonly servers: readonly KnownServer[];
  readonly database: DatabaseReport;
  /** What is wrong, in sentences. */
  readonly faults: readonly string[];
  /** What an operator should know beside. */
  readonly warnings: readonly string[];
}

/** What is known of the servers on a database, and of the database. Rejects where it doesn't answer. */
export async function readReport(engine: ClusterEngine): Promise<ClusterReport> {
  const [servers, now, database] = await Promise.all([knownServers(engine.store), engine.store.time(), engine.look()]);
  const missed = servers
    .filter(({ state, seenAt }) => state === 'silent' && now - seenAt < MISSED_MS)
    .map(
      ({ name, seenAt }) => `The server ${name} was last seen at ${new Date(seenAt).toISOString()} and has not left.`,
    );
  const troubled = servers
    .filter(({ state, trouble }) => state === 'lives' && trouble !== null)
    .map(({ name, trouble }) => `For the server ${name} ${trouble}.`);
  const refused = database.refusal === null ? [] : [`${capital(database.refusal)}.`];
  return { servers, database, faults: [...refused, ...troubled, ...missed], warnings: database.warnings };
}

export async function knownServers(store: ClusterStore): Promise<KnownServer[]> {
  const [servers, now] = await Promise.all([store.servers(), store.time()]);
  return servers.map((server) => ({ ...server, state: stateOf(server, now) }));
}

function stateOf({ leftAt, seenAt }: ServerRow, now: number): KnownServer['state'] {
  if (leftAt !== null) return 'left';
  return now - seenAt > LIVES_MS ? 'silent' : 'lives';
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
