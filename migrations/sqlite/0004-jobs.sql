-- Work in the background, and what imports from other servers remember. Times are milliseconds since 1970.

CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  name TEXT UNIQUE,                        -- of jobs that recur: one of each
  every_minutes INTEGER,                   -- null: runs once
  state TEXT NOT NULL,                     -- 'waiting', 'running', 'succeeded', 'failed', 'cancelled'
  run_at INTEGER NOT NULL,                 -- waiting: not before; running: when the lease ends
  owner TEXT,                              -- the process that holds the lease
  cancel_asked INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,     -- failures since the last success
  user_id INTEGER REFERENCES app_user ON DELETE CASCADE,
  drive_id INTEGER REFERENCES drive ON DELETE CASCADE,
  parameters TEXT NOT NULL,                -- JSON, without secrets
  secret TEXT,                             -- encrypted (src/accounts/secret-box.ts); null from the end on
  progress TEXT,                           -- JSON
  error TEXT,                              -- of the last failure
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER
);
CREATE INDEX job_due ON job (state, run_at);
CREATE INDEX job_user ON job (user_id);
CREATE INDEX job_drive ON job (drive_id);

-- A folder of another server that is imported to a folder of ours, over all its runs.
CREATE TABLE import_source (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,                -- hash of the two folders
  drive_id INTEGER NOT NULL REFERENCES drive ON DELETE CASCADE
);
CREATE INDEX import_source_drive ON import_source (drive_id);

-- The queue of folders. href: as the source has it, below its root.
CREATE TABLE import_folder (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
  href TEXT NOT NULL,
  target TEXT NOT NULL,                    -- path below the destination
  state TEXT NOT NULL,                     -- 'waiting', 'done', 'failed'
  reason TEXT
);
CREATE UNIQUE INDEX import_folder_href ON import_folder (job_id, href);
CREATE INDEX import_folder_state ON import_folder (job_id, state, id);

-- What is known of each file of a source. blob: what came of it last; with the stamp that it had then.
CREATE TABLE import_file (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL REFERENCES import_source ON DELETE CASCADE,
  href TEXT NOT NULL,
  target TEXT NOT NULL,
  job_id INTEGER NOT NULL,                 -- the last that saw it
  state TEXT NOT NULL,                     -- 'waiting', 'done', 'unchanged', 'skipped', 'failed', 'gone'
  reason TEXT,
  stamp TEXT NOT NULL,                     -- ETag, size and date, as the source gave them
  size INTEGER,
  modified INTEGER,
  etag TEXT,
  checksum TEXT,
  taken_stamp TEXT,
  blob TEXT
);
CREATE UNIQUE INDEX import_file_href ON import_file (source_id, href);
CREATE INDEX import_file_target ON import_file (source_id, target);
CREATE INDEX import_file_state ON import_file (source_id, state, id);
