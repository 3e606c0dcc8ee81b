-- What makes accounts safe: second factors, sessions of the console, the organization's rules, and what happened.

-- Whether a confirmed second factor is there: WebDAV then takes app passwords alone.
ALTER TABLE app_user ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0;
-- When an administrator asked for a second factor; shown at the next sign-in.
ALTER TABLE app_user ADD COLUMN alerted_at INTEGER;
-- Who can sign in without one: administrators look for them.
CREATE INDEX app_user_without_second_factor ON app_user (email_key) WHERE second_factor = 0 AND is_disabled = 0;

-- secret: encrypted (src/accounts/secret-box.ts). Until confirmed_at it counts for nothing.
CREATE TABLE totp (
  user_id INTEGER PRIMARY KEY REFERENCES app_user ON DELETE CASCADE,
  secret TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  confirmed_at INTEGER,
  last_step INTEGER NOT NULL DEFAULT 0     -- of the last code that was taken: none is taken twice
);

CREATE TABLE recovery_code (
  user_id INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,
  selector TEXT NOT NULL,                  -- the part by which it is found
  hash TEXT NOT NULL,
  used_at INTEGER,
  PRIMARY KEY (user_id, selector)
) WITHOUT ROWID;

CREATE TABLE passkey (
  id TEXT PRIMARY KEY,                     -- WebAuthn's credential id, base64url
  user_id INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,
  name TEXT NOT NULL,
  public_key BLOB NOT NULL,
  counter INTEGER NOT NULL,
  transports TEXT NOT NULL,                -- JSON list
  created_at INTEGER NOT NULL,
  last_used_at INTEGER
) WITHOUT ROWID;
CREATE INDEX passkey_user ON passkey (user_id);

-- Browsers that are signed in. key: hash of the cookie's token.
CREATE TABLE session (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  user_id INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,
  password_version INTEGER NOT NULL,       -- another password ends it
  stage TEXT NOT NULL,                     -- 'second-step': the password was right, a second factor is wanted; 'full'
  created_at INTEGER NOT NULL,
  proved_at INTEGER NOT NULL,              -- when the user last proved who they are
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  address TEXT NOT NULL,
  client TEXT NOT NULL
);
CREATE INDEX session_user ON session (user_id);
CREATE INDEX session_expiry ON session (expires_at);

-- One row.
CREATE TABLE organization (second_factor_required INTEGER NOT NULL);
INSERT INTO organization VALUES (0);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  user_id INTEGER,                         -- whose account it is about; users may be gone
  actor TEXT NOT NULL,                     -- who did it: an e-mail address, or 'operator' for the command line
  address TEXT NOT NULL,                   -- empty for the command line
  client TEXT NOT NULL,
  details TEXT NOT NULL                    -- JSON object, without secrets
);
CREATE INDEX audit_user ON audit (user_id, id);
CREATE INDEX audit_kind ON audit (kind, id);
CREATE INDEX audit_age ON audit (at);

-- How full the storage was, a point a day.
CREATE TABLE storage_point (
  day TEXT PRIMARY KEY,                    -- of UTC: 2027-01-31
  used_bytes INTEGER NOT NULL,             -- on all drives, trash included
  files INTEGER NOT NULL
) WITHOUT ROWID;
