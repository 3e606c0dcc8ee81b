-- Bytes of contents in the database that were not what their id says, for a person to look at; the content has none then.
CREATE TABLE damaged_bytes (
  id INTEGER PRIMARY KEY,
  content_id TEXT NOT NULL,
  bytes BLOB NOT NULL,
  found_at INTEGER NOT NULL                -- milliseconds since 1970
);
