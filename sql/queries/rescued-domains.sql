-- Which senders' domains are most rescued, or kept as good mail?
-- doveadm junk token DOMAIN prints the token of a domain that you suspect.
SELECT class, token, ham, spam, reporters, last_day
FROM shown_tokens
WHERE class = 'sender-domain' AND ham > 0
ORDER BY ham DESC, token
LIMIT 50;
