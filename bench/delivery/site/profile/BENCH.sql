-- 透析记录，按修改时间读取
SELECT id AS row_ref, id AS cursor_key, changed_at AS cursor_time,
    session_no, plan_no, order_no, card_no, insured_no, session_date, shift, mode, machine, on_clock, off_clock, minutes,
    yb_no, weight_before, weight_after, uf_ml, dialyzer, nurse, ended_early, end_note
FROM dialysis_session
WHERE changed_at >= :after_time
    AND (changed_at > :after_time OR id > :after_key)
ORDER BY changed_at, id
LIMIT :limit
