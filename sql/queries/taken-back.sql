-- How many reports did users take back, by origin?
SELECT coalesce(o.name, r.origin) AS origin, count(*) AS reports,
  sum(r.undone IS NOT NULL) AS taken_back
FROM reports r LEFT JOIN origins o USING (origin)
WHERE r.verdict <> 4
GROUP BY r.origin
ORDER BY reports DESC, r.origin;
