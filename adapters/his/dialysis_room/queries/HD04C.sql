-- 耗材库存：每批现在的余量，归入当前的月份；下个月是另一批记录，所以行号里带月份，也没有按行号的查询
SELECT to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYYMM') || '-' || b.id              AS row_ref,
       b.id                                                                              AS cursor_key,
       CAST(date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') AS date)             AS month,
       b.lot_no,
       b.quantity_remaining,
       s.id                                                                              AS stock_id,
       s.item_code,
       s.item_name,
       s.unit,
       GREATEST(s.updated_at, date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai'))   AS stock_time
FROM consumable_batches b
LEFT JOIN consumable_stocks s  ON s.id = b.stock_item_id
WHERE b.id > CAST(:after_key AS uuid)
ORDER BY b.id
LIMIT :limit
