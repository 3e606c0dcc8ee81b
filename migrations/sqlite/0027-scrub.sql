-- When all contents of a part were last read and compared: a part is those whose ids begin with these two digits. One without a row never was.
CREATE TABLE scrub_part (
  digits TEXT PRIMARY KEY,
  verified_at INTEGER NOT NULL             -- when that reading began; milliseconds since 1970
) WITHOUT ROWID;

-- Contents whose bytes are lost or wrong, until they are right again.
CREATE TABLE damage (
  content_id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  message TEXT NOT NULL,                   -- for people; names files
  found_at INTEGER NOT NULL,
  told_at INTEGER                          -- when administrators were written to
) WITHOUT ROWID;
