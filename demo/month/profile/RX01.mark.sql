-- 处方：最新的行号和总行数
SELECT MAX(id) AS newest_key, COUNT(*) AS row_count FROM prescription
