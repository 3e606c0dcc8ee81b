-- Jobs that recur are called by one word, as programs, metrics and dashboards call them.
UPDATE job SET kind = renamed.column2, name = renamed.column2
FROM (VALUES
  ('times ahead of the clock', 'clock-repair'),
  ('trash expiry', 'trash-expiry'),
  ('forgetting what was removed', 'prune-change-log'),
  ('session expiry', 'session-expiry'),
  ('audit expiry', 'audit-expiry'),
  ('upload expiry', 'upload-expiry'),
  ('garbage collection', 'garbage-collection'),
  ('emptying the log', 'empty-log'),
  ('storage point', 'storage-point')
) AS renamed
WHERE job.name = renamed.column1;
