-- Times are Unix time in seconds. Digests are SHA-256; nothing here lets a reader act as anyone.

CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- Counts changes of clients, scopes and signing keys.
    registry INTEGER NOT NULL,
    -- Counts recorded revocations: the order in which they committed, because there is one writer at a time.
    revocations INTEGER NOT NULL,
    -- Part of every cursor; another one makes all cursors unknown.
    feed_epoch TEXT NOT NULL
) STRICT;
INSERT INTO state VALUES (1, 0, 0, lower(hex(randomblob(8))));

-- A random mark for each of the latest positions. A cursor carries the mark of the newest position when it was given; after a
-- restore from a backup positions are given out a second time, with other marks, so the cursor is refused.
CREATE TABLE feed_marks (
    position INTEGER PRIMARY KEY,
    mark TEXT NOT NULL
) STRICT;
CREATE TRIGGER position_taken AFTER UPDATE OF revocations ON state BEGIN
    INSERT INTO feed_marks VALUES (NEW.revocations, lower(hex(randomblob(8))));
    -- Whoever is further behind than this reads a snapshot.
    DELETE FROM feed_marks WHERE position <= NEW.revocations - 100000;
END;

CREATE TABLE health (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    checked_at INTEGER NOT NULL
) STRICT;

CREATE TABLE constants (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    auth_method TEXT NOT NULL,
    secret BLOB CHECK (length(secret) = 32),
    grant_types TEXT NOT NULL,      -- JSON array
    redirect_uris TEXT NOT NULL,    -- JSON array
    scopes TEXT NOT NULL,
    default_scopes TEXT NOT NULL,
    audience TEXT NOT NULL,         -- JSON array
    options TEXT NOT NULL,          -- JSON object
    disabled_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE scopes (
    name TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE people (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,  -- in lower case
    password_hash TEXT NOT NULL,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id BLOB PRIMARY KEY CHECK (length(id) = 32),
    person_id TEXT NOT NULL REFERENCES people (id),
    auth_time INTEGER NOT NULL,
    acr TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_person ON sessions (person_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- A row for each scope, so that two consents at once both hold.
CREATE TABLE consents (
    person_id TEXT NOT NULL REFERENCES people (id),
    client_id TEXT NOT NULL REFERENCES clients (id),
    scope TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (person_id, client_id, scope)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_by_client ON consents (client_id);

CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    scope TEXT NOT NULL,
    auth_time INTEGER NOT NULL,
    acr TEXT NOT NULL,
    details TEXT NOT NULL,          -- JSON object
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_client ON grants (client_id);
CREATE INDEX grants_by_person ON grants (person_id);

CREATE TABLE codes (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    grant_id TEXT NOT NULL REFERENCES grants (id),
    redirect_uri TEXT,
    code_challenge TEXT,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_by_grant ON codes (grant_id);
CREATE INDEX codes_by_expiry ON codes (expires_at);

CREATE TABLE refresh_tokens (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    grant_id TEXT NOT NULL REFERENCES grants (id),
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at INTEGER,
    successor BLOB,                 -- sealed under a key that only the spent token gives
    CHECK ((spent_at IS NULL) = (successor IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

-- A grant goes with the last of its codes and refresh tokens.
CREATE TRIGGER codes_gone AFTER DELETE ON codes BEGIN
    DELETE FROM grants WHERE id = OLD.grant_id
        AND NOT EXISTS (SELECT 1 FROM codes WHERE grant_id = OLD.grant_id)
        AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE grant_id = OLD.grant_id);
END;
CREATE TRIGGER refresh_tokens_gone AFTER DELETE ON refresh_tokens BEGIN
    DELETE FROM grants WHERE id = OLD.grant_id
        AND NOT EXISTS (SELECT 1 FROM codes WHERE grant_id = OLD.grant_id)
        AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE grant_id = OLD.grant_id);
END;

CREATE TABLE revocations (
    key INTEGER PRIMARY KEY,        -- the feed's key, its 64 bits read as signed
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    cutoff INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    position INTEGER NOT NULL DEFAULT 0 -- in the order of commits; see state.revocations
) STRICT;
CREATE INDEX revocations_by_position ON revocations (position, key, cutoff, expires_at);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);

-- Whoever writes a revocation, also by hand: it takes the next position, so that every follower sees it.
CREATE TRIGGER revocation_recorded AFTER INSERT ON revocations BEGIN
    UPDATE state SET revocations = revocations + 1;
    UPDATE revocations SET position = (SELECT revocations FROM state) WHERE key = NEW.key;
END;
CREATE TRIGGER revocation_widened AFTER UPDATE OF cutoff, expires_at ON revocations BEGIN
    UPDATE state SET revocations = revocations + 1;
    UPDATE revocations SET position = (SELECT revocations FROM state) WHERE key = NEW.key;
END;

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    alg TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private BLOB NOT NULL,
    published_at INTEGER NOT NULL,
    activates_at INTEGER
) STRICT, WITHOUT ROWID;

-- Every change of the registry counts, so that servers on the same file read it anew.
CREATE TRIGGER clients_added AFTER INSERT ON clients BEGIN UPDATE state SET registry = registry + 1; END;
CREATE TRIGGER clients_changed AFTER UPDATE ON clients BEGIN UPDATE state SET registry = registry + 1; END;
CREATE TRIGGER clients_removed AFTER DELETE ON clients BEGIN UPDATE state SET registry = registry + 1; END;
CREATE TRIGGER scopes_added AFTER INSERT ON scopes BEGIN UPDATE state SET registry = registry + 1; END;
CREATE TRIGGER scopes_changed AFTER UPDATE ON scopes BEGIN UPDATE state SET registry = registry + 1; END;
CREATE TRIGGER scopes_removed AFTER DELETE ON scopes BEGIN UPDATE state SET registry = registry + 1; END;
CREATE TRIGGER signing_keys_added AFTER INSERT ON signing_keys BEGIN UPDATE state SET registry = registry + 1; END;
CREATE TRIGGER signing_keys_changed AFTER UPDATE ON signing_keys BEGIN UPDATE state SET registry = registry + 1; END;
CREATE TRIGGER signing_keys_removed AFTER DELETE ON signing_keys BEGIN UPDATE state SET registry = registry + 1; END;
