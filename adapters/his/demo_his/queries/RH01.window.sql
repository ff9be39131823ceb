-- 康复医嘱：业务时间在一段之内的全部行，用于核对与补读；列与 RH01.sql 相同
SELECT
    rehab_order.id AS row_ref,
    rehab_order.updated_at AS cursor_time,
    rehab_order.id AS cursor_key,
    rehab_order.created_at AS entered_at,
    rehab_order.order_no,
    rehab_order.seq,
    rehab_order.times,
    rehab_order.part,
    rehab_order.plan_minutes,
    rehab_order.valid_from,
    rehab_order.valid_to,
    rehab_order.ordered_at,
    rehab_order.order_state,
    rehab_order.delete_flag,
    item.id AS catalogue_id,
    item.item_name,
    item.yb_no,
    patient.card_no,
    patient.insured_no,
    staff.national_no AS doctor_code,
    staff.staff_name AS doctor_name,
    staff.section_no
FROM rehab_order
LEFT JOIN patient ON patient.id = rehab_order.patient_id
LEFT JOIN charge_item AS item ON item.id = rehab_order.item_id
LEFT JOIN staff ON staff.job_no = rehab_order.doctor_no
WHERE rehab_order.ordered_at >= :from
    AND rehab_order.ordered_at < :to
    AND rehab_order.id > :after_key
ORDER BY rehab_order.id
LIMIT :limit
