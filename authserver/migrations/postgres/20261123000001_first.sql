-- Times are Unix time in seconds. Digests are SHA-256; nothing here lets a reader act as anyone.
-- Identifiers are compared byte by byte (COLLATE "C"), as on SQLite.

CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- Counts changes of clients, scopes and signing keys.
    registry BIGINT NOT NULL,
    -- Part of every cursor; another one makes all cursors unknown.
    feed_epoch TEXT NOT NULL
);
INSERT INTO state VALUES (1, 0, substr(replace(gen_random_uuid()::text, '-', ''), 1, 16));

CREATE TABLE health (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    checked_at BIGINT NOT NULL
);

CREATE TABLE constants (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE clients (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL, -- looked for by how it begins, byte by byte
    auth_method TEXT NOT NULL,
    secret BYTEA CHECK (length(secret) = 32),
    grant_types TEXT NOT NULL,      -- JSON array
    redirect_uris TEXT NOT NULL,    -- JSON array
    scopes TEXT NOT NULL,
    default_scopes TEXT NOT NULL,
    audience TEXT NOT NULL,         -- JSON array
    options TEXT NOT NULL,          -- JSON object
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE scopes (
    name TEXT COLLATE "C" PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL
);

CREATE TABLE people (
    id TEXT COLLATE "C" PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT COLLATE "C" NOT NULL UNIQUE,  -- in lower case
    password_hash TEXT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    id BYTEA PRIMARY KEY CHECK (length(id) = 32),
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    auth_time BIGINT NOT NULL,
    acr TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- A row for each scope, so that two consents at once both hold.
CREATE TABLE consents (
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
    scope TEXT COLLATE "C" NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (person_id, client_id, scope)
);
CREATE INDEX consents_by_client ON consents (client_id);

CREATE TABLE grants (
    id TEXT COLLATE "C" PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    scope TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    acr TEXT NOT NULL,
    details TEXT NOT NULL,          -- JSON object
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_by_client ON grants (client_id);
CREATE INDEX grants_by_person ON grants (person_id);

CREATE TABLE codes (
    digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    grant_id TEXT COLLATE "C" NOT NULL REFERENCES grants (id),
    redirect_uri TEXT,
    code_challenge TEXT,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX codes_by_grant ON codes (grant_id);
CREATE INDEX codes_by_expiry ON codes (expires_at);

CREATE TABLE refresh_tokens (
    digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    grant_id TEXT COLLATE "C" NOT NULL REFERENCES grants (id),
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    spent_at BIGINT,
    successor BYTEA,                -- sealed under a key that only the spent token gives
    CHECK ((spent_at IS NULL) = (successor IS NULL))
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

-- A grant goes with the last of its codes and refresh tokens.
CREATE FUNCTION bearward_drop_grant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM grants WHERE id = OLD.grant_id
        AND NOT EXISTS (SELECT 1 FROM codes WHERE grant_id = OLD.grant_id)
        AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE grant_id = OLD.grant_id);
    RETURN NULL;
END $$;
CREATE TRIGGER gone AFTER DELETE ON codes FOR EACH ROW EXECUTE FUNCTION bearward_drop_grant();
CREATE TRIGGER gone AFTER DELETE ON refresh_tokens FOR EACH ROW EXECUTE FUNCTION bearward_drop_grant();

CREATE TABLE revocations (
    key BIGINT PRIMARY KEY,         -- the feed's key, its 64 bits read as signed
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    cutoff BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The transaction that wrote the row last: what a cursor, which is a snapshot, has seen or not.
    xid XID8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX revocations_by_xid ON revocations (xid, key) INCLUDE (cutoff, expires_at);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);

-- Whoever writes a revocation, also by hand: the row names its transaction, and followers are woken when it commits.
CREATE FUNCTION bearward_stamp_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.xid := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON revocations FOR EACH ROW EXECUTE FUNCTION bearward_stamp_revocation();
CREATE FUNCTION bearward_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bearward', '');
    RETURN NULL;
END $$;
CREATE TRIGGER notify AFTER INSERT OR UPDATE ON revocations FOR EACH STATEMENT EXECUTE FUNCTION bearward_notify();
CREATE TRIGGER notify AFTER UPDATE ON state FOR EACH STATEMENT EXECUTE FUNCTION bearward_notify();

CREATE TABLE signing_keys (
    kid TEXT COLLATE "C" PRIMARY KEY,
    alg TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private BYTEA NOT NULL,
    published_at BIGINT NOT NULL,
    activates_at BIGINT
);

-- Every change of the registry counts, so that every replica reads it anew.
CREATE FUNCTION bearward_count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE state SET registry = registry + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER count AFTER INSERT OR UPDATE OR DELETE ON clients FOR EACH STATEMENT EXECUTE FUNCTION bearward_count_change();
CREATE TRIGGER count AFTER INSERT OR UPDATE OR DELETE ON scopes FOR EACH STATEMENT EXECUTE FUNCTION bearward_count_change();
CREATE TRIGGER count AFTER INSERT OR UPDATE OR DELETE ON signing_keys FOR EACH STATEMENT EXECUTE FUNCTION bearward_count_change();
