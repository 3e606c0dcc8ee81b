-- Contents that something un-named, so that nothing may name them any more: the collector looks at these alone.
CREATE TABLE content_candidate (content_key INTEGER PRIMARY KEY);

INSERT INTO content_candidate
SELECT key FROM content
WHERE NOT EXISTS (SELECT 1 FROM node WHERE node.content_key = content.key)
AND NOT EXISTS (SELECT 1 FROM upload_part WHERE upload_part.content_key = content.key);
