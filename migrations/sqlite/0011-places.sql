-- Where the blob store has the bytes of a content, by a name of its own; NULL: where the hash says.
ALTER TABLE content ADD COLUMN place TEXT;
CREATE INDEX content_place ON content (place) WHERE place IS NOT NULL;

-- Marks are of places: for all contents until now that is their hash.
ALTER TABLE condemned RENAME COLUMN content_id TO place;
