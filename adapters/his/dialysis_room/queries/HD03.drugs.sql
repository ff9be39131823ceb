-- 透析中给的药，HD03 的子表：跳过的没有给；实际剂量优先于医嘱剂量
SELECT e.dialysis_record_id            AS row_ref,
       e.id                            AS line_key,
       o.drug_name,
       COALESCE(e.actual_dose, o.dose) AS dose,
       o.dose_unit,
       o.route,
       e.execution_date,
       e.execution_time
FROM order_executions e
LEFT JOIN long_term_orders o  ON o.id = e.long_term_order_id
WHERE e.dialysis_record_id IN :keys
  AND e.status IN ('executed', 'modified')
