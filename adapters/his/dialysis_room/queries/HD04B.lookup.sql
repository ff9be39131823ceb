-- 耗材出库：按行号查，确认一行是否还在；列与 HD04B.sql 相同
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
WHERE c.id IN :keys
