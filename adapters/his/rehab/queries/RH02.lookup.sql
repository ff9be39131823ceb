-- 高压氧治疗记录：按行号查，确认一行是否还在；列与 RH02.sql 相同
SELECT t.id              AS row_ref,
       t.id              AS cursor_key,
       t.id              AS treatment_id,
       t.register_id,
       t.patient_id,
       t.execution_status,
       t.record_date,
       t.record_time,
       t.record_info,
       g.register_id     AS head_id,
       g.patient_type,
       g.comp_type       AS fixmedins_code
FROM hbot_treatment_record t
LEFT JOIN hbot_register_record g  ON g.register_id = t.register_id
WHERE t.id IN :keys
