-- The secret of a client that proves itself with an HMAC under it (client_secret_jwt): sealed under the master key.
ALTER TABLE clients ADD COLUMN sealed_secret BLOB;

-- What may be used once: digests of the names of assertions, until those have expired.
CREATE TABLE used_once (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_once_by_expiry ON used_once (expires_at);

-- Whose assertions are believed.
CREATE TABLE trusted_issuers (
    issuer TEXT PRIMARY KEY,
    settings TEXT NOT NULL,         -- JSON object
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Devices that wait for a person. Once a person agreed, the device code is also a row of codes, which is what is redeemed.
CREATE TABLE device_codes (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    user_code BLOB NOT NULL UNIQUE CHECK (length(user_code) = 32),
    client_id TEXT NOT NULL REFERENCES clients (id),
    scope TEXT NOT NULL,
    details TEXT NOT NULL,          -- JSON object, as of grants
    poll_interval INTEGER NOT NULL,
    polled_at INTEGER,
    too_fast INTEGER NOT NULL DEFAULT 0, -- whether the latest poll was
    denied_at INTEGER,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);
