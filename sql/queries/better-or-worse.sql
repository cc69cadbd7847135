-- Is the filter getting better, week by week, at the threshold that is set?
-- low and high: 95 % confidence interval of the true rate (Wilson). A change
-- is significant if the intervals of two weeks don't overlap.
WITH weeks AS (
  SELECT date(day, 'weekday 0', '-6 days') AS week,
    sum(spam) AS n, sum(missed) AS missed
  FROM rate_days
  WHERE threshold = (SELECT value FROM meta WHERE name = 'threshold')
  GROUP BY week
  HAVING sum(spam) > 0
), estimates AS (
  SELECT week, n, missed, 1.0 * missed / n AS p,
    1.959964 * 1.959964 / n AS z2_n FROM weeks
), intervals AS (
  SELECT week, n, missed, p, (p + z2_n / 2) / (1 + z2_n) AS middle,
    sqrt(z2_n * (p * (1 - p) + z2_n / 4)) / (1 + z2_n) AS width
  FROM estimates
)
SELECT week, n AS spam, missed, round(100 * p, 1) AS missed_percent,
  round(100 * (middle - width), 1) AS low,
  round(100 * (middle + width), 1) AS high,
  CASE
    WHEN middle + width < lag(middle - width) OVER w THEN 'better'
    WHEN middle - width > lag(middle + width) OVER w THEN 'worse'
    ELSE 'no clear change'
  END AS change
FROM intervals
WINDOW w AS (ORDER BY week)
ORDER BY week DESC
LIMIT 26;
