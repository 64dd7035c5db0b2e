-- Groups that are being judged again: first what counts, in the order of stamps; then, `waiting`, what is barred, in the
-- order of authors. What stands up to `at` (a stamp, or an author) and `no` is done.
CREATE TABLE judging (
    grp     INTEGER PRIMARY KEY REFERENCES groups (no),
    waiting INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    no      INTEGER NOT NULL
) STRICT;

-- Changes that do not count any more, and have not been taken out of the view yet.
CREATE TABLE unsettled (
    grp    INTEGER NOT NULL REFERENCES groups (no),
    change INTEGER NOT NULL REFERENCES changes (no),
    PRIMARY KEY (grp, change)
) STRICT, WITHOUT ROWID;

-- Records whose winners have to be found anew because of them.
CREATE TABLE unresolved (
    grp        INTEGER NOT NULL REFERENCES groups (no),
    collection INTEGER NOT NULL REFERENCES collections (no),
    id         TEXT NOT NULL,
    PRIMARY KEY (grp, collection, id)
) STRICT, WITHOUT ROWID;
