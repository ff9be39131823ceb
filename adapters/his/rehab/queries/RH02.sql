-- 高压氧治疗记录。登记单给出患者类型和院区；院区号是哪家机构，由站点在 institution_codes 里写明。
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
WHERE t.id > :after_key
ORDER BY t.id
LIMIT :limit
