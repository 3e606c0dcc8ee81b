-- Which names a process may be using in a store where each upload has a name of its own, and until when: noted before the first
-- of them is used, so that what an ended process left is found by its lease.
CREATE TABLE blob_lease (
  id TEXT PRIMARY KEY,                     -- what the places begin with, before a slash; never used again
  held_until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX blob_lease_end ON blob_lease (held_until);

-- What this storage is called where several might share a place for blobs. One row.
CREATE TABLE storage_id (id TEXT NOT NULL);
INSERT INTO storage_id (id) VALUES (lower(hex(randomblob(16))));
