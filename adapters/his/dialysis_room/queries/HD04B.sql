-- 耗材出库。没有单据号，一行就是一次出库
SELECT c.id             AS row_ref,
       c.id             AS cursor_key,
       c.created_at     AS entered_at,
       c.id             AS stoout_id,
       c.dialysis_record_id,
       c.quantity,
       c.outbound_type,
       c.created_at,
       s.id             AS stock_id,
       s.item_code,
       s.item_name,
       s.unit,
       b.lot_no
FROM consumables c
LEFT JOIN consumable_stocks s   ON s.id = c.stock_item_id
LEFT JOIN consumable_batches b  ON b.id = c.batch_id
WHERE c.id > CAST(:after_key AS uuid)
ORDER BY c.id
LIMIT :limit
