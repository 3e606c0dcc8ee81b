-- Who works on an upload alone (an append, the making of the file), and until when. It is renewed; one whose process
-- ended runs out.
ALTER TABLE upload ADD COLUMN lease_holder TEXT;
ALTER TABLE upload ADD COLUMN lease_until INTEGER;
