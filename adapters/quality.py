"""quality.yaml: what a profile has been shown to do. Every rule is `done`, `todo` or `exempt`; the last two say why.

`done` is held to by the contract tests where a program can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from schemas import yamlfile

#: what is asked of every profile
RULES: Mapping[str, str] = {
    "paging": "任何页长读到的行都相同",
    "read_only": "源库连接不能写入",
    "required_fields": "必填字段都已映射或声明缺失",
    "codes": "本地代码都有对照",
    "real_database": "在真实产品的数据库上核对过条数与合计",
    "edits": "已上报的行被修改后能再次读到",
    "withdrawals": "源库删除或作废的行能看到",
    "entered_at": "本地录入时间已映射",
    "child_rows": "子表已映射",
}


class Standing(StrEnum):
    """How a profile stands to one rule."""

    DONE = "done"
    TODO = "todo"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Quality:
    """One line of the file."""

    standing: Standing
    why: str = ""


def read(folder: Path) -> dict[str, Quality]:
    """The standing of every rule. SpecError if one is missing, unknown, or excused without a reason."""
    section = yamlfile.read(folder / "quality.yaml").known(*RULES)
    found: dict[str, Quality] = {}
    for rule in RULES:
        inner = section.section(rule).known("standing", "why")
        try:
            found[rule] = Quality(Standing(inner.need("standing", str)), inner.text("why"))
        except ValueError:
            raise inner.error(f"只能是 {'、'.join(Standing)} 之一", "standing") from None
        if found[rule].standing is not Standing.DONE and not found[rule].why:
            raise inner.error("未做到须写明原因", "why")
    return found
