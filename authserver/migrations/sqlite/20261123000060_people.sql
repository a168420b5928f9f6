-- Passkeys (WebAuthn): public keys, and what their authenticators said of themselves. Nothing here signs anybody in.
CREATE TABLE passkeys (
    id BLOB PRIMARY KEY,            -- the credential id, made by the authenticator
    person_id TEXT NOT NULL REFERENCES people (id),
    label TEXT NOT NULL,
    credential TEXT NOT NULL,       -- JSON: the public key, its counter and its backup flags
    added_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_by_person ON passkeys (person_id, added_at);
