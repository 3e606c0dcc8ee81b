import { freeName } from './names.js';
import type { Found } from './resource.js';
import type { Snapshot } from './snapshot.js';

/** The place itself, or where it is taken one beside it with a number. The drive's own folders have none beside them. */
export async function findFreePlace(snapshot: Snapshot, wanted: Found, isFolder: boolean): Promise<Found> {
  const parent = wanted.parent?.node;
  if (!wanted.resource || !parent) return wanted;
  const name = await freeName(wanted.name, isFolder, snapshot.now, (names) =>
    snapshot.view.takenNames(parent.id, names),
  );
  return snapshot.find([...wanted.path.slice(0, -1), name]);
}
