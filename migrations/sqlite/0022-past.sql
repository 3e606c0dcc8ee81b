-- What was: each state of a node that ended, from the change that began it (inclusive) to the one that ended it (exclusive). The
-- present state is the node's own row. Times are the server's clock, never a file's own dates.
CREATE TABLE node_past (
  node_id INTEGER NOT NULL,                -- may be gone, as may the parent
  to_revision INTEGER NOT NULL,
  from_revision INTEGER NOT NULL,
  drive_id INTEGER NOT NULL,
  parent_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  is_collection INTEGER NOT NULL,
  content_key INTEGER REFERENCES content,
  size INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  created INTEGER NOT NULL,
  properties TEXT,                         -- JSON list of [namespace, name, xml]; null: it had none
  from_at INTEGER NOT NULL,
  until_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,                 -- not before then does retention look at it again
  made_by INTEGER,                         -- users and app passwords; null: the operator or the server itself
  made_with INTEGER,
  ended_by INTEGER,
  ended_with INTEGER,
  above TEXT NOT NULL,                     -- numbers of all folders above it when it ended: /7/3/1/
  PRIMARY KEY (node_id, to_revision)
) WITHOUT ROWID;
CREATE INDEX node_past_place ON node_past (parent_id, name, until_at, to_revision);
CREATE INDEX node_past_content ON node_past (content_key, until_at) WHERE content_key IS NOT NULL;
CREATE INDEX node_past_due ON node_past (drive_id, due_at);
CREATE INDEX node_past_ended ON node_past (drive_id, until_at, node_id, to_revision);

-- When, by whom and with which app password the present state began. 0: before the past was kept.
ALTER TABLE node ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node ADD COLUMN changed_by INTEGER;
ALTER TABLE node ADD COLUMN changed_with INTEGER;

-- A file that took the place of another one, whose history is its own from then on.
CREATE TABLE succession (
  node_id INTEGER PRIMARY KEY,
  former_id INTEGER NOT NULL,
  revision INTEGER NOT NULL                -- what that one was until then
);

-- waits: the past still shows what is in the folder.
ALTER TABLE purge ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
CREATE INDEX purge_due ON purge (node_id) WHERE waits = 0;

-- Nothing is known of the time before.
ALTER TABLE drive ADD COLUMN past_since INTEGER NOT NULL DEFAULT 0;
UPDATE drive SET past_since = CAST(strftime('%s', 'now') AS INTEGER) * 1000;
