/** What a statement may change of what answers are made of: bits. */
export const CHANGES_RIGHTS = 1;
export const CHANGES_CONTENTS = 2;
export const CHANGES_DRIVES = 4;
const CHANGES_ALL = CHANGES_RIGHTS | CHANGES_CONTENTS | CHANGES_DRIVES;

/** What `AccountView.access` reads. */
const RIGHTS = ['app_user', 'app_password', 'member', 'drive', 'organization', 'session'];
/** Rows of one drive. */
const DRIVES = [
  ...['node', 'property', 'dav_lock', 'vacated_lock', 'trash', 'removal', 'sync_gap', 'forgotten_removals', 'purge'],
  ...['upload', 'upload_part', 'staged_copy', 'node_past', 'succession', 'revision'],
];
/** Of these no answer is made that is kept. */
const APART = [
  ...['audit', 'throttle', 'login_flow', 'challenge', 'job', 'import_source', 'import_folder', 'import_file'],
  ...['clock_mark', 'former_password', 'recovery_code', 'passkey', 'totp', 'content_candidate', 'condemned'],
  ...['sweep', 'swept', 'sweep_hold', 'damaged_bytes', 'damage', 'scrub_part', 'blob_lease', 'copy_map'],
];

const CHANGES = new Map<string, number>([
  ['content', CHANGES_CONTENTS],
  ...RIGHTS.map((table) => [table, CHANGES_RIGHTS] as const),
  ...DRIVES.map((table) => [table, CHANGES_DRIVES] as const),
  ...APART.map((table) => [table, 0] as const),
]);

const CHANGED_TABLE =
  /\b(?:insert(?: or \w+)? into|replace into|update(?: or \w+)?|delete from)\s+"?(?!set\b)(\w+)"?/gi;
/** Takes rows of other tables along. */
const DELETES_RIGHTS = new RegExp(`\\bdelete from\\s+"?(?:${RIGHTS.join('|')})\\b`, 'i');

/**
 * What a statement that isn't read-only may change, in bits; all, where it isn't known. What comes along by ON DELETE CASCADE from a row of a
 * drive is of that drive.
 */
export function changesOf(sql: string): number {
  // `user_version`, by which a disk is tried.
  if (/^\s*PRAGMA\b/i.test(sql)) return 0;
  if (DELETES_RIGHTS.test(sql)) return CHANGES_ALL;
  const tables = [...sql.matchAll(CHANGED_TABLE)].map(([, table]) => table!.toLowerCase());
  if (tables.length === 0) return CHANGES_ALL;
  return tables.reduce((changes, table) => changes | (CHANGES.get(table) ?? CHANGES_ALL), 0);
}
