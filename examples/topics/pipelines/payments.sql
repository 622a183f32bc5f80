-- A payment that its sender repeats is one payment.
CREATE STREAMING TABLE silver.payments AS
SELECT payment, account, amount, "partition" AS log_partition, "position" AS log_position
FROM STREAM bronze.payments;

CREATE MATERIALIZED VIEW gold.account AS
SELECT account, COUNT(*) AS payments, SUM(amount) AS paid FROM silver.payments GROUP BY account;
