-- Which kinds of evidence do reports hold, and for which side do they speak?
SELECT class, tokens, spam, ham,
  round(100.0 * spam / nullif(spam + ham, 0), 1) AS spam_percent
FROM token_classes
ORDER BY spam + ham DESC, class;
