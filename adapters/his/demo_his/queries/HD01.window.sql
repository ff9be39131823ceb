-- 血透医嘱：业务时间在一段之内的全部行，用于核对与补读；列与 HD01.sql 相同
SELECT
    dialysis_order.id AS row_ref,
    dialysis_order.updated_at AS cursor_time,
    dialysis_order.id AS cursor_key,
    dialysis_order.created_at AS entered_at,
    dialysis_order.order_no,
    dialysis_order.seq,
    dialysis_order.times,
    dialysis_order.mode,
    dialysis_order.per_week,
    dialysis_order.plan_minutes,
    dialysis_order.dry_weight,
    dialysis_order.valid_from,
    dialysis_order.valid_to,
    dialysis_order.ordered_at,
    dialysis_order.is_template,
    dialysis_order.order_state,
    dialysis_order.delete_flag,
    item.id AS catalogue_id,
    item.item_name,
    item.yb_no,
    patient.card_no,
    patient.insured_no,
    staff.national_no AS doctor_code,
    staff.staff_name AS doctor_name,
    staff.section_no
FROM dialysis_order
LEFT JOIN patient ON patient.id = dialysis_order.patient_id
LEFT JOIN charge_item AS item ON item.id = dialysis_order.item_id
LEFT JOIN staff ON staff.job_no = dialysis_order.doctor_no
WHERE dialysis_order.ordered_at >= :from
    AND dialysis_order.ordered_at < :to
    AND dialysis_order.id > :after_key
ORDER BY dialysis_order.id
LIMIT :limit
