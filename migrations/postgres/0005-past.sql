-- As migrations/sqlite/0022-past.sql, where the columns are explained.
CREATE TABLE node_past (
  node_id bigint NOT NULL,
  to_revision bigint NOT NULL,
  from_revision bigint NOT NULL,
  drive_id bigint NOT NULL,
  parent_id bigint NOT NULL,
  name text COLLATE "C" NOT NULL,
  is_collection bigint NOT NULL,
  content_key bigint REFERENCES content,
  size bigint NOT NULL,
  modified bigint NOT NULL,
  created bigint NOT NULL,
  properties text,
  from_at bigint NOT NULL,
  until_at bigint NOT NULL,
  due_at bigint NOT NULL,
  made_by bigint,
  made_with bigint,
  ended_by bigint,
  ended_with bigint,
  above text NOT NULL,
  PRIMARY KEY (node_id, to_revision)
);
CREATE INDEX node_past_place ON node_past (parent_id, name, until_at, to_revision);
CREATE INDEX node_past_content ON node_past (content_key, until_at) WHERE content_key IS NOT NULL;
CREATE INDEX node_past_due ON node_past (drive_id, due_at);
CREATE INDEX node_past_ended ON node_past (drive_id, until_at, node_id, to_revision);

ALTER TABLE node ADD COLUMN changed_at bigint NOT NULL DEFAULT 0;
ALTER TABLE node ADD COLUMN changed_by bigint;
ALTER TABLE node ADD COLUMN changed_with bigint;

CREATE TABLE succession (
  node_id bigint PRIMARY KEY,
  former_id bigint NOT NULL,
  revision bigint NOT NULL
);

ALTER TABLE purge ADD COLUMN waits bigint NOT NULL DEFAULT 0;
CREATE INDEX purge_due ON purge (node_id) WHERE waits = 0;

ALTER TABLE drive ADD COLUMN past_since bigint NOT NULL DEFAULT 0;
UPDATE drive SET past_since = (extract(epoch FROM now()) * 1000)::bigint;
