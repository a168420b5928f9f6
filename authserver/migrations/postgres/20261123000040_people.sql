-- What people and administrators need: versions for edits that do not overwrite each other, roles, factors, throttles,
-- the audit log, and what the console shows.

ALTER TABLE clients ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE scopes ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE people ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE people ADD COLUMN role TEXT NOT NULL DEFAULT 'person' CHECK (role IN ('person', 'admin'));
ALTER TABLE people ADD COLUMN password_at BIGINT;
CREATE FUNCTION bearward_next_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER next_version BEFORE UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION bearward_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON scopes FOR EACH ROW EXECUTE FUNCTION bearward_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION bearward_next_version();
-- Byte by byte, so that "begins with" is a range of the index.
ALTER TABLE clients ALTER COLUMN name TYPE TEXT COLLATE "C";
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
    person_id TEXT COLLATE "C" PRIMARY KEY REFERENCES people (id),
    sealed BYTEA NOT NULL,
    added_at BIGINT NOT NULL,
    last_step BIGINT NOT NULL      -- the time step of the last code taken: none is taken twice
);

CREATE TABLE recovery_codes (
    digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    used_at BIGINT
);
CREATE INDEX recovery_codes_by_person ON recovery_codes (person_id);

-- The theoretical arrival time of each bucket (GCRA), in milliseconds.
CREATE TABLE throttles (
    key TEXT COLLATE "C" PRIMARY KEY,
    tat BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX throttles_by_expiry ON throttles (expires_at);

-- Who did what to which object, from where. Written in the transaction of the change, never changed, kept for ever.
CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    address TEXT,
    action TEXT COLLATE "C" NOT NULL,
    object_kind TEXT COLLATE "C" NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    before TEXT,                    -- JSON, without secrets
    after TEXT
);
CREATE INDEX audit_by_object ON audit (object_kind, object, id);
CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE FUNCTION bearward_keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log does not change';
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION bearward_keep_audit();

-- How much of what happened in each minute, by all replicas.
CREATE TABLE activity (
    minute BIGINT NOT NULL,        -- Unix time in seconds, of its beginning
    kind TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (minute, kind)
);
CREATE INDEX activity_by_expiry ON activity (expires_at);

-- Who follows the revocation feed, and since when each was last known to have read all of it.
CREATE TABLE followers (
    name TEXT COLLATE "C" PRIMARY KEY,
    seen_at BIGINT NOT NULL,
    current_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX followers_by_expiry ON followers (expires_at);
