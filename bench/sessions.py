"""The data set that is measured: 20 fields of a dialysis session, its mapping, and rows as PyMySQL gives them.

It is the benchmark's own, so that figures of different days measure the same work.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from adapters.fieldrule import FieldRule
from adapters.mapping import RowMapping
from adapters.origins import Column, DateAndTime, SiteFacts
from schemas.model import Cadence, CodeTable, Condition, Confidence, Dataset, Edition, Field, FieldType, Node, Source

SOURCE = Source("测试", "测试", Confidence.OURS)
FACTS = SiteFacts("H00000000001")
TEXT, NUMBER, DATE, DATETIME = FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.DATETIME


def _spec(name: str, label: str, kind: FieldType, length: int | None = None, **more: Any) -> Field:
    return Field(name, label, kind, SOURCE, length=length, **more)


FIELDS = (
    _spec("sess_id", "透析记录号", TEXT, 64, required=True),
    _spec("schd_id", "排班编号", TEXT, 64),
    _spec("rx_id", "处方号", TEXT, 64),
    _spec("patn_id", "患者编码", TEXT, 64, required=True),
    _spec("psn_no", "人员编号", TEXT, 30),
    _spec("schd_date", "排班日期", DATE, required=True),
    _spec("shift", "班次", TEXT, 3, required=True, codes="shift"),
    _spec("dialysis_mode", "透析方式", TEXT, 6, required=True, codes="mode"),
    _spec("machine_no", "透析机号", TEXT, 30, required=True),
    _spec("begn_time", "上机时间", DATETIME, required=True),
    _spec("end_time", "下机时间", DATETIME, required=True),
    _spec("duration_min", "实际治疗时长", NUMBER, 5, required=True, least=Decimal(1)),
    _spec("med_list_codg", "医疗目录编码", TEXT, 50, required=True),
    _spec("pre_weight_kg", "透前体重", NUMBER, 6, scale=2),
    _spec("post_weight_kg", "透后体重", NUMBER, 6, scale=2),
    _spec("uf_volume_ml", "超滤量", NUMBER, 8, scale=1),
    _spec("dialyzer", "透析器", TEXT, 100),
    _spec("nurse_name", "护士姓名", TEXT, 50, required=True),
    _spec("early_end_flag", "提前下机", TEXT, 3, required=True, codes="yes_no"),
    _spec("early_end_reason", "提前下机原因", TEXT, 200, required_if=Condition("early_end_flag", ("1",))),
)
COMMON = (
    _spec("fixmedins_code", "定点医药机构编号", TEXT, 12, required=True),
    _spec("key", "业务主键", TEXT, 400, required=True),
    _spec("version", "版本号", NUMBER, 9, required=True, least=Decimal(1)),
    _spec("vali_flag", "有效标志", TEXT, 3, required=True, codes="yes_no"),
    _spec("content_hash", "内容摘要", TEXT, 80, required=True),
    _spec("edition", "接口版本标识", TEXT, 100, required=True),
    _spec("occurred_at", "业务发生时间", DATETIME, required=True),
    _spec("entered_at", "机构录入时间", DATETIME),
    _spec("seen_at", "网关发现时间", DATETIME, required=True),
    _spec("rid", "安装号", TEXT, 40, required=True),
)
DATASET = Dataset("BENCH", "测速", "BENCH", "测速", "d1", ("sess_id",), "begn_time", (Node("data", FIELDS),), SOURCE)
TABLES = {
    "shift": {"1": "上午", "2": "下午", "3": "夜间"},
    "mode": {"HD": "血液透析", "HDF": "血液透析滤过", "HP": "血液灌流"},
    "yes_no": {"0": "否", "1": "是"},
}
EDITION = Edition(
    code="bench",
    version="1",
    name="测速",
    source=SOURCE,
    common=COMMON,
    datasets={"BENCH": DATASET},
    codes={name: CodeTable(name, name, values, SOURCE) for name, values in TABLES.items()},
    cadences={"d1": Cadence("d1", "次日", days=1)},
    body_limit=1_000_000,
)
SHIFTS = {"morning": "1", "afternoon": "2", "night": "3"}
MODES = {"hd": "HD", "hdf": "HDF", "hp": "HP"}
FLAGS = {"n": "0", "y": "1"}
#: field -> column of the site; the two times stand in a day and a clock each
COLUMNS = {
    "sess_id": "session_no",
    "schd_id": "plan_no",
    "rx_id": "order_no",
    "patn_id": "card_no",
    "psn_no": "insured_no",
    "schd_date": "session_date",
    "shift": "shift",
    "dialysis_mode": "mode",
    "machine_no": "machine",
    "duration_min": "minutes",
    "med_list_codg": "yb_no",
    "pre_weight_kg": "weight_before",
    "post_weight_kg": "weight_after",
    "uf_volume_ml": "uf_ml",
    "dialyzer": "dialyzer",
    "nurse_name": "nurse",
    "early_end_flag": "ended_early",
    "early_end_reason": "end_note",
}
CODES = {"shift": SHIFTS, "dialysis_mode": MODES, "early_end_flag": FLAGS}
CLOCKS = {"begn_time": ("session_date", "on_clock"), "end_time": ("session_date", "off_clock")}


def _rule(spec: Field) -> FieldRule:
    if spec.name in CLOCKS:
        start = "begn_time" if spec.name == "end_time" else ""
        return FieldRule(spec, DateAndTime(*CLOCKS[spec.name]), next_day_if_before=start)
    return FieldRule(spec, Column(COLUMNS[spec.name]), CODES.get(spec.name))


MAPPING = RowMapping(DATASET, "BENCH.yaml", {spec.name: _rule(spec) for spec in FIELDS}, {})


def pages(count: int, size: int, bad: float) -> Iterator[list[dict[str, Any]]]:
    """`count` different rows in pages of `size`; a share `bad` of them has no machine or a code nobody knows."""
    chance = random.Random(20261125)  # noqa: S311 - test data, not a secret
    for first in range(0, count, size):
        yield [_row(number, chance, bad) for number in range(first, min(first + size, count))]


def _row(number: int, chance: random.Random, bad: float) -> dict[str, Any]:
    begin, minutes = chance.randrange(6 * 3600, 22 * 3600), chance.randrange(180, 270)
    early = chance.random() < 0.1
    row: dict[str, Any] = {
        "row_ref": number,
        "cursor_key": number,
        "session_no": f"S{number:012d}",
        "plan_no": f"P{number:012d}",
        "order_no": f"RX{chance.randrange(10**8):09d}",
        "card_no": f"TEST{chance.randrange(10**5):06d}",
        "insured_no": f"TEST-PSN-{chance.randrange(10**5):08d}" if chance.random() < 0.8 else None,
        "session_date": date(2026, 1, 1) + timedelta(days=number // 3000),
        "shift": chance.choice(("morning", "afternoon", "night")),
        "mode": chance.choice(("hd", "hd", "hd", "hdf", "hp")),
        "machine": f"M{chance.randrange(60):03d}",
        "on_clock": timedelta(seconds=begin),
        "off_clock": timedelta(seconds=(begin + minutes * 60) % 86400),
        "minutes": minutes,
        "yb_no": "TEST003101000010000-311000010",
        "weight_before": Decimal(chance.randrange(4500, 9500)).scaleb(-2),
        "weight_after": Decimal(chance.randrange(4300, 9300)).scaleb(-2),
        "uf_ml": Decimal(chance.randrange(10000, 45000)).scaleb(-1) if chance.random() < 0.9 else None,
        "dialyzer": chance.choice(("测试透析器 15L", "TEST-F7", None)),
        "nurse": f"测试护士{chance.randrange(40):02d}",
        "ended_early": "y" if early else "n",
        "end_note": "测试：患者要求提前下机" if early else None,
    }
    if chance.random() < bad:
        row.update(chance.choice(({"machine": " "}, {"mode": "crrt"}, {"minutes": 0}, {"machine": "M" * 31})))
    return row
