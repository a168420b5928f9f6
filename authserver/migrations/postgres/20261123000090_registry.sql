-- Versions for edits of trusted issuers and of types of authorization details that do not overwrite each other.
ALTER TABLE trusted_issuers ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE authorization_types ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
CREATE TRIGGER next_version BEFORE UPDATE ON trusted_issuers FOR EACH ROW EXECUTE FUNCTION bearward_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON authorization_types FOR EACH ROW EXECUTE FUNCTION bearward_next_version();

-- When a session was last used, to the minute: one that nobody uses ends before its time.
ALTER TABLE sessions ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
UPDATE sessions SET used_at = auth_time;
