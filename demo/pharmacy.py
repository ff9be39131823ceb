"""The pharmacy: a purchase document a day, sale documents of one to four lines (3503, 3505).

Returns and sundries stand in the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from demo import catalogue
from demo.catalogue import Goods
from demo.day import Day
from demo.dirt import DIRT, Fate, pick
from demo.rows import Row, Version, text

_SUNDAY = 6
_PURCHASE_LINES = 7
_LOST_LOT = "LOST-0"  #: no such lot: its row was cleared away at stocktaking
_PURCHASE_DOCUMENT = ("cancelled", "other_business")
_SALE_DOCUMENT = ("cancelled", "no_business_time", "unknown_code")
_SALE_LINE = ("no_insurance_code", "no_catalogue_entry", "quantity_not_positive", "other_business")
_PURCHASE_LINE = ("no_catalogue_entry", "too_long", "quantity_not_positive")


def rows(day: Day) -> Iterator[Row]:
    """Everything the pharmacy stores because of this day."""
    if day.on.weekday() != _SUNDAY:
        yield from _purchase(day)
    for number in range(1, day.institution.volume.sales + 1):
        yield from _sale(day, number)


def _purchase(day: Day) -> Iterator[Row]:
    """A draft in the morning; stored in the afternoon, every fifth only the next morning."""
    random = day.random("3503")
    dirt = pick(random, "3503", _PURCHASE_DOCUMENT)
    drafted, stored = day.at(9, 10), day.at(15, 0) + timedelta(minutes=random.randint(0, 90))
    if random.random() < 0.2:
        stored += timedelta(hours=17)
    values = {
        "doc_no": f"CG{day.on:%Y%m%d}",
        "doc_type": "back" if dirt == "other_business" else "purchase",
        "supplier": "演示医药配送公司",
        "delivery_no": f"SH{day.on:%y%m%d}01",
        "invoice_no": f"9900{day.on:%y%m%d}",
        "clerk_no": random.choice(catalogue.CLERKS),
        "doc_state": "draft",
    }
    document = [Version(drafted, values), Version(stored, {"doc_state": "stored", "stored_at": text(stored)})]
    withdrawn = stored + timedelta(hours=3) if dirt == "cancelled" else None
    if withdrawn:
        document.append(Version(withdrawn, {"doc_state": "cancelled"}))
    yield Row(day.institution.database, "purchase_doc", document, key="doc_no")
    for line_no, goods in enumerate(random.sample(catalogue.GOODS, _PURCHASE_LINES), 1):
        yield from _purchase_line(day, line_no, goods, dirt, (drafted, stored, withdrawn))


def _purchase_line(
    day: Day, line_no: int, goods: Goods, of_document: str, times: tuple[datetime, datetime, datetime | None]
) -> Iterator[Row]:
    drafted, stored, withdrawn = times
    random = day.random(f"3503|{line_no}")
    dirt = of_document or pick(random, "3503", _PURCHASE_LINE)
    goods = catalogue.LONG_GOODS if dirt == "too_long" else goods
    lot_key = f"{goods.number}-{day.on:%Y%m%d}-{line_no}"
    lot = [Version(drafted, catalogue.lot(goods, lot_key, day.on))]
    yield Row(day.institution.database, "stock_lot", lot, key="lot_key", stamped=False)
    values = _line_values(f"CG{day.on:%Y%m%d}", line_no, goods, random)
    values |= {"lot_key": _LOST_LOT if dirt == "no_catalogue_entry" else lot_key, "is_gift": int(random.random() < 0.05)}
    values["quantity"] = "0" if dirt == "quantity_not_positive" else str(random.randint(5, 60))
    if dirt == "other_business":
        versions = [Version(drafted, values, Fate.EXCLUDED, dirt)]
    else:
        versions = [Version(drafted, values, Fate.NOT_READY), _judged(stored, {}, dirt, withdrawn)]
    if withdrawn:
        versions.append(Version(withdrawn, {}, Fate.VOID, dirt))
    yield Row(day.institution.database, "purchase_line", versions, "3503")


def _sale(day: Day, number: int) -> Iterator[Row]:
    random = day.random(f"3505|{number}")
    dirt = pick(random, "3505", _SALE_DOCUMENT)
    sold = day.at(8, 0) + timedelta(seconds=random.randint(0, 13 * 3600))
    doc_no = f"XS{day.on:%Y%m%d}{number:04d}"
    goods = random.sample(catalogue.GOODS, random.randint(1, 4))
    returned = random.random() < 0.02
    document = [Version(sold, _sale_values(doc_no, sold, goods, dirt, returned, random))]
    withdrawn = sold + timedelta(minutes=random.randint(5, 90)) if dirt == "cancelled" else None
    if withdrawn:
        document.append(Version(withdrawn, {"doc_state": "cancelled"}))
    yield Row(day.institution.database, "sale_doc", document, key="doc_no")
    for line_no, each in enumerate(goods, 1):
        line_random = day.random(f"3505|{number}|{line_no}")
        own = "other_business" if returned else dirt or pick(line_random, "3505", _SALE_LINE)
        values = _sale_line_values(doc_no, line_no, each, own, returned, line_random)
        versions = [_judged(sold, values, own, withdrawn)]
        if withdrawn:
            versions.append(Version(withdrawn, {}, Fate.EXCLUDED if returned else Fate.VOID, own))
        yield Row(day.institution.database, "sale_line", versions, "3505")


def _judged(at: datetime, values: dict[str, Any], dirt: str, withdrawn: datetime | None) -> Version:
    """The line as it is worth on its own; a later withdrawal of its document is told then, not now."""
    if withdrawn or not dirt:
        return Version(at, values, Fate.EXCLUDED if dirt == "other_business" else Fate.CLEAN)
    return Version(at, values, DIRT[dirt].fate, dirt)


def _sale_values(doc_no: str, sold: datetime, goods: list[Goods], dirt: str, returned: bool, random: Random) -> dict[str, Any]:
    pay_kind = random.choice(("insured", "insured", "remote", "cash"))
    on_prescription = any(each.rx_class == "RX" for each in goods)
    return {
        "doc_no": doc_no,
        "doc_type": "return" if returned else "sale",
        "pay_kind": "voucher" if dirt == "unknown_code" else pay_kind,
        "settle_no": None if pay_kind == "cash" else f"JS{doc_no}",
        "insured_no": None if pay_kind == "cash" else catalogue.insured_number(random.randint(1, catalogue.PATIENTS)),
        "rx_doctor": f"测试医师{random.choice(catalogue.DOCTORS)}" if on_prescription else None,
        "rx_no": f"CF{doc_no}" if on_prescription else None,
        "clerk_no": random.choice(catalogue.CLERKS),
        "pharmacist_no": random.choice(catalogue.PHARMACISTS),
        "sold_at": None if dirt == "no_business_time" else text(sold),
        "doc_state": "closed",
    }


def _sale_line_values(doc_no: str, line_no: int, goods: Goods, dirt: str, returned: bool, random: Random) -> dict[str, Any]:
    if dirt == "no_insurance_code":
        goods = catalogue.UNCODED_GOODS
    elif dirt == "other_business" and not returned:
        goods = catalogue.SUNDRY
    values = _line_values(doc_no, line_no, goods, random)
    count = random.randint(1, 5)
    return {
        **values,
        "lot_key": _LOST_LOT if dirt == "no_catalogue_entry" else f"{goods.number}-0",
        "quantity": "0" if dirt == "quantity_not_positive" else str(-count if returned else count),
        "is_split": int(random.random() < 0.04),
    }


def _line_values(doc_no: str, line_no: int, goods: Goods, random: Random) -> dict[str, Any]:
    return {
        "doc_no": doc_no,
        "line_no": line_no,
        "goods_no": goods.number,
        "price": f"{random.randint(3, 90)}.{random.randint(0, 99):02d}",
    }
