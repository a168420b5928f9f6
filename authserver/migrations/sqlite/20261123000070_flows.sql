-- Since when no server's configuration asks for a key's line: its keys go when the last token they signed has expired.
ALTER TABLE signing_keys ADD COLUMN ended_at INTEGER;
