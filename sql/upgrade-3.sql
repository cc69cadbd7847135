-- Upgrade to version 3: smaller rows in the table of tokens.
DROP VIEW IF EXISTS token_classes;
DROP VIEW IF EXISTS rising_tokens;
DROP VIEW IF EXISTS shown_tokens;
ALTER TABLE tokens RENAME COLUMN first_day TO age;
WITH RECURSIVE bits (number, bit) AS (
  SELECT 0, 1 UNION ALL SELECT number + 1, bit << 1 FROM bits WHERE number < 63
)
UPDATE tokens SET day = day / 86400, age = (day - age) / 86400,
  sketch = CASE WHEN reporters = 1 THEN
    coalesce((SELECT number FROM bits WHERE bit = sketch), 0)
    ELSE sketch END;
