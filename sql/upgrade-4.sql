-- Upgrade to version 4: a table for the ids of reports, which is written in
-- their order.
CREATE TABLE report_ids (
  id INTEGER NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL
);
INSERT INTO report_ids (id, seq) SELECT id, max(seq) FROM reports GROUP BY id;
INSERT OR REPLACE INTO meta (name, value)
  SELECT 'ids_seq', coalesce(max(seq), 0) FROM reports;
DROP INDEX reports_id;
