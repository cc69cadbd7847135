-- What spam got through in the last seven days, and how close was it?
SELECT CASE WHEN h.score < 0 THEN 'unknown'
    ELSE printf('%d-%d', h.score / 10 * 10, h.score / 10 * 10 + 9)
  END AS score,
  coalesce(o.name, h.origin) AS origin,
  sum(reports - burst) AS reports
FROM hours h LEFT JOIN origins o USING (origin)
WHERE verdict = 1 AND reports > burst
  AND h.score < (SELECT value FROM meta WHERE name = 'threshold')
  AND hour >= strftime('%s', 'now', '-7 days')
GROUP BY 1, h.origin
ORDER BY max(h.score) DESC, reports DESC;
