-- Times are µs since the Unix epoch. A box's row outlives its messages: `last` must never go back.

CREATE TABLE box (
    id      INTEGER PRIMARY KEY,
    key     BLOB    NOT NULL UNIQUE CHECK (length(key) = 49),
    last    INTEGER NOT NULL, -- `at` of the newest message ever, 0 without any
    checked INTEGER NOT NULL, -- the last check written down, 0 for never
    closed  INTEGER NOT NULL, -- 1 for the marker of a dropped box
    expires INTEGER NOT NULL
) STRICT;

CREATE INDEX box_by_expiry ON box (expires);

-- What goes first when room is needed.
CREATE INDEX box_never_checked ON box (expires) WHERE checked = 0 AND closed = 0;

CREATE TABLE message (
    id     INTEGER PRIMARY KEY,
    box    INTEGER NOT NULL REFERENCES box (id),
    at     INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    data   BLOB    NOT NULL, -- a blob, because its length is known without reading it
    UNIQUE (box, at)
) STRICT;

CREATE INDEX message_by_age ON message (stored);
