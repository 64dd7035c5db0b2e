-- How far another device's clock is ahead of this one's, in microseconds, as far as it has told.
ALTER TABLE devices ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0;

-- Changes have a further state: 4 withdrawn by their author. And `membership` is 1 for withdrawals too.
-- What withdrawals name.
CREATE TABLE withdrawn (
    hash   BLOB NOT NULL,
    change INTEGER NOT NULL REFERENCES changes (no),
    PRIMARY KEY (hash, change)
) STRICT, WITHOUT ROWID;

-- What keeps two devices from being the same.
CREATE INDEX held_back ON changes (source, grp) WHERE state = 3;
