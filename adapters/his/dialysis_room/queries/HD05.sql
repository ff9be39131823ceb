-- 血透病历：每名患者当前的情况，归入当前的月份；下个月是另一批记录，所以行号里带月份，也没有按行号的查询
SELECT to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYYMM') || '-' || p.id    AS row_ref,
       p.id                                                                    AS cursor_key,
       CAST(date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') AS date)   AS month,
       p.id                                                                    AS patient_id,
       p.patient_identifier,
       p.primary_diagnosis,
       p.dialysis_start_date,
       p.status,
       p.updated_at,
       x.hemodialysis_modality
FROM patients p
LEFT JOIN LATERAL (
    SELECT hemodialysis_modality
    FROM prescriptions
    WHERE patient_id = p.id AND is_current
    ORDER BY valid_from DESC, id
    LIMIT 1
) x ON TRUE
WHERE p.id > CAST(:after_key AS uuid)
ORDER BY p.id
LIMIT :limit
