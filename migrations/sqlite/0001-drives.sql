-- Times are milliseconds since 1970 (UTC), sizes bytes.

-- One row. Every change takes the next number; a number is never used twice, on no drive.
CREATE TABLE revision (value INTEGER NOT NULL);
INSERT INTO revision VALUES (0);

CREATE TABLE app_user (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL UNIQUE,          -- lower case, NFC
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  password_version INTEGER NOT NULL DEFAULT 1,
  is_admin INTEGER NOT NULL DEFAULT 0,
  is_disabled INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  refused_at INTEGER,                      -- when and by which program a former password was tried last
  refused_client TEXT
);

CREATE TABLE former_password (
  id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,
  hash TEXT NOT NULL,
  replaced_at INTEGER NOT NULL
);
CREATE INDEX former_password_user ON former_password (user_id);

-- A file's content, by its SHA-256. bytes: the content itself where it is small, else the blob store has it.
CREATE TABLE content (
  key INTEGER PRIMARY KEY,                 -- ascending, so that what refers to it is appended, not scattered
  id TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  sha1 TEXT,
  md5 TEXT,
  stored_at INTEGER NOT NULL,
  bytes BLOB
);

-- Marks of the collector, see src/stores/blob-index.ts.
CREATE TABLE condemned (
  content_id TEXT PRIMARY KEY,
  condemned_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Holds of backups, see BlobIndex.hold: no blob is removed before the last of them has ended.
CREATE TABLE sweep_hold (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  held_until INTEGER NOT NULL
);

-- Files and collections of all drives. A drive's root holds the internal folders common, bin, home/USER, bin/USER.
CREATE TABLE node (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  drive_id INTEGER NOT NULL,
  parent_id INTEGER REFERENCES node,       -- null: a drive's root, or the top of a tree that is being destroyed
  name TEXT NOT NULL,                      -- NFC
  is_collection INTEGER NOT NULL,
  content_key INTEGER REFERENCES content,
  content_id TEXT,                         -- the content's id once more: every listing shows it
  size INTEGER NOT NULL DEFAULT 0,         -- of a collection: all below
  descendants INTEGER NOT NULL DEFAULT 0,
  modified INTEGER NOT NULL,
  created INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  has_properties INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX node_name ON node (parent_id, name);
CREATE INDEX node_content ON node (content_key) WHERE content_key IS NOT NULL;

-- Trees cut off from their drive, whose rows are freed little by little.
CREATE TABLE purge (node_id INTEGER PRIMARY KEY REFERENCES node);

CREATE TABLE property (
  node_id INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  xml TEXT NOT NULL,
  PRIMARY KEY (node_id, namespace, name)
) WITHOUT ROWID;

CREATE TABLE dav_lock (
  token TEXT PRIMARY KEY,
  drive_id INTEGER NOT NULL,
  node_id INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,
  scope TEXT NOT NULL,
  is_deep INTEGER NOT NULL,
  owner_xml TEXT,
  timeout_seconds INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX dav_lock_node ON dav_lock (node_id);
CREATE INDEX dav_lock_drive ON dav_lock (drive_id);
CREATE INDEX dav_lock_expiry ON dav_lock (expires_at);

CREATE TABLE drive (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  quota_bytes INTEGER,
  upload_max_bytes INTEGER,
  root_id INTEGER NOT NULL REFERENCES node,
  common_id INTEGER NOT NULL REFERENCES node,
  common_bin_id INTEGER NOT NULL REFERENCES node,
  created_at INTEGER NOT NULL
);

-- A node that is destroyed asks who refers to it.
CREATE INDEX drive_root ON drive (root_id);
CREATE INDEX drive_common ON drive (common_id);
CREATE INDEX drive_common_bin ON drive (common_bin_id);

CREATE TABLE member (
  drive_id INTEGER NOT NULL REFERENCES drive ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,
  role TEXT NOT NULL,
  quota_bytes INTEGER,
  home_id INTEGER NOT NULL REFERENCES node,
  bin_id INTEGER NOT NULL REFERENCES node,
  PRIMARY KEY (drive_id, user_id)
) WITHOUT ROWID;
CREATE INDEX member_user ON member (user_id);
CREATE INDEX member_home ON member (home_id);
CREATE INDEX member_bin ON member (bin_id);

CREATE TABLE trash (
  node_id INTEGER PRIMARY KEY REFERENCES node ON DELETE CASCADE,
  drive_id INTEGER NOT NULL,
  owner_id INTEGER,                        -- null: a common file, every member sees it
  name TEXT NOT NULL,
  original_path TEXT NOT NULL,
  deleted_by INTEGER,
  deleted_at INTEGER NOT NULL
);
CREATE INDEX trash_name ON trash (drive_id, name);
CREATE INDEX trash_age ON trash (deleted_at);

CREATE TABLE app_password (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,
  name TEXT NOT NULL,
  selector TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL,
  drive_id INTEGER REFERENCES drive ON DELETE CASCADE,
  scope_id INTEGER,
  allowance TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER,
  last_client TEXT,
  refused_at INTEGER,
  refused_client TEXT
);
CREATE INDEX app_password_user ON app_password (user_id);
