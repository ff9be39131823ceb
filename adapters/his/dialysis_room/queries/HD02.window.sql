-- 排班：业务时间在一段之内的全部行，用于核对与补读；列与 HD02.sql 相同
SELECT s.id              AS row_ref,
       s.id              AS cursor_key,
       s.created_at      AS entered_at,
       s.id              AS schedule_id,
       s.patient_id,
       s.scheduled_date,
       s.shift,
       s.status,
       s.absence_reason,
       m.machine_no
FROM schedules s
LEFT JOIN machines m ON m.id = s.machine_id
WHERE s.scheduled_date >= CAST(:from AS date)
    AND s.scheduled_date < CAST(:to AS date)
    AND s.id > CAST(:after_key AS uuid)
ORDER BY s.id
LIMIT :limit
