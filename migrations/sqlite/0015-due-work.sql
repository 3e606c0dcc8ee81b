-- What expires is looked for drive by drive.
CREATE INDEX trash_due ON trash (drive_id, deleted_at);
CREATE INDEX upload_due ON upload (drive_id, expires_at);
DROP INDEX dav_lock_expiry;
CREATE INDEX dav_lock_due ON dav_lock (drive_id, expires_at);
DROP INDEX vacated_lock_age;
CREATE INDEX vacated_lock_due ON vacated_lock (drive_id, kept_until);
DROP INDEX removal_age;
CREATE INDEX removal_due ON removal (drive_id, removed_at);

-- Up to which revision removals of a drive may have been forgotten. Until now that was said of all drives at once, in sync_gap
-- (after = 0), which has revisions that were left out from now on.
CREATE TABLE forgotten_removals (
  drive_id INTEGER PRIMARY KEY,
  until INTEGER NOT NULL
);
INSERT INTO forgotten_removals SELECT drive.id, sync_gap.until FROM drive, sync_gap WHERE sync_gap.after = 0;
DELETE FROM sync_gap WHERE after = 0;
