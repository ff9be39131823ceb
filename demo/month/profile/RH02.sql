-- 治疗
SELECT id AS row_ref, id AS cursor_key, entered AS entered_at, id, patient, item, quantity, at FROM treatment WHERE id > :after_key ORDER BY id LIMIT :limit
