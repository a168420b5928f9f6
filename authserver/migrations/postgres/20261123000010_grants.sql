-- The secret of a client that proves itself with an HMAC under it (client_secret_jwt): sealed under the master key.
ALTER TABLE clients ADD COLUMN sealed_secret BYTEA;

-- What may be used once: digests of the names of assertions, until those have expired.
CREATE TABLE used_once (
    digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_once_by_expiry ON used_once (expires_at);

-- Whose assertions are believed.
CREATE TABLE trusted_issuers (
    issuer TEXT COLLATE "C" PRIMARY KEY,
    settings TEXT NOT NULL,         -- JSON object
    created_at BIGINT NOT NULL
);

-- Devices that wait for a person. Once a person agreed, the device code is also a row of codes, which is what is redeemed.
CREATE TABLE device_codes (
    digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    user_code BYTEA NOT NULL UNIQUE CHECK (length(user_code) = 32),
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
    scope TEXT NOT NULL,
    details TEXT NOT NULL,          -- JSON object, as of grants
    poll_interval BIGINT NOT NULL,
    polled_at BIGINT,
    too_fast BIGINT NOT NULL DEFAULT 0, -- whether the latest poll was
    denied_at BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);
