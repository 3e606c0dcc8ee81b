import type { DriveEntry } from '../contract/drives.js';
import { api } from './api.js';
import { keepForPerson, keptForPerson } from './session.js';
import { Store } from './store.js';

const KEPT_AS = 'drive';

/** The drives of who is signed in; null: not known yet. */
export const drives = new Store<readonly DriveEntry[] | null>(null);
export const drivesError = new Store<unknown>(null);

export async function loadDrives(): Promise<void> {
  try {
    drives.set((await api('GET /api/drives')).drives);
    drivesError.set(null);
  } catch (error) {
    drivesError.set(error);
  }
}

/** The drive that an address names, else the one that was looked at last, else the first. */
export function pickDrive(all: readonly DriveEntry[], wish: string | null): DriveEntry | null {
  const named = all.find(({ id }) => String(id) === wish);
  if (named) keepForPerson(KEPT_AS, String(named.id));
  return named ?? all.find(({ id }) => String(id) === keptForPerson(KEPT_AS)) ?? all[0] ?? null;
}
