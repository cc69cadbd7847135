-- Views for an administrator (sqlite3 -readonly stats.sqlite3). The service
-- recreates them when they have changed. The tables are in schema.sql.

DROP VIEW IF EXISTS verdicts;
CREATE VIEW verdicts (verdict, name) AS
  VALUES (1, 'spam'), (2, 'ham'), (3, 'weak-ham'), (4, 'retract');

DROP VIEW IF EXISTS origins;
CREATE VIEW origins (origin, name) AS
  VALUES (1, 'move'), (2, 'copy'), (3, 'append'), (4, 'keyword'),
    (5, 'action'), (6, 'sieve'), (7, 'learn'), (8, 'kept');

DROP VIEW IF EXISTS classes;
CREATE VIEW classes (class, name) AS
  VALUES (0, 'body-word'), (1, 'subject-word'), (2, 'sender-address'),
    (3, 'sender-domain'), (4, 'sender-name'), (5, 'reply-to'),
    (6, 'url-host'), (7, 'url-domain'), (8, 'url-path'), (9, 'attachment'),
    (10, 'media-type'), (11, 'charset'), (12, 'mime-shape'),
    (13, 'auth-result'), (14, 'recipients'), (15, 'list'), (16, 'mailer'),
    (17, 'script'), (18, 'invisible'), (19, 'header-word'),
    (20, 'header-name'), (21, 'html'), (22, 'size'),
    (23, 'client');

-- Reports that count, by hour in seconds since 1970. Base of report_hours and
-- report_days.
DROP VIEW IF EXISTS named_reports;
CREATE VIEW named_reports AS
  SELECT h.hour AS hour,
    coalesce(v.name, h.verdict) AS verdict,
    coalesce(o.name, h.origin) AS origin,
    sum(h.reports) AS reports, sum(h.burst) AS burst
  FROM hours h
    LEFT JOIN verdicts v USING (verdict)
    LEFT JOIN origins o USING (origin)
  GROUP BY h.hour, h.verdict, h.origin;

DROP VIEW IF EXISTS report_hours;
CREATE VIEW report_hours AS
  SELECT strftime('%Y-%m-%d %H:00', hour, 'unixepoch') AS hour,
    verdict, origin, reports, burst
  FROM named_reports;

DROP VIEW IF EXISTS report_days;
CREATE VIEW report_days AS
  SELECT strftime('%Y-%m-%d', hour, 'unixepoch') AS day,
    verdict, origin, sum(reports) AS reports, sum(burst) AS burst
  FROM named_reports
  GROUP BY 1, verdict, origin;

-- Tokens that enough different people have reported.
DROP VIEW IF EXISTS shown_tokens;
CREATE VIEW shown_tokens AS
  SELECT coalesce(c.name, t.class) AS class,
    printf('%016x', t.token) AS token,
    t.spam AS spam, t.ham AS ham, t.reporters AS reporters,
    strftime('%Y-%m-%d', (t.day - t.age) * 86400, 'unixepoch') AS first_day,
    strftime('%Y-%m-%d', t.day * 86400, 'unixepoch') AS last_day
  FROM tokens t LEFT JOIN classes c USING (class)
  WHERE t.reporters >=
    (SELECT value FROM meta WHERE name = 'min_reporters');

-- New tokens that were never reported as good mail, which indicates a
-- campaign. Header names and the like are excluded, since they come and go
-- with each mailer.
DROP VIEW IF EXISTS rising_tokens;
CREATE VIEW rising_tokens AS
  SELECT class, token, reporters, spam, first_day, last_day
  FROM shown_tokens
  WHERE ham = 0 AND first_day >= date('now', '-7 days')
    AND class NOT IN ('header-name', 'size', 'mime-shape');

DROP VIEW IF EXISTS token_classes;
CREATE VIEW token_classes AS
  SELECT class, count(*) AS tokens, sum(spam) AS spam, sum(ham) AS ham
  FROM shown_tokens
  GROUP BY class;

-- What a filter would have done at each threshold if it had filed the reported
-- messages before anybody reported them. missed: spam (false negatives);
-- caught: ham that users rescued (false positives); weak_caught: good mail
-- that users kept (answered, flagged, filed). Messages with unknown scores
-- wouldn't be filed. Bursts are excluded.
DROP VIEW IF EXISTS thresholds;
CREATE VIEW thresholds (threshold) AS
  VALUES (50), (55), (60), (65), (70), (75), (80), (85), (90), (95), (99), (100)
  UNION
  SELECT value FROM meta WHERE name = 'threshold';

-- By hour in seconds since 1970. Base of rate_hours and rate_days.
DROP VIEW IF EXISTS rates;
CREATE VIEW rates AS
  SELECT h.hour AS hour, t.threshold AS threshold,
    sum((h.verdict = 1) * (h.reports - h.burst)) AS spam,
    sum((h.verdict = 1 AND h.score < t.threshold) *
      (h.reports - h.burst)) AS missed,
    sum((h.verdict = 2) * (h.reports - h.burst)) AS ham,
    sum((h.verdict = 2 AND h.score >= t.threshold) *
      (h.reports - h.burst)) AS caught,
    sum((h.verdict = 3) * (h.reports - h.burst)) AS weak_ham,
    sum((h.verdict = 3 AND h.score >= t.threshold) *
      (h.reports - h.burst)) AS weak_caught
  FROM hours h JOIN thresholds t
  GROUP BY h.hour, t.threshold;

DROP VIEW IF EXISTS rate_hours;
CREATE VIEW rate_hours AS
  SELECT strftime('%Y-%m-%d %H:00', hour, 'unixepoch') AS hour,
    threshold, spam, missed, ham, caught, weak_ham, weak_caught
  FROM rates;

DROP VIEW IF EXISTS rate_days;
CREATE VIEW rate_days AS
  SELECT strftime('%Y-%m-%d', hour, 'unixepoch') AS day, threshold,
    sum(spam) AS spam, sum(missed) AS missed,
    sum(ham) AS ham, sum(caught) AS caught,
    sum(weak_ham) AS weak_ham, sum(weak_caught) AS weak_caught
  FROM rates
  GROUP BY 1, threshold;
