-- How much of the reported spam would the filter have missed, and how much good mail would it have filed, at each threshold in the last 30 days?
SELECT threshold,
  sum(spam) AS spam, sum(missed) AS missed,
  round(100.0 * sum(missed) / nullif(sum(spam), 0), 2) AS missed_percent,
  sum(ham) AS ham, sum(caught) AS caught,
  round(100.0 * sum(caught) / nullif(sum(ham), 0), 2) AS caught_percent,
  sum(weak_ham) AS weak_ham, sum(weak_caught) AS weak_caught,
  round(100.0 * sum(weak_caught) / nullif(sum(weak_ham), 0), 2)
    AS weak_caught_percent
FROM rate_days
WHERE day >= date('now', '-30 days')
GROUP BY threshold
ORDER BY threshold;
