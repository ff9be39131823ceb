"""A small edition of our own, a mapping written in the test, and a SQLite site."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import dropped

from adapters import mappingfile, profile
from adapters.catalogue import Catalogue
from adapters.dropped.files import FileSource
from adapters.mapping import RowMapping
from adapters.origins import SiteFacts
from adapters.site import Site
from gateway.model import Cursor, SourceRow
from schemas import loader
from schemas.model import Cadence, CodeTable, Confidence, Dataset, Edition, Field, FieldType, Node, Source

SOURCE = Source("测试", "测试", Confidence.OURS)


def spec(name: str, label: str, kind: FieldType, **more: Any) -> Field:
    return Field(name, label, kind, SOURCE, **more)


FIELDS = (
    spec("id", "编号", FieldType.TEXT, length=20, required=True),
    spec("shift", "班次", FieldType.TEXT, codes="shift"),
    spec("count", "数量", FieldType.NUMBER, length=16, scale=4, required=True),
    spec("day", "日期", FieldType.DATE),
    spec("begn", "开始时间", FieldType.DATETIME),
    spec("ended", "结束时间", FieldType.DATETIME),
    spec("code", "医保码", FieldType.TEXT, required=True),
    spec("title", "名称", FieldType.TEXT),
    spec("lot", "批号", FieldType.TEXT, required=True, blank_allowed=True),
    spec("drugs", "药品", FieldType.ROWS, fields=(spec("drug", "药品", FieldType.TEXT),)),
)


@pytest.fixture(scope="session")
def edition() -> Edition:
    dataset = Dataset("T1", "测试", "T1", "测试", "now", ("id",), "begn", (Node("data", FIELDS),), SOURCE)
    return Edition(
        code="test",
        version="1",
        name="测试",
        source=SOURCE,
        common=(),
        datasets={"T1": dataset},
        codes={"shift": CodeTable("shift", "班次", {"1": "上午", "2": "下午"}, SOURCE)},
        cadences={"now": Cadence("now", "实时", minutes=10)},
        body_limit=1_000_000,
    )


#: the least a mapping of T1 must say; a test replaces what it is about
PLAIN = {
    "id": "{column: id}",
    "count": "{column: count}",
    "code": "{column: code}",
}
ReadMapping = Callable[..., RowMapping]
MapRow = Callable[..., SourceRow]


@pytest.fixture
def read_mapping(edition: Edition, tmp_path: Path) -> ReadMapping:
    """Read a mapping made of PLAIN, the fields given, and more text after them."""

    def read(more: str = "", /, **fields: str) -> RowMapping:
        path = tmp_path / "T1.yaml"
        absent = "" if "absent:" in more else "absent:\n  lot: 本系统没有批号\n"
        lines = "".join(f"  {name}: {rule}\n" for name, rule in {**PLAIN, **fields}.items())
        path.write_text(f"dataset: T1\nfields:\n{lines}{absent}{more}\n", encoding="utf-8")
        return mappingfile.read(path, edition, "T1", ("item_code", "counts"), ("bar",))

    return read


ROW = {"row_ref": 7, "cursor_key": 7, "id": 7, "count": 2, "code": "X1"}


@pytest.fixture
def map_row() -> MapRow:
    """Map ROW with some columns replaced."""

    def to_row(
        mapping: RowMapping, constants: dict[str, str] | None = None, catalogue: Catalogue | None = None, /, **columns: Any
    ) -> SourceRow:
        return mapping.source_row(
            {**ROW, **columns}, Cursor(None, 7), SiteFacts("H1", constants or {}, {"bar": catalogue} if catalogue else {})
        )

    return to_row


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A SQLite site of twelve visits, three at each of four moments."""
    path = tmp_path / "site.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE visit (id INTEGER PRIMARY KEY, code TEXT, count NUMERIC, changed TEXT)")
        moments = [f"2026-10-0{1 + number // 3} 08:00:00" for number in range(12)]
        # keys run against the times, so only (time, key) is an order
        connection.executemany(
            "INSERT INTO visit VALUES (?, 'X1', 2, ?)", [(100 - number, moment) for number, moment in enumerate(moments)]
        )
        connection.commit()
    return path


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty drop folder."""
    place = tmp_path / "inbox"
    place.mkdir()
    return place


@pytest.fixture
def opened(inbox: Path, tmp_path: Path) -> Callable[..., FileSource]:
    """The source of a data set of the template, its manifest changed as told."""

    def make(*changes: tuple[str, str], dataset: str = "HD03", mapping: tuple[str, str] = ("", "")) -> FileSource:
        folder = tmp_path / f"profile-{abs(hash((changes, mapping)))}"
        shutil.copytree(dropped.FOLDER, folder, dirs_exist_ok=True)
        text = (folder / "manifest.yaml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / "manifest.yaml").write_text(text, encoding="utf-8")
        rules = folder / "mapping" / f"{dataset}.yaml"
        rules.write_text(rules.read_text(encoding="utf-8").replace(*mapping), encoding="utf-8")
        site = Site("导出", None, "H99000100001", inbox=inbox, datasets=(dataset,))
        (source,) = profile.open_sources(profile.load(folder), site, loader.reference())
        assert isinstance(source, FileSource)
        return source

    return make
