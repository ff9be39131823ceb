-- 门诊处方明细。药品要走两步：医嘱 -> 库存药品 -> 药品目录；全部左连接，查不到的行也要读到。
SELECT r.id                   AS row_ref,
       r.id                   AS cursor_key,
       r.create_time          AS entered_at,
       r.id                   AS line_id,
       r.prescription_no,
       r.patient_id,
       r.quantity,
       r.unit_code,
       r.req_authored_time,
       r.delete_flag,
       d.id                   AS drug_id,
       d.bus_no               AS drug_bus_no,
       d.name                 AS drug_name,
       d.yb_no                AS drug_yb_no,
       c.yb_no                AS diagnosis_yb_no,
       p.yb_no                AS doctor_yb_no,
       o.bus_no               AS dept_bus_no,
       o.name                 AS dept_name
FROM med_medication_request r
LEFT JOIN med_medication m             ON m.id = r.medication_id
LEFT JOIN med_medication_definition d  ON d.id = m.medication_def_id
LEFT JOIN cli_condition_definition c   ON c.id = r.condition_id
LEFT JOIN adm_practitioner p           ON p.id = r.practitioner_id
LEFT JOIN adm_organization o           ON o.id = r.org_id
WHERE r.id > :after_key
ORDER BY r.id
LIMIT :limit
