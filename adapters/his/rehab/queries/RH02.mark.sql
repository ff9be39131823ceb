-- 高压氧治疗记录：最新的行号和总行数，用来认出换过库或恢复过备份
SELECT MAX(id) AS newest_key, COUNT(*) AS row_count
FROM hbot_treatment_record
