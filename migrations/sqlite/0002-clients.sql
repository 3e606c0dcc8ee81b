-- What sync clients need: which change to a node was its own, what was removed, uploads in parts.

-- changed: the revision of the last change to the node itself, not to what is below it.
-- moved: the revision at which it came to its place by a move; 0 where it was made there.
ALTER TABLE node ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE node ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
CREATE INDEX node_changed ON node (drive_id, changed);
CREATE INDEX node_moved ON node (drive_id, moved) WHERE moved > 0 AND is_collection = 1;
CREATE INDEX node_folder ON node (parent_id) WHERE is_collection = 1;

-- Names that were unbound. The parent may be gone by now.
CREATE TABLE removal (
  drive_id INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  parent_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  is_collection INTEGER NOT NULL,
  removed_at INTEGER NOT NULL,
  PRIMARY KEY (drive_id, revision)
) WITHOUT ROWID;
CREATE INDEX removal_age ON removal (removed_at);

-- Between these revisions (both exclusive) not all is known: a backup was restored, or (after = 0) removals were forgotten.
CREATE TABLE sync_gap (
  after INTEGER PRIMARY KEY,
  until INTEGER NOT NULL
);

-- The drive that addresses without a drive's ID show a user; null: the first one.
ALTER TABLE app_user ADD COLUMN drive_id INTEGER REFERENCES drive ON DELETE SET NULL;

-- Uploads that come in parts. name: as the client, or the server, calls the upload in its address.
CREATE TABLE upload (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  drive_id INTEGER NOT NULL REFERENCES drive ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,
  scope_id INTEGER NOT NULL DEFAULT 0,     -- the folder of a limited app password, 0 for none
  name TEXT NOT NULL,
  size INTEGER,                            -- announced for the whole
  received INTEGER NOT NULL DEFAULT 0,     -- bytes of its parts
  parts INTEGER NOT NULL DEFAULT 0,        -- how many it has
  target TEXT,                             -- JSON: what a TUS client said of the file; null where that comes at the end
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  finished_at INTEGER,                     -- its parts are gone then
  UNIQUE (drive_id, user_id, scope_id, name)
);
CREATE INDEX upload_user ON upload (user_id, finished_at);
CREATE INDEX upload_expiry ON upload (expires_at);

CREATE TABLE upload_part (
  upload_id INTEGER NOT NULL REFERENCES upload ON DELETE CASCADE,
  name TEXT NOT NULL,
  number INTEGER NOT NULL,                 -- their order: an index, or where in the file the part begins
  size INTEGER NOT NULL,
  content_key INTEGER NOT NULL REFERENCES content,
  stored_at INTEGER NOT NULL,
  PRIMARY KEY (upload_id, name)
) WITHOUT ROWID;
CREATE INDEX upload_part_content ON upload_part (content_key);

-- Locks of a file that their user moved away or deleted, by its place, for the moment until another file takes that.
CREATE TABLE vacated_lock (
  token TEXT PRIMARY KEY,
  drive_id INTEGER NOT NULL,
  parent_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,
  scope TEXT NOT NULL,
  owner_xml TEXT,
  timeout_seconds INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  kept_until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX vacated_lock_age ON vacated_lock (kept_until);
CREATE INDEX vacated_lock_user ON vacated_lock (user_id);
