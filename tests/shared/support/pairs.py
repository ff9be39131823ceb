"""Head files and line files as a HIS exports them for the template adapters/templates/head_and_lines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import adapters
from adapters import profile
from adapters.dropped.files import FileSource
from adapters.site import Site
from schemas import loader
from support import dropped
from support.dropped import BEGAN, table, treatment, written

FOLDER = Path(adapters.__path__[0]) / "templates" / "head_and_lines"
#: nanoseconds; exports are a second apart
_FIRST, _SECOND = 1_700_000_000 * 10**9, 10**9


def source(inbox: Path, dataset: str = "HD03", folder: Path = FOLDER) -> FileSource:
    """The source of a data set of the template."""
    site = Site("导出", None, "H99000100001", inbox=inbox, datasets=(dataset,))
    (found,) = profile.open_sources(profile.load(folder), site, loader.reference())
    assert isinstance(found, FileSource)
    return found


def sources(inbox: Path, folder: Path) -> dict[str, FileSource]:
    """Both data sets, of one source."""
    site = Site("导出", None, "H99000100001", inbox=inbox, datasets=("HD03", "RX01"))
    found = profile.open_sources(profile.load(folder), site, loader.reference())
    return {each.dataset: each for each in found if isinstance(each, FileSource)}


def sharing(folder: Path) -> Path:
    """The template with the heads of the treatments as heads of the prescriptions too."""
    shutil.copytree(FOLDER, folder)
    manifest = {
        '      file: "RX01_*.csv"': '      file: "HD03_*.csv"',
        "key: [处方号]": "key: [医嘱号]",
        "# by: [处方编号]": "by: [处方号]",
    }
    mapping = {
        "开方时间}": "修改时间, formats: [yyyy/M/d H:mm:ss]}",
        "有效期}": "录入时间, formats: [yyyy/M/d H:mm:ss]}",
        "医师代码": "护士代码",
        "科室代码": "机器号",
        "诊断编码": "抗凝剂",
        "主表.状态, in: [作废]": "主表.作废, in: [是]",
    }
    for path, changes in ((folder / "manifest.yaml", manifest), (folder / "mapping" / "RX01.yaml", mapping)):
        text = path.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    return folder


def given(number: int, line: object, drug: str = "D1", **more: Any) -> dict[str, Any]:
    """A line of the drugs of treatment `number`."""
    return {"治疗号": f"S{number:05d}", "用药序号": line, "药品编码": drug, "剂量": "1.5", **more}


def prescription(number: int, **more: Any) -> dict[str, Any]:
    """A head of the prescriptions."""
    return {
        "处方号": f"R{number:05d}",
        "状态": "有效",
        "病案号": f"A{number:05d}",
        "人员编号": f"9900{number:08d}",
        "开方时间": f"{BEGAN:%Y-%m-%d %H:%M:%S}",
        "有效期": f"{BEGAN:%Y-%m-%d}",
        "医师代码": "D990000000001",
        "科室代码": "A03",
        "诊断编码": "N18.000",
        **more,
    }


def item(number: int, line: int, **more: Any) -> dict[str, Any]:
    """A line of a prescription."""
    return {
        "处方号": f"R{number:05d}",
        "序号": line,
        "医保码": "XA02BCA232A001010100999",
        "院内编码": f"Y{line:03d}",
        "药品名称": "甲药",
        "数量": "2",
        "单位": "盒",
        **more,
    }


def drop(inbox: Path, name: str, rows: list[Mapping[str, Any]] | list[dict[str, Any]], second: float) -> Path:
    """A file that was written at that second."""
    path = dropped.drop(inbox, name, table(rows))
    moment = int(_FIRST + second * _SECOND)
    os.utime(path, ns=(moment, moment))
    return path


def pair(inbox: Path, part: str, numbers: range | list[int], second: float, drug: str = "D1", **more: Any) -> None:
    """A pair of treatments with one drug each, the lines written last."""
    drop(inbox, f"HD03_{part}.csv", [treatment(number, **more) for number in numbers], second)
    drop(inbox, f"HD03_yy_{part}.csv", [given(number, 1, drug) for number in numbers], second + 0.5)


__all__ = ["FOLDER", "drop", "given", "item", "pair", "prescription", "sharing", "source", "sources", "treatment", "written"]
