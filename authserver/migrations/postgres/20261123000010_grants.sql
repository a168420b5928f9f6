-- The secret of a client that proves itself with an HMAC under it (client_secret_jwt): sealed under the master key.
ALTER TABLE clients ADD COLUMN sealed_secret BYTEA;
