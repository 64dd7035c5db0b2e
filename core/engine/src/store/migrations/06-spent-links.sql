-- Links that this node made or opened and that are of no more use to it, by the fingerprints of their boxes.
CREATE TABLE spent_links (
    id BLOB PRIMARY KEY,
    made INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
