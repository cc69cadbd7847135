-- Upgrade to version 2: owners of identities, and how long a token is known.
CREATE TABLE identities (
  identity INTEGER NOT NULL PRIMARY KEY,
  uid INTEGER NOT NULL,
  day INTEGER NOT NULL
);
CREATE INDEX identities_uid ON identities (uid);
ALTER TABLE tokens ADD COLUMN first_day INTEGER NOT NULL DEFAULT 0;
UPDATE tokens SET first_day = day;
