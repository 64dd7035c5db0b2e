-- Up to which arrival changes of a group may have left this device. Of older stores it is not known.
ALTER TABLE groups ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
UPDATE groups SET sent = (SELECT next_seq FROM store);
