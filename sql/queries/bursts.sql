-- In which hours did somebody report more than junk_feedback_rate allows?
SELECT hour, verdict, sum(burst) AS burst, sum(reports) AS reports
FROM report_hours
GROUP BY hour, verdict
HAVING sum(burst) > 0
ORDER BY hour DESC
LIMIT 100;
