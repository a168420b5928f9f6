-- Versions for edits of trusted issuers and of types of authorization details that do not overwrite each other.
ALTER TABLE trusted_issuers ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE authorization_types ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE TRIGGER trusted_issuers_versioned AFTER UPDATE ON trusted_issuers WHEN NEW.version = OLD.version BEGIN
    UPDATE trusted_issuers SET version = OLD.version + 1 WHERE issuer = NEW.issuer;
END;
CREATE TRIGGER authorization_types_versioned AFTER UPDATE ON authorization_types WHEN NEW.version = OLD.version BEGIN
    UPDATE authorization_types SET version = OLD.version + 1 WHERE name = NEW.name;
END;

-- When a session was last used, to the minute: one that nobody uses ends before its time.
ALTER TABLE sessions ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET used_at = auth_time;
