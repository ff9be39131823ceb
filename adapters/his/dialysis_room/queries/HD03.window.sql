-- 透析记录：业务时间在一段之内的全部行，用于核对与补读；列与 HD03.sql 相同
SELECT r.id                  AS row_ref,
       r.id                  AS cursor_key,
       r.created_at          AS entered_at,
       r.id                  AS session_id,
       r.prescription_id,
       r.patient_id,
       p.patient_identifier,
       r.session_date,
       r.start_time,
       r.end_time,
       COALESCE(r.actual_duration,
                MOD(CAST(EXTRACT(EPOCH FROM (r.end_time - r.start_time)) AS integer) / 60 + 1440, 1440)) AS minutes,
       r.pre_weight,
       r.post_weight,
       r.uf_volume,
       m.machine_no,
       x.dry_weight,
       x.dialyzer_model,
       x.anticoagulant,
       x.hemodialysis_modality AS modality
FROM dialysis_records r
LEFT JOIN patients p       ON p.id = r.patient_id
LEFT JOIN machines m       ON m.id = r.machine_id
LEFT JOIN prescriptions x  ON x.id = r.prescription_id
WHERE r.session_date >= CAST(:from AS date)
    AND r.session_date < CAST(:to AS date)
    AND r.id > CAST(:after_key AS uuid)
ORDER BY r.id
LIMIT :limit
