-- 排班。一床一班一行，取消的行仍保留。
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
WHERE s.id > CAST(:after_key AS uuid)
ORDER BY s.id
LIMIT :limit
