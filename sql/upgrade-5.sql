-- To version 5: bursts are found at once, since they are the first to go when
-- the database is too large.
CREATE INDEX reports_burst ON reports (seq) WHERE burst <> 0;
