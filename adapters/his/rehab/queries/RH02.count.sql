-- 高压氧治疗记录：不带连接的行数。gateway check 用它核对查询没有丢行
SELECT COUNT(*) AS row_count
FROM hbot_treatment_record
