-- Which class of evidence carries the filter: whose tokens tell spam from good mail?
-- decisive: reports of tokens that are ten times as frequent in one kind of
-- mail as in the other, relative to the number of reports of their class.
WITH ratios AS (
  SELECT t.class AS class, t.spam + t.ham AS n,
    (t.spam + 0.5) / (c.spam + 1) / ((t.ham + 0.5) / (c.ham + 1)) AS ratio
  FROM shown_tokens t JOIN token_classes c USING (class)
)
SELECT class, count(*) AS tokens, sum(n) AS reports,
  sum(n * (ratio >= 10)) AS for_spam,
  sum(n * (ratio <= 0.1)) AS for_ham,
  round(100.0 * sum(n * (ratio >= 10 OR ratio <= 0.1)) / sum(n), 1)
    AS decisive_percent
FROM ratios
GROUP BY class
ORDER BY sum(n * (ratio >= 10 OR ratio <= 0.1)) DESC, class;
