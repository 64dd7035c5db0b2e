-- Keys and addresses are sealed before they are written; still, what is deleted is overwritten.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE pairs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL
) STRICT;

-- How far each box was read at each service, and how often the messages behind that were tried.
CREATE TABLE cursors (
    box BLOB NOT NULL,
    service TEXT NOT NULL,
    at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (box, service)
) STRICT, WITHOUT ROWID;

CREATE TABLE seen (
    id BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_until ON seen (until);

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sealed BLOB NOT NULL,
    until INTEGER NOT NULL
) STRICT;
