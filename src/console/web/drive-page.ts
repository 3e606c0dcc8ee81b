import type { DriveEntry } from '../contract/drives.js';

/** What a page of one drive is given: for files and trash the rest of the address, decoded: `/Firn/photos`. */
export interface DrivePageProps {
  readonly drive: DriveEntry;
  readonly path: string;
}
