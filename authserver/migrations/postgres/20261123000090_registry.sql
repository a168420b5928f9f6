-- Versions for edits of trusted issuers and of types of authorization details that do not overwrite each other.
ALTER TABLE trusted_issuers ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE authorization_types ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
CREATE TRIGGER next_version BEFORE UPDATE ON trusted_issuers FOR EACH ROW EXECUTE FUNCTION bearward_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON authorization_types FOR EACH ROW EXECUTE FUNCTION bearward_next_version();
