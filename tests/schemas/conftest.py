"""A small edition of our own, so that these tests do not hang on what the reference edition says today."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas import loader
from schemas.model import Edition
from schemas.record import business_key, content_hash

SOURCE = 'source: {doc: 测试文本, ref: 第一条, confidence: O, dated: "2026-01-01"}\n'

FILES = {
    "edition.yaml": 'code: "test"\nversion: "1"\nname: 测试版\ninfver: "V1.0"\nbody_limit: 1000000\nscenes: [血透]\n'
    "cadences:\n  realtime: {label: 实时, minutes: 10}\n" + SOURCE,
    "common.yaml": SOURCE
    + "record:\n"
    + "  - {name: fixmedins_code, label: 定点医药机构编号, type: C, length: 12, required: true}\n"
    + "  - {name: key, label: 业务主键, type: C, length: 400, required: true}\n"
    + "  - {name: content_hash, label: 内容摘要, type: C, length: 80, required: true}\n"
    + "  - {name: version, label: 版本号, type: N, length: 9, required: true}\n"
    + "  - {name: seen_at, label: 网关发现时间, type: DT}\n"
    + "header:\n"
    + "  - {name: infno, label: 交易编号, type: C, length: 6, required: true}\n",
    "datasets/T1.yaml": 'code: "T1"\nname: 测试数据集\nscene: 血透\ncadence: realtime\nkey: [rx_id, line_no]\noccurred: rx_time\n'
    "replay: resend\nbatch: 3\n"
    + SOURCE
    + "fields:\n"
    + "  - {name: rx_id, label: 处方号, type: C, length: 8, required: true}\n"
    + "  - {name: line_no, label: 行号, type: C, length: 8, required: true, blank_allowed: true}\n"
    + "  - {name: rx_time, label: 开方时间, type: DT, required: true}\n"
    + "  - {name: rx_date, label: 处方有效期, type: D}\n"
    + "  - {name: cnt, label: 数量, type: N, length: 6, scale: 2}\n"
    + "  - {name: shift, label: 班次, type: C, length: 3, codes: shift}\n"
    + '  - {name: reason, label: 原因, type: C, length: 20, required_if: {field: shift, in: ["3"]}}\n'
    + "  - name: drugs\n    label: 药品\n    type: ROWS\n    fields:\n"
    + "      - {name: drug_codg, label: 药品编码, type: C, length: 8, required: true}\n"
    + "      - {name: dose, label: 剂量, type: N, length: 6, scale: 2}\n",
    "codes/shift.yaml": "name: shift\nlabel: 班次\n" + SOURCE + 'values:\n  "1": 上午\n  "3": 夜间\n',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small edition on disk, to be spoilt by the test."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def spoil(folder: Path) -> Callable[[str, str, str], Path]:
    """Replace a passage of one file; the passage must be there exactly once."""

    def replace(name: str, old: str, new: str) -> Path:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return folder

    return replace


@pytest.fixture
def edition(folder: Path) -> Edition:
    """The small edition."""
    return loader.load(folder)


@pytest.fixture(scope="session")
def reference() -> Edition:
    """The edition that ships with the product."""
    return loader.reference()


@pytest.fixture
def record(edition: Edition) -> Callable[..., dict[str, Any]]:
    """A valid T1 record, changed as the test says (None removes a field), with the key and digest of the changed content."""

    def make(**changes: Any) -> dict[str, Any]:
        content: dict[str, Any] = {
            "rx_id": "RX1",
            "line_no": "1",
            "rx_time": "2026-01-05 08:00:00",
            "fixmedins_code": "H00000000001",
            "version": "1",
            **changes,
        }
        content = {name: value for name, value in content.items() if value is not None}
        dataset = edition.datasets["T1"]
        content.setdefault("key", business_key(dataset, content))
        content.setdefault("content_hash", content_hash(dataset, content))
        return content

    return make
