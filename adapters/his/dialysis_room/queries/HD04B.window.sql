-- 耗材出库：登记时刻在一段之内的全部行，用于核对与补读；列与 HD04B.sql 相同
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
WHERE c.created_at >= :from
    AND c.created_at < :to
    AND c.id > CAST(:after_key AS uuid)
ORDER BY c.id
LIMIT :limit
