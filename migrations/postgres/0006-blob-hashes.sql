-- As migrations/sqlite/0023-blob-hashes.sql.
ALTER TABLE content DROP CONSTRAINT content_id_key;
CREATE UNIQUE INDEX content_blob ON content (id) WHERE bytes IS NULL;

DROP INDEX trash_age;

-- By which what was set aside is found when its bytes have come again.
ALTER TABLE damaged_bytes ADD COLUMN content_key bigint;
