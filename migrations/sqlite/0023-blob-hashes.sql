-- Contents whose bytes are here are found by what names them, never by their hash: equal ones are rows of their own, and the index has those
-- of a BlobStore alone. A hash is at a place of its own in an index, so each small file had cost a page of the log, and of a large store a read
-- of the disk. See decision 0033.
--
-- The index that UNIQUE made becomes one that can be dropped; to write the table once more would take the room of all small files a second time.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET name = 'content_hash', sql = 'CREATE UNIQUE INDEX content_hash ON content (id)'
WHERE type = 'index' AND tbl_name = 'content' AND name = 'sqlite_autoindex_content_1';
UPDATE sqlite_schema SET sql = replace(sql, 'id TEXT NOT NULL UNIQUE,', 'id TEXT NOT NULL,')
WHERE type = 'table' AND name = 'content';
PRAGMA writable_schema = RESET;
DROP INDEX content_hash;
CREATE UNIQUE INDEX content_blob ON content (id) WHERE bytes IS NULL;

-- What expires is looked for by trash_due.
DROP INDEX trash_age;

-- By which what was set aside is found when its bytes have come again.
ALTER TABLE damaged_bytes ADD COLUMN content_key INTEGER;
