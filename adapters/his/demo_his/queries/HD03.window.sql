-- 透析记录：业务时间在一段之内的全部行，用于核对与补读；列与 HD03.sql 相同
SELECT
    dialysis_session.id AS row_ref,
    dialysis_session.updated_at AS cursor_time,
    dialysis_session.id AS cursor_key,
    dialysis_session.created_at AS entered_at,
    dialysis_session.session_no,
    dialysis_session.plan_no,
    dialysis_session.order_no,
    dialysis_session.session_date,
    dialysis_session.on_clock,
    dialysis_session.off_clock,
    dialysis_session.minutes,
    dialysis_session.machine,
    dialysis_session.weight_before,
    dialysis_session.weight_after,
    dialysis_session.dry_weight,
    dialysis_session.uf_ml,
    dialysis_session.dialyzer,
    dialysis_session.anticoagulant,
    dialysis_session.end_note,
    dialysis_session.session_state,
    dialysis_session.delete_flag,
    item.id AS catalogue_id,
    item.item_name,
    item.yb_no,
    patient.card_no,
    patient.insured_no,
    patient.dialysis_no,
    staff.national_no AS nurse_code
FROM dialysis_session
LEFT JOIN patient ON patient.id = dialysis_session.patient_id
LEFT JOIN charge_item AS item ON item.id = dialysis_session.item_id
LEFT JOIN staff ON staff.job_no = dialysis_session.nurse_no
WHERE dialysis_session.session_date >= date(:from)
    AND dialysis_session.session_date < date(:to)
    AND dialysis_session.id > :after_key
ORDER BY dialysis_session.id
LIMIT :limit
