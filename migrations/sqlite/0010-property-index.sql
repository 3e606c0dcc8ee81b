-- Nodes that have dead properties, or have something below that does: favourites are looked for among them.
CREATE INDEX node_properties ON node (drive_id, id) WHERE property_bytes > 0;
