-- As migrations/sqlite/0021.
CREATE TABLE storage_move (
  state text NOT NULL,
  other_id text NOT NULL,
  place text NOT NULL,
  stamp text NOT NULL,
  at bigint NOT NULL
);
