-- 耗材库存：有多少批，不带任何连接；gateway check 用它核对查询没有丢行
SELECT COUNT(*) AS row_count
FROM consumable_batches
