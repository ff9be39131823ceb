-- 治疗：按行号查
SELECT id AS row_ref, id AS cursor_key, entered AS entered_at, id, patient, item, quantity, at FROM treatment WHERE id IN :keys
