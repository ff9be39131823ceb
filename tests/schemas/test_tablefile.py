"""A table that a person made is read whole or refused in one sentence, whatever its file is."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from schemas import tablefile
from schemas.errors import SpecError

Make = Callable[[str, bytes], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def refusal(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        list(tablefile.rows(path))
    assert str(path) in str(caught.value)
    return str(caught.value)


def workbook(rows: int = 3) -> bytes:
    book = openpyxl.Workbook()
    for number in range(rows):
        book.worksheets[0].append((f"{number}", number))
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_rows_are_numbered_as_the_person_sees_them(make: Make, encoding: str) -> None:
    path = make("a.csv", '列,b\n\n"一 ""二""",x\n'.encode(encoding))
    assert list(tablefile.rows(path)) == [(1, ["列", "b"]), (2, []), (3, ['一 "二"', "x"])]


def test_a_workbook_gives_its_first_sheet(make: Make) -> None:
    assert list(tablefile.rows(make("a.xlsx", workbook(2)))) == [(1, ("0", 0)), (2, ("1", 1))]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'a,b\n1,"x\n2,y\n3,z\n', "第 2 行：引号不成对"),
        (b'a,b\n1,"x"y\n', "第 2 行：引号不成对"),
        (b'a,b\n1,"' + b"x" * 200_000 + b'"\n', "第 2 行：引号不成对，或一格太长"),
        (b"a,b\n1,x\0\n", "第 2 行：含有空字符"),
        (b"\xff\xff", "既不是 UTF-8 也不是 GBK"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "旧格式 .xls"),
    ],
)
def test_a_spoilt_csv_is_refused_with_its_row_and_never_cut_short(make: Make, content: bytes, told: str) -> None:
    assert told in refusal(make("a.csv", content))


def test_a_workbook_cut_off_or_damaged_anywhere_is_refused_or_read_whole(make: Make) -> None:
    whole = workbook(200)
    chance = random.Random(7)
    right = list(tablefile.rows(make("right.xlsx", whole)))
    for number in range(60):
        spoilt = bytearray(whole)
        for _ in range(20):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        for content in (bytes(spoilt), whole[: chance.randrange(len(whole))]):
            path = make(f"{number}.xlsx", content)
            try:
                assert list(tablefile.rows(path)) == right
            except SpecError as error:
                assert "不是 Excel 工作簿（.xlsx），或已损坏" in str(error)


def test_a_part_whose_declared_size_cannot_be_is_damage_and_not_size(make: Make) -> None:
    spoilt = bytearray(workbook())
    at = spoilt.index(b"PK\1\2") + 24  # the uncompressed size in the first entry of the central directory
    spoilt[at : at + 4] = (2**32 - 2).to_bytes(4, "little")
    assert "已损坏" in refusal(make("a.xlsx", bytes(spoilt)))


def test_a_workbook_that_unpacks_to_more_than_the_machine_has_is_not_read(make: Make) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/sharedStrings.xml", "w") as part:
        for _ in range(tablefile.MOST_UNPACKED // 2**20 + 1):
            part.write(bytes(2**20))
    assert len(bomb.getvalue()) < 2**20
    assert "解压后过大" in refusal(make("bomb.xlsx", bomb.getvalue()))


def test_a_sheet_of_rows_that_reach_the_far_right_is_not_read(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tablefile, "MOST_CELLS", 100_000)
    book = openpyxl.Workbook()
    for row in range(1, 11):
        book.worksheets[0].cell(row, 16384, "x")
    held = io.BytesIO()
    book.save(held)
    assert "工作表过大" in refusal(make("wide.xlsx", held.getvalue()))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "没有这个文件" in refusal(tmp_path / "none.csv")
