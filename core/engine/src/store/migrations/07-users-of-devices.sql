-- Whose device it was when it delivered something last: what waits is bounded for each user, who can draw any number of
-- device ids.
ALTER TABLE devices ADD COLUMN user INTEGER REFERENCES users (no);
CREATE INDEX devices_by_user ON devices (user) WHERE parked_count > 0;
