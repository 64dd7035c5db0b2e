-- Whether the user takes part: 0 invited, 1 accepted, 2 left, 3 forgotten: its rows are being cleared away, and its id is
-- no longer the group's.
ALTER TABLE groups ADD COLUMN acceptance INTEGER NOT NULL DEFAULT 0;
-- About what its changes take on the disk, with the view that follows from them.
ALTER TABLE groups ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE groups SET acceptance = 1, bytes = coalesce(
    (SELECT sum(2 * length(bodies.bytes) + 256) FROM changes JOIN bodies ON change = changes.no WHERE grp = groups.no), 0);

-- Groups that do not come back by themselves.
CREATE TABLE forgotten (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

-- How far another device takes a group, as it has told; numbers as above, and 4 full.
CREATE TABLE told (
    grp        INTEGER NOT NULL REFERENCES groups (no),
    device     INTEGER NOT NULL REFERENCES devices (no),
    acceptance INTEGER NOT NULL,
    PRIMARY KEY (grp, device)
) STRICT, WITHOUT ROWID;
