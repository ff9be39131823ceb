-- 康复治疗：按行号查，确认一行是否还在；列与 RH02.sql 相同
SELECT
    rehab_treatment.id AS row_ref,
    rehab_treatment.updated_at AS cursor_time,
    rehab_treatment.id AS cursor_key,
    rehab_treatment.created_at AS entered_at,
    rehab_treatment.treat_no,
    rehab_treatment.order_no,
    rehab_treatment.kind,
    rehab_treatment.started_at,
    rehab_treatment.finished_at,
    rehab_treatment.minutes,
    rehab_treatment.part,
    rehab_treatment.treat_state,
    rehab_treatment.delete_flag,
    item.id AS catalogue_id,
    item.item_name,
    item.yb_no,
    patient.card_no,
    patient.insured_no,
    staff.national_no AS therapist_code
FROM rehab_treatment
LEFT JOIN patient ON patient.id = rehab_treatment.patient_id
LEFT JOIN charge_item AS item ON item.id = rehab_treatment.item_id
LEFT JOIN staff ON staff.job_no = rehab_treatment.therapist_no
WHERE rehab_treatment.id IN :keys
