-- Sweeps that are deleting bytes, or were when their process ended. A number is never used again.
CREATE TABLE sweep (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  begun_at INTEGER NOT NULL
);

-- Places whose bytes a sweep deletes or has deleted, with the last such sweep. Uploads look here.
CREATE TABLE swept (
  place TEXT PRIMARY KEY,
  sweep_id INTEGER NOT NULL,               -- under way while it is in the table above
  swept_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX swept_sweep ON swept (sweep_id);

-- The oldest marks are taken first.
CREATE INDEX condemned_at ON condemned (condemned_at);
