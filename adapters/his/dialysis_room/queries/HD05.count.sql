-- 血透病历：有多少名患者，不带任何连接；gateway check 用它核对查询没有丢行
SELECT COUNT(*) AS row_count
FROM patients
