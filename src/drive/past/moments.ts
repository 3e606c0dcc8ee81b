import type { Drive } from '../drive.js';
import { DriveError } from '../drive-error.js';
import { readResource } from '../resource.js';
import { DEFAULT_GRID, IN_USE_MS, isInGrid, midnightsOf } from './grid.js';

/**
 * Throws `DriveError` `not-found` unless what was there at a moment is kept whole. One that has just left the grid is still
 * answered: somebody may be reading there.
 */
export async function checkMoment(drive: Drive, moment: number): Promise<void> {
  const now = drive.now();
  const since = await drive.read(async (snapshot) => {
    // A folder that an app password is limited to, and that is gone: nothing of it is to be seen.
    readResource(await snapshot.find([]));
    return snapshot.view.past.since(drive.membership.driveId);
  });
  const isKept = isInGrid(moment, now, DEFAULT_GRID) || isInGrid(moment, now - IN_USE_MS, DEFAULT_GRID);
  if (isKept && moment >= since) return;
  throw new DriveError(
    'not-found',
    'Nothing is kept of that moment. There are: the last 24 hours, full hours of 7 days, midnights of 60 days, and the first of each month of a year, in UTC.',
  );
}

/** The midnights at which a drive can be looked at, the last one first. */
export async function midnights(drive: Drive): Promise<number[]> {
  const since = await drive.read(({ view }) => view.past.since(drive.membership.driveId));
  return midnightsOf(drive.now(), DEFAULT_GRID).filter((moment) => moment >= since);
}
