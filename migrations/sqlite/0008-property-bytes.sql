-- Dead properties take room, so they count: each its text, its names and 100 bytes of its row. property_bytes are those of
-- the node and of everything below it.
ALTER TABLE node RENAME COLUMN has_properties TO property_bytes;

CREATE TEMP TABLE property_total AS
WITH RECURSIVE up (id, bytes) AS (
  SELECT node_id,
    sum(100 + length(CAST(namespace AS BLOB)) + length(CAST(name AS BLOB)) + length(CAST(xml AS BLOB)))
  FROM property GROUP BY node_id
  UNION ALL
  SELECT node.parent_id, up.bytes FROM up JOIN node ON node.id = up.id WHERE node.parent_id IS NOT NULL
)
SELECT id, sum(bytes) AS bytes FROM up GROUP BY id;
CREATE INDEX temp.property_total_id ON property_total (id);

UPDATE node SET property_bytes = 0 WHERE property_bytes <> 0;
UPDATE node SET property_bytes = (SELECT bytes FROM property_total WHERE property_total.id = node.id)
WHERE id IN (SELECT id FROM property_total);

DROP TABLE property_total;
