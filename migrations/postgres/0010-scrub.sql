-- As migrations/sqlite/0027-scrub.sql, where the columns are explained.
-- compatible-with: 0005
CREATE TABLE scrub_part (
  digits text COLLATE "C" PRIMARY KEY,
  verified_at bigint NOT NULL
);

CREATE TABLE damage (
  content_id text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL,
  message text NOT NULL,
  found_at bigint NOT NULL,
  told_at bigint
);
