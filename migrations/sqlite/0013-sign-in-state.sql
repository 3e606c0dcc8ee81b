-- What is under way while somebody signs in outlives a restart and is one for all processes: counts of wrong guesses, login
-- flows of programs, challenges of passkeys.

CREATE TABLE throttle (
  counter TEXT NOT NULL,                   -- what is counted: 'guess 4711' (a keyed hash), 'code 12' (a user)
  seconds INTEGER NOT NULL,                -- length of the window
  used INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  PRIMARY KEY (counter, seconds)
) WITHOUT ROWID;
CREATE INDEX throttle_end ON throttle (ends_at);

CREATE TABLE login_flow (
  key TEXT PRIMARY KEY,                    -- hashes of tokens
  poll_key TEXT NOT NULL UNIQUE,
  client TEXT NOT NULL,
  remote_address TEXT NOT NULL,
  network TEXT NOT NULL,
  address TEXT NOT NULL,
  drive_id INTEGER,
  is_web_view INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  user_id INTEGER REFERENCES app_user ON DELETE CASCADE,
  email TEXT,
  password_version INTEGER,
  second_factor INTEGER,
  step_key TEXT,
  grant_key TEXT,
  granted_drive_id INTEGER
) WITHOUT ROWID;
CREATE INDEX login_flow_network ON login_flow (network, seen_at);
CREATE INDEX login_flow_start ON login_flow (started_at);

CREATE TABLE challenge (
  session_id INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
  purpose TEXT NOT NULL,                   -- 'create' or 'get' a passkey
  challenge TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (session_id, purpose)
) WITHOUT ROWID;

-- HMAC-SHA-256 of the secret by the storage's key: a check without argon2, which 120 random bits don't need. Null for app
-- passwords from before, until they are used.
ALTER TABLE app_password ADD COLUMN mac TEXT;
