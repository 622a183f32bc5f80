-- Up to where a branch's states may be gone: what it was when floor_seq was its head is kept, and
-- everything later. It only grows; a commit can't bring a dataset to a state before it.
ALTER TABLE tonle.branch ADD COLUMN floor_seq bigint NOT NULL DEFAULT 0;

-- Files that nothing reaches, to be deleted when their time is over; kept: never, somebody wants it.
CREATE TABLE tonle.marked_file (
    location  text PRIMARY KEY,
    commit    uuid NOT NULL,
    bytes     bigint NOT NULL,
    marked_at timestamptz NOT NULL,
    kept      boolean NOT NULL DEFAULT false
);
CREATE INDEX marked_file_time ON tonle.marked_file (marked_at, location);

UPDATE tonle.meta SET value = '7' WHERE key = 'format';
