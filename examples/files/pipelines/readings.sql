CREATE STREAMING TABLE silver.readings (
  -- a sensor that froze says -99.90
  CONSTRAINT plausible EXPECT (celsius BETWEEN -40 AND 60) ON VIOLATION DROP ROW
) AS SELECT event_id AS id, sensor, at, celsius, headers['file'] AS file FROM STREAM bronze.readings;

CREATE MATERIALIZED VIEW gold.sensor AS
SELECT sensor, COUNT(*) AS readings, MIN(celsius) AS coldest, MAX(celsius) AS warmest
FROM silver.readings GROUP BY sensor;
