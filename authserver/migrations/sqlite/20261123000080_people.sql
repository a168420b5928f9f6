-- The audit log is read by whatever it is asked for, the newest first: an index for each, so that what is rare is found as
-- soon as what is common.
DROP INDEX audit_by_object;
CREATE INDEX audit_by_object ON audit (object, id);
CREATE INDEX audit_by_kind ON audit (object_kind, id);
CREATE INDEX audit_by_actor_and_action ON audit (actor, action, id);
CREATE INDEX audit_by_actor_and_kind ON audit (actor, object_kind, id);
CREATE INDEX audit_by_time ON audit (at, id);

-- What the console counts.
CREATE INDEX clients_disabled ON clients (disabled_at) WHERE disabled_at IS NOT NULL;

-- Who follows the revocation feed: several may ask from one address, so each names itself too. What it says of itself is
-- shown, and nothing else.
DROP TABLE followers;
CREATE TABLE followers (
    address TEXT NOT NULL,
    id TEXT NOT NULL,     -- empty for one that does not name itself
    node TEXT,                      -- what its operator calls it
    seen_at INTEGER NOT NULL,
    current_at INTEGER NOT NULL,    -- when it was last known to have read everything
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (address, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX followers_by_expiry ON followers (expires_at);

-- When a client last proved itself by which of its secrets and keys. Written every few seconds, beside the requests.
CREATE TABLE credential_uses (
    client_id TEXT NOT NULL REFERENCES clients (id),
    credential_id TEXT NOT NULL,  -- of a key its thumbprint; of the first secret nothing
    used_at INTEGER NOT NULL,
    PRIMARY KEY (client_id, credential_id)
) STRICT, WITHOUT ROWID;
