-- Counts a user's locks on a drive.
DROP INDEX dav_lock_drive;
CREATE INDEX dav_lock_drive ON dav_lock (drive_id, user_id);
