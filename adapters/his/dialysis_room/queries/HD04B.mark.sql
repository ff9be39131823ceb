-- 耗材出库：总行数，用来认出换过库或恢复过备份
SELECT NULL AS newest_key, COUNT(*) AS row_count
FROM consumables
