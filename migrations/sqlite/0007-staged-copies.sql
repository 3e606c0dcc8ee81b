-- Tops of trees that a COPY puts together out of sight. What is not bound by then is destroyed.
CREATE TABLE staged_copy (
  node_id INTEGER PRIMARY KEY REFERENCES node,
  held_until INTEGER NOT NULL
);
