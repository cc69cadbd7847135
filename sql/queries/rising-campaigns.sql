-- Which campaigns are rising: what is new this week and only ever spam?
SELECT class, token, reporters, spam, first_day, last_day
FROM rising_tokens
ORDER BY reporters DESC, spam DESC, token
LIMIT 50;
