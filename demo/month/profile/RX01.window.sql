-- 处方：业务时间在一段之内的全部行
SELECT id AS row_ref, id AS cursor_key, entered AS entered_at, id, patient, item, quantity, at FROM prescription WHERE at >= :from AND at < :to AND id > :after_key ORDER BY id LIMIT :limit
