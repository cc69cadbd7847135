-- The service's database in its newest version. sql/upgrade-N.sql upgrades an
-- older one to version N. doc/schema.md documents the tables.
--
-- Nothing here names a user, a message or a word: identifying numbers are
-- hashes with the secret key, which isn't in the database.

-- Numbers and blobs of the service itself, e.g. the id of the key that the
-- database belongs to.
CREATE TABLE meta (
  name TEXT NOT NULL PRIMARY KEY,
  value NOT NULL
) WITHOUT ROWID;

-- One row per report. A retracted report stays until it expires, so that a
-- repetition of it is recognised.
CREATE TABLE reports (
  -- number in the order of learning
  seq INTEGER NOT NULL PRIMARY KEY,
  -- keyed hash of (reporter, message)
  id INTEGER NOT NULL,
  -- start of the hour in which it was received, in seconds since 1970
  hour INTEGER NOT NULL,
  -- see the view verdicts; 4 = none: it only takes an earlier report back
  verdict INTEGER NOT NULL,
  -- see the view origins
  origin INTEGER NOT NULL,
  -- score before it was learned, 0-100; NULL = unknown
  score INTEGER,
  -- 0; or, over the reporter's limit and thus neither learned nor counted in
  -- tokens, a number that stands for the reporter in this hour only
  burst INTEGER NOT NULL,
  -- number (as in seq) of the event that undid the report; NULL = none
  undone INTEGER,
  -- the client's time, reporter and tokens (none for a burst), encrypted
  sealed BLOB NOT NULL
);
CREATE INDEX reports_undone ON reports (undone) WHERE undone IS NOT NULL;
CREATE INDEX reports_burst ON reports (seq) WHERE burst <> 0;

-- The newest report of each id. This table lags behind: reports after meta's
-- "ids_seq" may be missing, and deleted reports may still be in it.
CREATE TABLE report_ids (
  id INTEGER NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL
);

-- Reports that count, by hour, verdict, origin and score before they were
-- learned (-1 = unknown).
CREATE TABLE hours (
  hour INTEGER NOT NULL,
  verdict INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  score INTEGER NOT NULL,
  reports INTEGER NOT NULL,
  -- number of these over their reporter's limit
  burst INTEGER NOT NULL,
  PRIMARY KEY (hour, verdict, origin, score)
) WITHOUT ROWID;

-- How often a token was reported. reporters: how many different people
-- reported it, estimated from the sketch. There are millions of rows, so they
-- are as small as possible.
CREATE TABLE tokens (
  -- keyed hash of the token
  token INTEGER NOT NULL PRIMARY KEY,
  -- see the view classes
  class INTEGER NOT NULL,
  spam INTEGER NOT NULL,
  ham INTEGER NOT NULL,
  reporters INTEGER NOT NULL,
  -- 64 bits; if there is only one reporter, the number of the reporter's bit
  sketch INTEGER NOT NULL,
  -- day of its last report, in days since 1970
  day INTEGER NOT NULL,
  -- days from its first report to its last
  age INTEGER NOT NULL
);

-- With junk_feedback_uid_identities: which identity belongs to which uid.
CREATE TABLE identities (
  -- keyed hash of the identity
  identity INTEGER NOT NULL PRIMARY KEY,
  -- keyed hash of the uid that first reported with it
  uid INTEGER NOT NULL,
  -- start of the day of its last report, in seconds since 1970
  day INTEGER NOT NULL
);
CREATE INDEX identities_uid ON identities (uid);

-- The classifier's state, encrypted, in parts so that transactions stay short.
-- Two halves of the rows are written alternately; meta's "snapshot" says which
-- half is complete, and the number of the last report in it.
CREATE TABLE snapshot (
  id INTEGER NOT NULL PRIMARY KEY,
  sealed BLOB NOT NULL
);
