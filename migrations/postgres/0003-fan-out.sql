-- How many members a folder has on average: one of very many would have PostgreSQL walk the table for those of a small one. SQLite takes
-- the index in any case.
ALTER TABLE node ALTER COLUMN parent_id SET (n_distinct = -0.1);
ANALYZE node (parent_id);
