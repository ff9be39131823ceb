-- 销售退货与零售退货明细：业务时间在一段之内的全部行，用于核对与补读；列与 3506.sql 相同
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
       m.name             AS material_name,
       e.bar_code
FROM jsh_depot_item i
LEFT JOIN jsh_depot_head h       ON h.id = i.header_id
LEFT JOIN jsh_material m         ON m.id = i.material_id
LEFT JOIN jsh_material_extend e  ON e.id = i.material_extend_id
WHERE h.oper_time >= :from
    AND h.oper_time < :to
    AND h.type = '入库' AND h.sub_type IN ('销售退货', '零售退货')
    AND i.id > :after_key
ORDER BY i.id
LIMIT :limit
