-- 采购退货明细。找不到单据头的明细不知属于哪一类，也要读到，由映射按规则排除并计数。
SELECT i.id               AS row_ref,
       i.id               AS cursor_key,
       h.create_time      AS entered_at,
       i.id               AS item_id,
       i.oper_number,
       i.unit_price,
       i.delete_flag      AS item_deleted,
       h.id               AS head_id,
       h.number           AS bill_number,
       h.oper_time,
       h.status           AS head_status,
       h.delete_flag      AS head_deleted,
       m.mfrs             AS maker,
       s.supplier,
       m.name             AS material_name,
       e.bar_code
FROM jsh_depot_item i
LEFT JOIN jsh_depot_head h       ON h.id = i.header_id
LEFT JOIN jsh_material m         ON m.id = i.material_id
LEFT JOIN jsh_material_extend e  ON e.id = i.material_extend_id
LEFT JOIN jsh_supplier s         ON s.id = h.organ_id
WHERE i.id > :after_key
  AND (h.id IS NULL OR (h.type = '出库' AND h.sub_type = '采购退货'))
ORDER BY i.id
LIMIT :limit
