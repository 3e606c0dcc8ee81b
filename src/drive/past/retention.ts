import type { Authority } from '../../stores/account-store.js';
import { MAKES_ROOM, type MetadataStore } from '../../stores/metadata-store.js';
import type { ChangeAuthor, DueState, Past } from '../../stores/past.js';
import type { DriveId } from '../../stores/values.js';
import { workOffDue } from '../due-drives.js';
import { DEFAULT_GRID, IN_USE_MS, keptUntil } from './grid.js';

/** States that one transaction looks at. */
const TOGETHER = 200;

/** Signs what a transaction changes: what that ends is kept (PRODUCT V1). `authority` null: the operator, or the server itself. */
export function sign({ past }: { readonly past: Past }, authority: Authority | null, at: number): void {
  past.sign(authorOf(authority, at), DEFAULT_GRID.hours * 3_600_000 + IN_USE_MS);
}

function authorOf(authority: Authority | null, at: number): ChangeAuthor {
  return {
    at,
    userId: authority?.userId ?? null,
    appPasswordId: authority?.kind === 'app' ? authority.id : null,
  };
}

/**
 * Lets go, on all drives, of what no moment of their grids shows any more, in short transactions; `now` in milliseconds since
 * 1970. Drives where nothing is written have their turn as well. Returns how many states; rejects with the signal's reason.
 */
export async function letGoOfPast(metadata: MetadataStore, now: number, signal?: AbortSignal): Promise<number> {
  let gone = 0;
  await workOffDue(metadata, { what: 'past', before: now, signal }, async (driveId) => {
    const { looked, let: count } = await lookAtSome(metadata, driveId, now);
    gone += count;
    return looked === TOGETHER;
  });
  return gone;
}

async function lookAtSome(metadata: MetadataStore, driveId: DriveId, now: number) {
  return metadata.write(
    [driveId],
    async ({ past }) => {
      const due = await past.due(driveId, now, TOGETHER);
      const ends = due.map((state) => ({ ...state, dueAt: keptUntil(state, DEFAULT_GRID) + IN_USE_MS }));
      const isOver = ({ dueAt }: DueState & { readonly dueAt: number }) => dueAt <= now;
      const over = ends.filter(isOver);
      await past.letGo(over);
      await past.keep(ends.filter((state) => !isOver(state)));
      return { looked: due.length, let: over.length };
    },
    MAKES_ROOM,
  );
}

/**
 * Ends the past of a drive before a time, in short transactions: nothing from before then is to be seen any more. Returns how
 * many states that were.
 */
export async function endPast(metadata: MetadataStore, driveId: DriveId, before: number): Promise<number> {
  await metadata.write([driveId], ({ past }) => past.begin(driveId, before), MAKES_ROOM);
  for (let gone = 0; ; ) {
    const count = await metadata.write(
      [driveId],
      async ({ past }) => {
        const states = await past.endedBefore(driveId, before, TOGETHER);
        await past.letGo(states);
        return states.length;
      },
      MAKES_ROOM,
    );
    gone += count;
    if (count < TOGETHER) return gone;
  }
}
