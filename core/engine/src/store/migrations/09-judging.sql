-- Groups that are being judged again: first what counts, in the order of stamps; then, `waiting`, what is barred, in the
-- order of authors. What stands up to `at` (a stamp, or an author) and `no` is done.
CREATE TABLE judging (
    grp     INTEGER PRIMARY KEY REFERENCES groups (no),
    waiting INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    no      INTEGER NOT NULL
) STRICT;
