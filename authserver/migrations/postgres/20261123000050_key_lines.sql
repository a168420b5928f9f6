-- Which keys succeed each other: those of the server's usual algorithm (empty), and those of each further one, by its name.
ALTER TABLE signing_keys ADD COLUMN line TEXT NOT NULL DEFAULT '';
