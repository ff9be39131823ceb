-- 采购入库明细：按行号查，确认一行是否还在；列与 3503.sql 相同
SELECT
    line.id AS row_ref,
    COALESCE(doc.updated_at, line.updated_at) AS cursor_time,
    line.id AS cursor_key,
    line.created_at AS entered_at,
    line.doc_no || '-' || line.line_no AS row_serial,
    doc.doc_no,
    doc.doc_type,
    doc.doc_state,
    doc.supplier,
    doc.delivery_no,
    doc.invoice_no,
    doc.stored_at,
    clerk.clerk_name,
    line.quantity,
    line.price,
    line.is_gift,
    goods.goods_no,
    goods.goods_name,
    goods.rx_class,
    goods.maker,
    goods.approval_no,
    goods.insure_code,
    lot.lot_key AS lot_id,
    lot.lot_no,
    lot.made_on,
    lot.expires_on
FROM purchase_line AS line
LEFT JOIN purchase_doc AS doc ON doc.doc_no = line.doc_no
LEFT JOIN goods ON goods.goods_no = line.goods_no
LEFT JOIN stock_lot AS lot ON lot.lot_key = line.lot_key
LEFT JOIN clerk ON clerk.clerk_no = doc.clerk_no
WHERE line.id IN :keys
