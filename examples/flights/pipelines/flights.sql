-- One row per flight, whatever the network did on the way.
CREATE STREAMING TABLE silver.flights (
  -- three flights of the data arrived hours before they left
  CONSTRAINT plausible_delay EXPECT (delay BETWEEN -120 AND 2880) ON VIOLATION DROP ROW,
  -- odd, and kept: this one is only counted
  CONSTRAINT at_most_an_hour_early EXPECT (delay >= -60)
) AS
SELECT event_id AS id, departed, origin, destination, distance, delay
FROM STREAM bronze.flights;

-- How an airport did on a day.
CREATE MATERIALIZED VIEW gold.airport_day AS
SELECT
  origin,
  CAST(departed AS DATE) AS departure_day,
  COUNT(*) AS flights,
  AVG(CAST(delay AS DOUBLE)) AS mean_delay,
  AVG(CASE WHEN delay > 15 THEN 1.0E0 ELSE 0.0E0 END) AS share_late
FROM silver.flights
GROUP BY origin, CAST(departed AS DATE);

-- How a route does in general.
CREATE MATERIALIZED VIEW gold.route AS
SELECT
  origin,
  destination,
  COUNT(*) AS flights,
  AVG(CAST(delay AS DOUBLE)) AS mean_delay,
  MAX(delay) AS worst_delay,
  MAX(distance) AS distance
FROM silver.flights
GROUP BY origin, destination;
