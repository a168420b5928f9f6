-- What people and administrators need: versions for edits that do not overwrite each other, roles, factors, throttles,
-- the audit log, and what the console shows.

ALTER TABLE clients ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE scopes ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE people ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE people ADD COLUMN role TEXT NOT NULL DEFAULT 'person' CHECK (role IN ('person', 'admin'));
ALTER TABLE people ADD COLUMN password_at INTEGER;
CREATE TRIGGER clients_versioned AFTER UPDATE ON clients WHEN NEW.version = OLD.version BEGIN
    UPDATE clients SET version = OLD.version + 1 WHERE id = NEW.id;
END;
CREATE TRIGGER scopes_versioned AFTER UPDATE ON scopes WHEN NEW.version = OLD.version BEGIN
    UPDATE scopes SET version = OLD.version + 1 WHERE name = NEW.name;
END;
CREATE TRIGGER people_versioned AFTER UPDATE ON people WHEN NEW.version = OLD.version BEGIN
    UPDATE people SET version = OLD.version + 1 WHERE id = NEW.id;
END;
CREATE INDEX clients_by_name ON clients (lower(name), id);
CREATE INDEX people_by_role ON people (role) WHERE role <> 'person';

DROP INDEX grants_by_client;
DROP INDEX grants_by_person;
CREATE INDEX grants_by_client ON grants (client_id, created_at, id);
CREATE INDEX grants_by_person ON grants (person_id, created_at, id);
CREATE INDEX grants_by_time ON grants (created_at, id);

-- Where a session was begun, for the person to know it by.
ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE sessions ADD COLUMN agent TEXT;

-- A secret that a person's app makes codes from (RFC 6238), sealed under the master key.
CREATE TABLE totp (
    person_id TEXT PRIMARY KEY REFERENCES people (id),
    sealed BLOB NOT NULL,
    added_at INTEGER NOT NULL,
    last_step INTEGER NOT NULL      -- the time step of the last code taken: none is taken twice
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    person_id TEXT NOT NULL REFERENCES people (id),
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_codes_by_person ON recovery_codes (person_id);

-- The theoretical arrival time of each bucket (GCRA), in milliseconds.
CREATE TABLE throttles (
    key TEXT PRIMARY KEY,
    tat INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_by_expiry ON throttles (expires_at);

-- Who did what to which object, from where. Written in the transaction of the change, never changed, kept for ever.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object TEXT NOT NULL,
    before TEXT,                    -- JSON, without secrets
    after TEXT
) STRICT;
CREATE INDEX audit_by_object ON audit (object_kind, object, id);
CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log does not change'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is kept'); END;

-- How much of what happened in each minute, by all replicas.
CREATE TABLE activity (
    minute INTEGER NOT NULL,        -- Unix time in seconds, of its beginning
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (minute, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_by_expiry ON activity (expires_at);

-- Who follows the revocation feed, and since when each was last known to have read all of it.
CREATE TABLE followers (
    name TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    current_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX followers_by_expiry ON followers (expires_at);
