-- At the threshold that is set: how much spam was missed and good mail caught, day by day?
SELECT day, spam, missed, ham, caught, weak_ham, weak_caught
FROM rate_days
WHERE threshold = (SELECT value FROM meta WHERE name = 'threshold')
  AND day >= date('now', '-30 days')
ORDER BY day;
