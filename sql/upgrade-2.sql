-- To version 2: who may report as whom.
CREATE TABLE identities (
  identity INTEGER NOT NULL PRIMARY KEY,
  uid INTEGER NOT NULL,
  day INTEGER NOT NULL
);
CREATE INDEX identities_uid ON identities (uid);
