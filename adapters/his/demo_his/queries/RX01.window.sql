-- 门诊处方：业务时间在一段之内的全部行，用于核对与补读；列与 RX01.sql 相同
SELECT
    clinic_prescription.id AS row_ref,
    clinic_prescription.updated_at AS cursor_time,
    clinic_prescription.id AS cursor_key,
    clinic_prescription.created_at AS entered_at,
    clinic_prescription.rx_no,
    clinic_prescription.seq,
    clinic_prescription.rx_kind,
    clinic_prescription.quantity,
    clinic_prescription.prescribed_at,
    clinic_prescription.valid_to,
    clinic_prescription.icd,
    clinic_prescription.rx_state,
    clinic_prescription.delete_flag,
    item.id AS catalogue_id,
    item.item_no,
    item.item_name,
    item.yb_no,
    item.sale_unit,
    patient.card_no,
    patient.insured_no,
    staff.national_no AS doctor_code,
    staff.section_no
FROM clinic_prescription
LEFT JOIN patient ON patient.id = clinic_prescription.patient_id
LEFT JOIN charge_item AS item ON item.id = clinic_prescription.item_id
LEFT JOIN staff ON staff.job_no = clinic_prescription.doctor_no
WHERE clinic_prescription.prescribed_at >= :from
    AND clinic_prescription.prescribed_at < :to
    AND clinic_prescription.id > :after_key
ORDER BY clinic_prescription.id
LIMIT :limit
