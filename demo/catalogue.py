"""Master data of the demo sites: people, staff, items and goods. Every name says that it is made up."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from demo.district import DIVISION, Institution
from demo.rows import Row, Version

PATIENTS = 120
#: item number -> (name, 医保码 or None, sale unit); the codes have the real shape and an unreal body
HEMODIALYSIS, HEMODIAFILTRATION, PERFUSION = 101, 102, 103
THERAPIES = (201, 202, 203, 204, 205)
DRUGS = tuple(range(301, 325))
UNCODED_ITEM = 390  #: in the catalogue, but nobody entered its 医保码
LOST_ITEM = 999  #: in no catalogue: deleted there while prescriptions kept pointing at it
_ITEMS: dict[int, tuple[str, str | None, str]] = {
    HEMODIALYSIS: ("血液透析（演示）", "009900000010101", "次"),
    HEMODIAFILTRATION: ("血液透析滤过（演示）", "009900000010102", "次"),
    PERFUSION: ("血液灌流（演示）", "009900000010103", "次"),
    201: ("运动疗法（演示）", "009900000020201", "次"),
    202: ("作业疗法（演示）", "009900000020202", "次"),
    203: ("中频脉冲电治疗（演示）", "009900000020203", "部位"),
    204: ("红外线治疗（演示）", "009900000020204", "部位"),
    205: ("言语训练（演示）", "009900000020205", "次"),
    **{number: (f"演示药品{number - 300:02d}", f"XZ99AAZ{number:03d}A001010100001", "盒") for number in DRUGS},
    UNCODED_ITEM: ("未对码项目（演示）", None, "次"),
}
DOCTORS = tuple(f"D{number:02d}" for number in range(1, 7))
NURSES = tuple(f"N{number:02d}" for number in range(1, 6))
THERAPISTS = tuple(f"T{number:02d}" for number in range(1, 8))


@dataclass(frozen=True, slots=True)
class Goods:
    """One article of the pharmacy."""

    number: str
    name: str
    kind: str  #: local class: drug, sundry
    rx_class: str  #: local: RX, OTC, BOTH
    code: str | None  #: 医保码


LONG_NUMBER = "YX-ANHE-2026-DEMO-LONG-GOODS-NUMBER-0041"  #: longer than the platform's 30 characters
GOODS = tuple(
    Goods(f"SP{n:04d}", f"演示商品{n:02d}", "drug", ("RX", "OTC", "OTC", "BOTH")[n % 4], f"XZ99BBZ{n:03d}A001010100001")
    for n in range(1, 41)
)
UNCODED_GOODS = Goods("SP0090", "演示商品90（未对码）", "drug", "OTC", None)
LONG_GOODS = Goods(LONG_NUMBER, "演示商品91（编号过长）", "drug", "OTC", "XZ99BBZ091A001010100001")
SUNDRY = Goods("SP0095", "演示日用品95", "sundry", "OTC", None)
CLERKS, PHARMACISTS = ("C01", "C02", "C03"), ("P01", "P02")


def insured_number(patient: int) -> str:
    """人员编号 of a synthetic patient: the province part does not exist."""
    return f"{DIVISION}0000{patient:010d}"


def his(institution: Institution, at: datetime) -> Iterator[Row]:
    """Patients, staff and items of one hospital, stored before the story begins."""
    for number in range(1, PATIENTS + 1):
        yield _master(institution, "patient", "card_no", at, _patient(number))
    for job, title in ((DOCTORS, "医师"), (NURSES, "护士"), (THERAPISTS, "技师")):
        for job_no in job:
            yield _master(institution, "staff", "job_no", at, _staff(job_no, title))
    for number, (name, code, unit) in _ITEMS.items():
        values = {"id": number, "item_no": f"YF{number}", "item_name": name, "yb_no": code, "sale_unit": unit}
        yield _master(institution, "charge_item", "item_no", at, values)


def pos(institution: Institution, at: datetime) -> Iterator[Row]:
    """Articles, opening lots and staff of the pharmacy."""
    for goods in (*GOODS, UNCODED_GOODS, LONG_GOODS, SUNDRY):
        yield _master(institution, "goods", "goods_no", at, _goods(goods))
        yield _master(institution, "stock_lot", "lot_key", at, lot(goods, f"{goods.number}-0", at.date()))
    for clerk in (*CLERKS, *PHARMACISTS):
        values = {
            "clerk_no": clerk,
            "clerk_name": f"测试店员{clerk}",
            "licence_no": f"YS990001{clerk}" if clerk[0] == "P" else None,
        }
        yield _master(institution, "clerk", "clerk_no", at, values)


def lot(goods: Goods, key: str, received: date) -> dict[str, Any]:
    """A lot made some months before it came in."""
    made = received - timedelta(days=120)
    return {
        "lot_key": key,
        "goods_no": goods.number,
        "lot_no": f"L{made:%y%m%d}",
        "made_on": made.isoformat(),
        "expires_on": (made + timedelta(days=900)).isoformat(),
        "remaining": "100",
    }


def _master(institution: Institution, table: str, key: str, at: datetime, values: dict[str, Any]) -> Row:
    return Row(institution.database, table, [Version(at, values)], key=key, stamped=False)


def _patient(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "card_no": f"YX{number:06d}",
        "full_name": f"测试患者{number:04d}",
        "insured_no": insured_number(number),
        "dialysis_no": f"XT{number:04d}",
    }


def _staff(job_no: str, title: str) -> dict[str, Any]:
    return {
        "job_no": job_no,
        "staff_name": f"测试{title}{job_no}",
        "national_no": f"{job_no[0]}{DIVISION}{int(job_no[1:]):06d}",
        "section_no": {"D": "0300", "N": "0301", "T": "2100"}[job_no[0]],
    }


def _goods(goods: Goods) -> dict[str, Any]:
    return {
        "goods_no": goods.number,
        "goods_name": goods.name,
        "goods_class": goods.kind,
        "rx_class": goods.rx_class,
        "barcode": f"699{zlib.crc32(goods.number.encode()):010d}",
        "maker": "演示制药厂",
        "approval_no": f"演准字{goods.number[-4:]}",
        "insure_code": goods.code,
        "shelf": f"A{goods.number[-1]}",
    }
