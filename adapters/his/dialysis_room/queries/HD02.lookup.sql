-- 排班：按行号查，确认一行是否还在；列与 HD02.sql 相同
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
WHERE s.id IN :keys
