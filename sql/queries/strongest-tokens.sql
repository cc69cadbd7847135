-- Which tokens of many different people stand most clearly for spam?
SELECT class, token, spam, ham, reporters, first_day, last_day
FROM shown_tokens
WHERE spam > 10 * ham
ORDER BY spam DESC, token
LIMIT 50;
