-- What was asked, by whom, and what became of it: one row for each statement that was taken, whatever
-- became of it. Rows are only added.

CREATE TABLE tonle.audit (
    query_id         uuid PRIMARY KEY,
    started_at       timestamptz NOT NULL,
    principal        text NOT NULL,
    statement        text NOT NULL,
    -- of the whole text, where statement holds only its beginning
    statement_sha256 text,
    tables           text[] NOT NULL,
    seq              bigint,
    row_count        bigint NOT NULL,
    micros           bigint NOT NULL,
    outcome          text NOT NULL,
    error            text
);
CREATE INDEX audit_order ON tonle.audit (started_at DESC, query_id);

-- Where the columns of a dataset come from, by the version of its definition. It follows from the
-- definitions, so that it may be written after them, and again.
CREATE TABLE tonle.lineage (
    branch       int NOT NULL REFERENCES tonle.branch,
    dataset      text NOT NULL,
    version      int NOT NULL,
    -- null: the input column decides which rows there are, or in which group
    column_name  text,
    input_table  text NOT NULL,
    input_column text NOT NULL
);
CREATE UNIQUE INDEX lineage_edge ON tonle.lineage
    (branch, dataset, version, input_table, input_column, column_name) NULLS NOT DISTINCT;

UPDATE tonle.meta SET value = '3' WHERE key = 'format';
