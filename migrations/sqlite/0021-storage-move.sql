-- Where this storage is not, or not yet, to be served, because "firn migrate-storage" is at work or was: at most one row. See
-- decision 0028.
CREATE TABLE storage_move (
  state TEXT NOT NULL,                     -- 'arriving': is being filled; 'left': what is here was moved elsewhere
  other_id TEXT NOT NULL,                  -- storage_id of where it comes from, or has gone to
  place TEXT NOT NULL,                     -- where that is, for people
  stamp TEXT NOT NULL,                     -- arriving: how far the source was at the beginning; it must not have changed since
  at INTEGER NOT NULL                      -- milliseconds since 1970
);
