-- 血透排班：业务时间在一段之内的全部行，用于核对与补读；列与 HD02.sql 相同
SELECT
    dialysis_schedule.id AS row_ref,
    dialysis_schedule.updated_at AS cursor_time,
    dialysis_schedule.id AS cursor_key,
    dialysis_schedule.created_at AS entered_at,
    dialysis_schedule.plan_no,
    dialysis_schedule.plan_date,
    dialysis_schedule.shift,
    dialysis_schedule.bed,
    dialysis_schedule.machine,
    dialysis_schedule.order_no,
    dialysis_schedule.plan_state,
    dialysis_schedule.absence_note,
    dialysis_schedule.delete_flag,
    patient.card_no,
    patient.insured_no
FROM dialysis_schedule
LEFT JOIN patient ON patient.id = dialysis_schedule.patient_id
WHERE dialysis_schedule.plan_date >= date(:from)
    AND dialysis_schedule.plan_date < date(:to)
    AND dialysis_schedule.id > :after_key
ORDER BY dialysis_schedule.id
LIMIT :limit
