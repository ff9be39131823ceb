-- 高压氧治疗记录：业务日期在一段之内的全部行，用于核对与补读；列与 RH02.sql 相同。日期是文本，有 - 和 / 两种写法
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
WHERE REPLACE(t.record_date, '/', '-') >= DATE_FORMAT(:from, '%Y-%m-%d')
    AND REPLACE(t.record_date, '/', '-') < DATE_FORMAT(:to, '%Y-%m-%d')
    AND t.id > :after_key
ORDER BY t.id
LIMIT :limit
