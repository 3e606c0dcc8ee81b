-- The servers that work on one database, each at a start of its own. Times are the database's. Here, where one server has the storage,
-- nobody writes to it.
CREATE TABLE cluster_node (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  -- When it last said that it lives.
  seen_at INTEGER NOT NULL,
  -- When it left; null: it lives, or it ended without a word.
  left_at INTEGER,
  -- What fails for it, for people; null: nothing.
  trouble TEXT
);

-- What the key of the storage makes of a fixed text: tells whether a server has the same key, and nothing of it.
ALTER TABLE storage_id ADD COLUMN key_mac TEXT;
