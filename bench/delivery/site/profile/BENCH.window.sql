-- 透析记录：业务时间在一段之内的全部行
SELECT id AS row_ref, id AS cursor_key, changed_at AS cursor_time,
    session_no, plan_no, order_no, card_no, insured_no, session_date, shift, mode, machine, on_clock, off_clock, minutes,
    yb_no, weight_before, weight_after, uf_ml, dialyzer, nurse, ended_early, end_note
FROM dialysis_session
WHERE session_date >= :from
    AND session_date < :to
    AND id > :after_key
ORDER BY id
LIMIT :limit
