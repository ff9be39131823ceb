-- 零售明细：业务时间在一段之内的全部行，用于核对与补读；列与 3505.sql 相同
SELECT
    line.id AS row_ref,
    COALESCE(doc.updated_at, line.updated_at) AS cursor_time,
    line.id AS cursor_key,
    line.created_at AS entered_at,
    line.doc_no || '-' || line.line_no AS row_serial,
    doc.doc_no,
    doc.doc_type,
    doc.doc_state,
    doc.pay_kind,
    doc.settle_no,
    doc.insured_no,
    doc.rx_doctor,
    doc.rx_no,
    doc.sold_at,
    clerk.clerk_name,
    pharmacist.clerk_name AS pharmacist_name,
    pharmacist.licence_no,
    line.quantity,
    line.price,
    line.is_split,
    goods.goods_no,
    goods.goods_name,
    goods.goods_class,
    goods.rx_class,
    goods.barcode,
    goods.insure_code,
    goods.shelf,
    lot.lot_key AS lot_id,
    lot.lot_no,
    lot.made_on,
    lot.expires_on
FROM sale_line AS line
LEFT JOIN sale_doc AS doc ON doc.doc_no = line.doc_no
LEFT JOIN goods ON goods.goods_no = line.goods_no
LEFT JOIN stock_lot AS lot ON lot.lot_key = line.lot_key
LEFT JOIN clerk ON clerk.clerk_no = doc.clerk_no
LEFT JOIN clerk AS pharmacist ON pharmacist.clerk_no = doc.pharmacist_no
WHERE doc.sold_at >= :from
    AND doc.sold_at < :to
    AND line.id > :after_key
ORDER BY line.id
LIMIT :limit
