-- Who has reported more than junk_feedback_rate allows, without a name?
-- flooder: a number that stands for one person in one hour; it changes in the
-- next.
SELECT strftime('%Y-%m-%d %H:00', r.hour, 'unixepoch') AS hour,
  printf('%016x', r.burst) AS flooder,
  coalesce(v.name, r.verdict) AS verdict,
  coalesce(o.name, r.origin) AS origin,
  count(*) AS reports
FROM reports r
  LEFT JOIN verdicts v USING (verdict)
  LEFT JOIN origins o USING (origin)
WHERE r.burst <> 0 AND r.undone IS NULL
GROUP BY r.hour, r.burst, r.verdict, r.origin
ORDER BY r.hour DESC, reports DESC
LIMIT 100;
