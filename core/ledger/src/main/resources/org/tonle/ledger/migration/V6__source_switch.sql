-- Which sources are paused: nothing is taken from them until somebody resumes them. A row stays
-- when a source is resumed: its time tells every process that somebody wants it to try again.
CREATE TABLE tonle.source_switch (
    source     text PRIMARY KEY,
    paused     boolean NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

UPDATE tonle.meta SET value = '6' WHERE key = 'format';
