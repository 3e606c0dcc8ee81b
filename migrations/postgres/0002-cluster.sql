-- migrations/sqlite/0019-cluster.sql.
CREATE TABLE cluster_node (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  version text NOT NULL,
  started_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  left_at bigint,
  trouble text
);

ALTER TABLE storage_id ADD COLUMN key_mac text;
