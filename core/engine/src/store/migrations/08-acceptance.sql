-- Whether the user takes part: 0 invited, 1 accepted, 2 left, 3 forgotten: its rows are being cleared away, and its id is
-- no longer the group's, 4 accepted, and records were passed over because there was no room.
ALTER TABLE groups ADD COLUMN acceptance INTEGER NOT NULL DEFAULT 0;
-- About what its changes take on the disk, with the view that follows from them.
ALTER TABLE groups ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
CREATE TEMP TABLE sizes AS
    SELECT grp, sum(2 * length(bodies.bytes) + 256) AS bytes FROM changes JOIN bodies ON change = changes.no GROUP BY grp;
UPDATE groups SET acceptance = 1, bytes = coalesce((SELECT bytes FROM sizes WHERE grp = groups.no), 0);
DROP TABLE sizes;

-- The last arrival when something was forgotten: what shows the last one may be gone with it.
ALTER TABLE store ADD COLUMN forgotten_upto INTEGER NOT NULL DEFAULT 0;

-- Groups that do not come back by themselves.
CREATE TABLE forgotten (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Devices that have not heard yet that everything of a group is taken here.
CREATE TABLE unsaid (
    grp    INTEGER NOT NULL REFERENCES groups (no),
    device INTEGER NOT NULL REFERENCES devices (no),
    PRIMARY KEY (device, grp)
) STRICT, WITHOUT ROWID;

-- How far another device takes a group, as it has told; numbers as above.
CREATE TABLE told (
    grp        INTEGER NOT NULL REFERENCES groups (no),
    device     INTEGER NOT NULL REFERENCES devices (no),
    acceptance INTEGER NOT NULL,
    PRIMARY KEY (grp, device)
) STRICT, WITHOUT ROWID;
