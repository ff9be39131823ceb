"""What `gateway profile new` leaves for a person to say: a profile that still has it reports nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from adapters.mapping import RowMapping
from adapters.profile import Profile

#: stands as the reason why the product does not have a required field
PLACEHOLDER = "请填写原因"
#: begins a comment below a rule that is doubtful; a person takes it out
DOUBT = "请核对："
_RULE = re.compile(r"  (\w+): ")
_DOUBT = re.compile(rf"\s*# *{DOUBT}")
#: the same of a column that sorts the rows
_SORTING = re.compile(rf"\s*# *{DOUBT}((?:状态列|种类列|机构列|作废标志) [^：]+)：")


def sentences(profile: Profile, mappings: list[RowMapping]) -> Iterator[str]:
    """Why nothing may be reported with this profile yet; nothing of one that a person has finished."""
    if profile.draft:
        where = profile.folder / "manifest.yaml"
        yield f"适配包 {profile.name} 还是草稿：逐个字段核对之后，删去 {where} 的 draft 一行"
        yield from _doubts(profile)
    for rules in mappings:
        left = [f"{rules.dataset.field(name).label}（{name}）" for name, why in rules.absent.items() if PLACEHOLDER in why]
        for name, lines in rules.children.items():
            left += [f"{name}.{inner}" for inner, why in lines.fields.absent.items() if PLACEHOLDER in why]
        if left:
            yield (
                f"{rules.dataset.code}（{rules.file}）：{'、'.join(left)} 的“{PLACEHOLDER}”还没有改，"
                f"请在 fields 里写明取自哪一列，或在 absent 里写明本系统为什么没有"
            )


def _doubts(profile: Profile) -> Iterator[str]:
    for code, path in profile.mappings.items():
        if names := list(dict.fromkeys(_doubtful(path))):
            yield (
                f"{code}（{path.name}）：{'、'.join(names)} 拿不准，映射里写着“{DOUBT}”和为什么："
                "用 gateway preview 对着 HIS 看过，改对或确认之后删去那一行注释"
            )
        if columns := [found[1] for line in _lines(path) if (found := _SORTING.match(line))]:
            yield (
                f"{code}（{path.name}）：{'、'.join(columns)} 在全表有哪些值还没有核对，漏了一种就会照常报出去："
                "用映射里写的 SQL 查过，写进 exclude、void、not_ready，或确认不必写之后，删去那一行注释"
            )


def _doubtful(path: Path) -> Iterator[str]:
    """The fields under whose rule such a comment stands."""
    name = ""
    for line in _lines(path):
        if found := _RULE.match(line):
            name = found[1]
        elif name and _DOUBT.match(line):
            yield name


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
