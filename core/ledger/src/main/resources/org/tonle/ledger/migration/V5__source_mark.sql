-- How far things outside were taken: files, the logs of databases. What moves it is the commit that
-- brings what was taken to bronze. Positions are compared byte by byte, as Java compares ASCII.
CREATE TABLE tonle.source_mark (
    branch   int NOT NULL REFERENCES tonle.branch,
    source   text NOT NULL,
    item     text NOT NULL,
    position text COLLATE "C" NOT NULL,
    state    text NOT NULL,
    PRIMARY KEY (branch, source, item)
) WITH (fillfactor = 50);

UPDATE tonle.meta SET value = '5' WHERE key = 'format';
