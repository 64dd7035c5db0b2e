-- Changes and what follows from them. Times are microseconds since the Unix epoch.

CREATE TABLE store (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    -- Drawn again when the store is restored from a copy.
    epoch    BLOB NOT NULL CHECK (length(epoch) = 16),
    -- Arrival numbers below this may have been given out.
    next_seq INTEGER NOT NULL
) STRICT;
INSERT INTO store VALUES (1, randomblob(16), 1);

CREATE TABLE users (
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE devices (
    no           INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    -- How much of what came from this device is parked.
    parked_count INTEGER NOT NULL DEFAULT 0,
    parked_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE groups (
    no    INTEGER PRIMARY KEY,
    id    BLOB NOT NULL UNIQUE,
    name  TEXT NOT NULL,
    owner INTEGER NOT NULL REFERENCES users (no)
) STRICT;

CREATE TABLE collections (
    no   INTEGER PRIMARY KEY,
    grp  INTEGER NOT NULL REFERENCES groups (no),
    name TEXT NOT NULL,
    UNIQUE (grp, name)
) STRICT;

-- state: 0 live, 1 history, 2 parked until its author may write, 3 parked until it is due.
CREATE TABLE changes (
    no         INTEGER PRIMARY KEY,
    grp        INTEGER NOT NULL REFERENCES groups (no),
    -- Order of arrival; drawn again when a change comes back to life.
    seq        INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    author     INTEGER NOT NULL REFERENCES users (no),
    stamp      INTEGER NOT NULL,
    -- The device that delivered it; 0 once it has to be delivered there too.
    source     INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    membership INTEGER NOT NULL,
    -- How many fields and deletes of the view come from it.
    wins       INTEGER NOT NULL,
    -- Since when it has been in history or parked.
    since      INTEGER NOT NULL
) STRICT;
-- Hashes are random, so each insert is into another page: short keys keep these pages few.
CREATE INDEX changes_by_name ON changes (substr(hash, 1, 8));
CREATE INDEX live_records ON changes (grp, seq, source) WHERE state = 0 AND membership = 0;
CREATE INDEX live_membership ON changes (grp, seq, source) WHERE state = 0 AND membership = 1;
CREATE INDEX live_items ON changes (grp, stamp) WHERE state = 0;
CREATE INDEX history_items ON changes (grp, stamp) WHERE state = 1;
CREATE INDEX parked_items ON changes (grp, author) WHERE state = 2;
CREATE INDEX due_items ON changes (stamp) WHERE state = 3;
CREATE INDEX not_live_since ON changes (since) WHERE state > 0;

-- Apart from the rows above, which are rewritten whenever a win is lost.
CREATE TABLE bodies (
    change INTEGER PRIMARY KEY,
    bytes  BLOB NOT NULL
) STRICT;

-- The view: the winning write of each field. Fields of one record lie next to each other. A field that was removed
-- has the value x'f7', which no other has.
CREATE TABLE fields (
    collection INTEGER NOT NULL,
    id         TEXT NOT NULL,
    field      TEXT NOT NULL,
    value      BLOB NOT NULL,
    stamp      INTEGER NOT NULL,
    change     INTEGER NOT NULL,
    PRIMARY KEY (collection, id, field)
) STRICT, WITHOUT ROWID;

-- The greatest delete of each record that has one.
CREATE TABLE deletes (
    collection INTEGER NOT NULL,
    id         TEXT NOT NULL,
    stamp      INTEGER NOT NULL,
    change     INTEGER NOT NULL,
    PRIMARY KEY (collection, id)
) STRICT, WITHOUT ROWID;

-- Valid writes that lost, so that they can be shown and can win again. A delete has the field ''.
CREATE TABLE lost (
    collection INTEGER NOT NULL,
    id         TEXT NOT NULL,
    field      TEXT NOT NULL,
    change     INTEGER NOT NULL,
    PRIMARY KEY (collection, id, field, change)
) STRICT, WITHOUT ROWID;

-- Up to where this store has everything of another device.
CREATE TABLE marks (
    grp    INTEGER NOT NULL REFERENCES groups (no),
    device INTEGER NOT NULL REFERENCES devices (no),
    epoch  BLOB NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (grp, device)
) STRICT, WITHOUT ROWID;

-- Up to where another device has said that it has everything of this store.
CREATE TABLE acked (
    grp    INTEGER NOT NULL REFERENCES groups (no),
    device INTEGER NOT NULL REFERENCES devices (no),
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (grp, device)
) STRICT, WITHOUT ROWID;
