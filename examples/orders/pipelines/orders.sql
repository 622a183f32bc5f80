-- Each table of the shop as it is now. What one transaction changed is seen at once.
AUTO CDC INTO silver.customers FROM STREAM bronze.shop_customers KEYS (id);
AUTO CDC INTO silver.products FROM STREAM bronze.shop_products KEYS (id);
AUTO CDC INTO silver.orders FROM STREAM bronze.shop_orders KEYS (id);
AUTO CDC INTO silver.order_items FROM STREAM bronze.shop_order_items KEYS (order_id, line);

-- What each product has ever cost, and from when until when.
AUTO CDC INTO silver.prices FROM STREAM bronze.shop_products KEYS (id)
  COLUMNS (id, price) STORED AS SCD TYPE 2;

-- What each city has bought, cancelled orders apart.
CREATE MATERIALIZED VIEW gold.city AS
SELECT
  c.city,
  COUNT(DISTINCT o.id) AS orders,
  SUM(i.quantity * i.price) AS revenue
FROM silver.orders AS o
JOIN silver.customers AS c ON c.id = o.customer
JOIN silver.order_items AS i ON i.order_id = o.id
WHERE o.status <> 'cancelled'
GROUP BY c.city;

-- How orders stand.
CREATE MATERIALIZED VIEW gold.status AS
SELECT status, COUNT(*) AS orders FROM silver.orders GROUP BY status;
