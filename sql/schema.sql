-- The service's database, at its newest version; sql/upgrade-N.sql brings an
-- older one to version N. What each table means is in doc/schema.md.
--
-- Nothing here names a user, a message or a word: numbers that identify are
-- made with the secret key, which isn't in the database.

-- Numbers and blobs of the service itself, e.g. what the database knows its
-- key by.
CREATE TABLE meta (
  name TEXT NOT NULL PRIMARY KEY,
  value NOT NULL
) WITHOUT ROWID;

-- One row per report. A report that was taken back stays until it expires, so
-- that a repetition of it is recognised.
CREATE TABLE reports (
  -- order in which they were learned
  seq INTEGER NOT NULL PRIMARY KEY,
  -- keyed hash of (reporter, message)
  id INTEGER NOT NULL,
  -- start of the hour in which it was received, seconds since 1970
  hour INTEGER NOT NULL,
  -- see the view verdicts; 4 = nothing: it only takes back
  verdict INTEGER NOT NULL,
  -- see the view origins
  origin INTEGER NOT NULL,
  -- score before it was learned, 0-100; NULL = unknown
  score INTEGER,
  -- 0; or over its reporter's limit, neither learned nor counted in tokens:
  -- then a number that stands for the reporter in this hour, and in no other
  burst INTEGER NOT NULL,
  -- number in the order of reports at which it was taken back
  undone INTEGER,
  -- the client's time, reporter and tokens (none of a burst), encrypted
  sealed BLOB NOT NULL
);
CREATE INDEX reports_undone ON reports (undone) WHERE undone IS NOT NULL;
CREATE INDEX reports_burst ON reports (seq) WHERE burst <> 0;

-- The newest report of each id. Lags behind: what came after meta's "ids_seq" may
-- be missing, and reports that are gone may still be in it.
CREATE TABLE report_ids (
  id INTEGER NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL
);

-- Reports that count, by hour, verdict, origin and the score before they were
-- learned (-1 = unknown).
CREATE TABLE hours (
  hour INTEGER NOT NULL,
  verdict INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  score INTEGER NOT NULL,
  reports INTEGER NOT NULL,
  -- how many of them are over their reporter's limit
  burst INTEGER NOT NULL,
  PRIMARY KEY (hour, verdict, origin, score)
) WITHOUT ROWID;

-- How often a token was reported. reporters is how many different people are
-- behind it, estimated from the sketch. Millions of rows: as small as can be.
CREATE TABLE tokens (
  -- keyed hash of the token
  token INTEGER NOT NULL PRIMARY KEY,
  -- see the view classes
  class INTEGER NOT NULL,
  spam INTEGER NOT NULL,
  ham INTEGER NOT NULL,
  reporters INTEGER NOT NULL,
  -- 64 bits; of one reporter: the number of its bit
  sketch INTEGER NOT NULL,
  -- days since 1970, of its last report
  day INTEGER NOT NULL,
  -- days from its first report to its last
  age INTEGER NOT NULL
);

-- Where junk_feedback_uid_identities is set: which identity belongs to whom.
CREATE TABLE identities (
  -- keyed hash of the identity
  identity INTEGER NOT NULL PRIMARY KEY,
  -- keyed hash of the uid that was the first to report with it
  uid INTEGER NOT NULL,
  -- start of the day of its last report, seconds since 1970
  day INTEGER NOT NULL
);
CREATE INDEX identities_uid ON identities (uid);

-- The classifier's state, encrypted, in parts so that no transaction takes
-- long: half of the rows, by turns. meta's "snapshot" says which half is
-- whole, and the number of the last report in it.
CREATE TABLE snapshot (
  id INTEGER NOT NULL PRIMARY KEY,
  sealed BLOB NOT NULL
);
