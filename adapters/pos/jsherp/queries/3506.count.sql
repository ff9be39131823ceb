-- 销售退货与零售退货明细：这一类有多少行，加上找不到单据头的；不带连接。gateway check 用它核对查询没有丢行
SELECT COUNT(*) AS row_count
FROM jsh_depot_item i
WHERE i.header_id IN (SELECT id FROM jsh_depot_head WHERE type = '入库' AND sub_type IN ('销售退货', '零售退货'))
    OR i.header_id IS NULL OR i.header_id NOT IN (SELECT id FROM jsh_depot_head)
