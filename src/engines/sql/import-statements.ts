import { sql } from 'kysely';
import type { FileState } from '../../stores/import-store.js';
import type { Schema } from './schema.js';
import { statement } from './statement.js';

/** Statements on what imports remember. */

export const putSource = statement<{ key: string; drive: number }>()<{ id: number }>(
  (_db, p) => sql<{ id: number }>`
    INSERT INTO import_source (key, drive_id) VALUES (${p('key')}, ${p('drive')})
    ON CONFLICT (key) DO UPDATE SET drive_id = excluded.drive_id RETURNING id`,
);

export const addFolder = statement<{ job: number; href: string; target: string }>()<never>(
  (_db, p, d) => sql<never>`
    INSERT INTO import_folder (job_id, href, target, state) VALUES (${p('job')}, ${p('href')}, ${p('target')}, 'waiting')
    ON CONFLICT (${sql.raw(d.longKey(['job_id', 'href']).join(', '))}) DO NOTHING`,
);

export const foldersIn = statement<{
  job: number;
  state: Schema['import_folder']['state'];
  after: number;
  limit: number;
}>()((db, p) =>
  db
    .selectFrom('import_folder')
    .select(['id', 'href', 'target', 'reason'])
    .where('job_id', '=', p('job'))
    .where('state', '=', p('state'))
    .where('id', '>', p('after'))
    .orderBy('id')
    .limit(p('limit')),
);

export const endFolder = statement<{ id: number; state: Schema['import_folder']['state']; reason: string | null }>()(
  (db, p) =>
    db
      .updateTable('import_folder')
      .set({ state: p('state'), reason: p('reason') })
      .where('id', '=', p('id')),
);

export const countFolders = statement<{ job: number }>()<{ state: Schema['import_folder']['state']; count: number }>(
  (_db, p) => sql<{ state: Schema['import_folder']['state']; count: number }>`
    SELECT state, count(*) AS count FROM import_folder WHERE job_id = ${p('job')} GROUP BY state`,
);

export const findTarget = statement<{ source: number; target: string; job: number; href: string }>()<{ id: number }>(
  (_db, p) => sql<{ id: number }>`
    SELECT id FROM import_file
    WHERE source_id = ${p('source')} AND target = ${p('target')} AND job_id = ${p('job')} AND href != ${p('href')} LIMIT 1`,
);

export const putFile = statement<{
  source: number;
  href: string;
  target: string;
  job: number;
  state: FileState;
  reason: string | null;
  stamp: string;
  size: number | null;
  modified: number | null;
  etag: string | null;
  checksum: string | null;
}>()<{ state: FileState }>(
  (_db, p, d) => sql<{ state: FileState }>`
    INSERT INTO import_file (source_id, href, target, job_id, state, reason, stamp, size, modified, etag, checksum)
    VALUES (${p('source')}, ${p('href')}, ${p('target')}, ${p('job')}, ${p('state')}, ${p('reason')}, ${p('stamp')},
      ${p('size')}, ${p('modified')}, ${p('etag')}, ${p('checksum')})
    ON CONFLICT (${sql.raw(d.longKey(['source_id', 'href']).join(', '))}) DO UPDATE SET target = excluded.target, job_id = excluded.job_id,
      state = CASE WHEN excluded.state = 'waiting' AND import_file.taken_stamp = excluded.stamp
        AND excluded.stamp != '' AND import_file.target = excluded.target THEN 'unchanged' ELSE excluded.state END,
      reason = excluded.reason, stamp = excluded.stamp, size = excluded.size, modified = excluded.modified,
      etag = excluded.etag, checksum = excluded.checksum
    WHERE import_file.job_id != excluded.job_id RETURNING state`,
);

export const waitingFiles = statement<{ source: number; job: number; after: number; limit: number }>()((db, p) =>
  db
    .selectFrom('import_file')
    .selectAll()
    .where('source_id', '=', p('source'))
    .where('state', '=', 'waiting')
    .where('id', '>', p('after'))
    .where('job_id', '=', p('job'))
    .orderBy('id')
    .limit(p('limit')),
);

export const filesIn = statement<{ source: number; state: FileState; after: number; limit: number }>()((db, p) =>
  db
    .selectFrom('import_file')
    .selectAll()
    .where('source_id', '=', p('source'))
    .where('state', '=', p('state'))
    .where('id', '>', p('after'))
    .orderBy('id')
    .limit(p('limit')),
);

export const endFile = statement<{ id: number; state: FileState; reason: string | null; blob: string | null }>()<never>(
  (_db, p, d) => sql<never>`
    UPDATE import_file SET state = ${p('state')}, reason = ${p('reason')}, blob = coalesce(${p('blob')}, blob),
      taken_stamp = CASE ${d.text(p('state'))} WHEN 'done' THEN stamp ELSE taken_stamp END
    WHERE id = ${p('id')}`,
);

export const noteBlob = statement<{ id: number; blob: string }>()((db, p) =>
  db
    .updateTable('import_file')
    .set({ blob: p('blob') })
    .where('id', '=', p('id')),
);

export const markGone = statement<{ source: number; job: number; limit: number }>()<never>(
  (_db, p) => sql<never>`
    UPDATE import_file SET state = 'gone', job_id = ${p('job')}, taken_stamp = NULL,
      reason = CASE WHEN taken_stamp IS NULL THEN NULL ELSE 'gone' END
    WHERE id IN (SELECT id FROM import_file WHERE source_id = ${p('source')} AND job_id != ${p('job')}
      AND state != 'gone' LIMIT ${p('limit')})`,
);

export const countFiles = statement<{ source: number; job: number }>()<{
  state: FileState;
  files: number;
  bytes: number;
}>(
  (_db, p) => sql<{ state: FileState; files: number; bytes: number }>`
    SELECT state, count(*) AS files, coalesce(sum(size), 0) AS bytes FROM import_file
    WHERE source_id = ${p('source')} AND job_id = ${p('job')} GROUP BY state`,
);
