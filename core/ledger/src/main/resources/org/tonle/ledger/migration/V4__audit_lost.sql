-- Of a statement that was lost with its process, nobody knows how many rows were sent, nor for how
-- long it ran.
ALTER TABLE tonle.audit ALTER COLUMN row_count DROP NOT NULL;
ALTER TABLE tonle.audit ALTER COLUMN micros DROP NOT NULL;

-- Which commit was the newest at a time.
CREATE INDEX commit_time ON tonle.commit (branch, at, seq) WHERE seq IS NOT NULL;

UPDATE tonle.meta SET value = '4' WHERE key = 'format';
