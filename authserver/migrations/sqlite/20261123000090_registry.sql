-- Versions for edits of trusted issuers and of types of authorization details that do not overwrite each other.
ALTER TABLE trusted_issuers ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE authorization_types ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE TRIGGER trusted_issuers_versioned AFTER UPDATE ON trusted_issuers WHEN NEW.version = OLD.version BEGIN
    UPDATE trusted_issuers SET version = OLD.version + 1 WHERE issuer = NEW.issuer;
END;
CREATE TRIGGER authorization_types_versioned AFTER UPDATE ON authorization_types WHEN NEW.version = OLD.version BEGIN
    UPDATE authorization_types SET version = OLD.version + 1 WHERE name = NEW.name;
END;
