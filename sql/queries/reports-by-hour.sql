-- What did users report in each hour of the last two days (UTC)?
SELECT hour, verdict, origin, reports, burst
FROM report_hours
WHERE hour >= strftime('%Y-%m-%d %H:00', 'now', '-2 days')
ORDER BY hour, verdict, origin;
