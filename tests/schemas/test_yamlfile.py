"""A YAML file with a mistake is told in one sentence with its place; nothing that PyYAML does reaches the reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas import yamlfile
from schemas.errors import SpecError

FILE = Path("manifest.yaml")
BOM = "\ufeff"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("3505: {}\n", "manifest.yaml 第 1 行：键 3505：键须为文本（请加引号）"),
        ("no: 1\n", "manifest.yaml 第 1 行：键 False：键须为文本（请加引号）"),
        ("? \n: 1\n", "manifest.yaml 第 1 行：键 None：键须为文本（请加引号）"),
        ("2026-02-30: 1\n", "manifest.yaml 第 1 行：键 2026-02-30：值读不出来（日期写错了？）"),
        ("ok: 1\nbad: !!bool maybe\n", "manifest.yaml 第 2 行：键 bad：值读不出来（日期写错了？）"),
        ("bad: !!timestamp then\n", "manifest.yaml 第 1 行：键 bad：值读不出来（日期写错了？）"),
        ("ok:\n  - 1\n  - 2026-02-30\n", "manifest.yaml 第 1 行：键 ok：值读不出来（日期写错了？）"),
        ("- 2026-02-30\n", "manifest.yaml：值读不出来（日期写错了？）"),
        (f"deep: {'{a: ' * 600}1{'}' * 600}\n", "manifest.yaml：括号或缩进嵌套得太深"),
        (f"deep: {'[' * 900}{']' * 900}\n", "manifest.yaml：括号或缩进嵌套得太深"),
        ("- 1\n", "manifest.yaml：内容应为键值表"),
    ],
)
def test_what_yaml_cannot_say_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        yamlfile.parse(text, FILE)
    assert str(caught.value) == told


def test_a_key_that_is_no_text_is_told_wherever_it_stands() -> None:
    section = yamlfile.parse("sources:\n  - constants:\n      1: a\n", FILE).sections("sources")[0]
    with pytest.raises(SpecError, match=r"第 3 行：键 sources\[0\].constants.1：键须为文本（请加引号）"):
        section.optional("constants")


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """The editor of Windows writes one; it is no part of the first key, nor of a token."""
    (tmp_path / "a.yaml").write_text(f"{BOM}token: {{file: token.txt}}\n", encoding="utf-8")
    (tmp_path / "token.txt").write_text(f"{BOM}secret\n", encoding="utf-8")
    section = yamlfile.read(tmp_path / "a.yaml").known("token")
    assert section.secret("token") == "secret"
