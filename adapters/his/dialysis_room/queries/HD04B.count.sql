-- 耗材出库：主表有多少行，不带任何连接；gateway check 用它核对查询没有丢行
SELECT COUNT(*) AS row_count
FROM consumables
