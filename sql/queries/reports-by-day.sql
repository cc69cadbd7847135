-- What did users report on each of the last 30 days?
SELECT day, verdict, origin, reports, burst
FROM report_days
WHERE day >= date('now', '-30 days')
ORDER BY day, verdict, origin;
