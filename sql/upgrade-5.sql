-- Upgrade to version 5: an index of bursts, since they are deleted first when
-- the database is too large.
CREATE INDEX reports_burst ON reports (seq) WHERE burst <> 0;
