-- The store's life has a name from one opening to the next; peers remember arrivals by it.
CREATE TABLE lives (
    no    INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch BLOB NOT NULL UNIQUE CHECK (length(epoch) = 16),
    -- Arrival numbers from here on were given out in this life,
    first INTEGER NOT NULL,
    -- up to here; unknown while it lasts.
    last  INTEGER
) STRICT;
INSERT INTO lives (epoch, first) SELECT epoch, 1 FROM store;
ALTER TABLE store DROP COLUMN epoch;
