-- Opaque access tokens: what each stands for.
CREATE TABLE access_tokens (
    digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    payload BYTEA NOT NULL,          -- JSON, the claims that a JWT would carry
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

-- Pushed authorization requests, checked when they came.
CREATE TABLE pushed_requests (
    digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    client_id TEXT COLLATE "C" NOT NULL,
    request TEXT NOT NULL,          -- JSON
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);

-- Registered types of authorization_details.
CREATE TABLE authorization_types (
    name TEXT COLLATE "C" PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    fields TEXT NOT NULL            -- JSON object
);

-- Who may register clients.
CREATE TABLE initial_access_tokens (
    digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    note TEXT NOT NULL,
    scopes TEXT NOT NULL,
    uses_left BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX initial_access_tokens_by_expiry ON initial_access_tokens (expires_at);

-- Who may manage a client that registered itself.
CREATE TABLE registration_access_tokens (
    client_id TEXT COLLATE "C" PRIMARY KEY REFERENCES clients (id),
    digest BYTEA NOT NULL CHECK (length(digest) = 32),
    scopes TEXT NOT NULL
);

-- The keys that a public client's refresh token is bound to: JSON, as cnf in access tokens.
ALTER TABLE refresh_tokens ADD COLUMN cnf TEXT;
