-- Each event once, with what is of interest taken out of it.
CREATE STREAMING TABLE silver.events (
  CONSTRAINT has_type EXPECT (event_type IS NOT NULL)
) AS
SELECT event_id, ingest_time, JSON_VALUE(payload, '$.type') AS event_type, payload
FROM STREAM bronze.events;

CREATE MATERIALIZED VIEW gold.events_by_type AS
SELECT event_type, COUNT(*) AS events, MAX(ingest_time) AS latest
FROM silver.events
GROUP BY event_type;
