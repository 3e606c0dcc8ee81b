-- One row: what the server last took for the time, so that nothing expires because a clock was wrong (see
-- src/jobs/steady-clock.ts). Times are milliseconds since 1970; 0: not noted yet.
CREATE TABLE clock_mark (
  noted_at INTEGER NOT NULL,               -- what the clock said
  expiry_at INTEGER NOT NULL,              -- the time by which things expire
  steady_ms INTEGER NOT NULL               -- how long the clock has agreed with the time that passed
);
INSERT INTO clock_mark
  SELECT coalesce(CAST(strftime('%s', max(day)) AS INTEGER) * 1000, 0),
    coalesce(CAST(strftime('%s', max(day)) AS INTEGER) * 1000, 0), 0
  FROM storage_point;
