"""The dirt of real sites: what is wrong with which share of the rows, and what the gateway has to make of it.

The shares are per row of the data sets named; a row gets at most one kind, so that what was put in can be counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Fate(StrEnum):
    """What a gateway must make of a row, as the site knows it."""

    CLEAN = "clean"
    QUARANTINED = "quarantined"
    NOT_READY = "not_ready"
    EXCLUDED = "excluded"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dirt; `share` 0 means it comes by itself and is only counted."""

    label: str
    fate: Fate  #: once the row is as the site left it
    share: float = 0.0
    datasets: tuple[str, ...] = ()


DIRT: dict[str, Kind] = {
    "no_insurance_code": Kind("项目或药品没有医保码", Fate.QUARANTINED, 0.015, ("HD01", "RH01", "RX01", "3505")),
    "no_catalogue_entry": Kind("药品、项目或批次在目录中查不到", Fate.QUARANTINED, 0.008, ("RH02", "RX01", "3503", "3505")),
    "no_business_time": Kind("没有开方或销售时间", Fate.QUARANTINED, 0.01, ("HD01", "RH01", "RX01", "3505")),
    "unknown_code": Kind("本地代码不在对照表内", Fate.QUARANTINED, 0.015, ("HD01", "HD02", "RH02", "3505")),
    "weight_with_unit": Kind("体重写成带单位的文本", Fate.QUARANTINED, 0.03, ("HD03",)),
    "weight_unreadable": Kind("体重不是数", Fate.QUARANTINED, 0.02, ("HD03",)),
    "too_long": Kind("文本超过规范长度", Fate.QUARANTINED, 0.012, ("HD03", "RH02", "3503")),
    "quantity_not_positive": Kind(
        "数量为零（规范没有禁止，照报，由医保局的规则判断）", Fate.CLEAN, 0.008, ("RX01", "3503", "3505")
    ),
    "same_key_twice": Kind("两行用了同一个业务主键", Fate.QUARANTINED, 0.006, ("HD01", "RH01", "RX01")),
    "crosses_midnight": Kind("治疗跨零点，结束钟点早于开始（合法）", Fate.CLEAN),
    "never_ended": Kind("治疗开始后无人点结束", Fate.NOT_READY, 0.015, ("HD03", "RH02")),
    "ended_late": Kind("隔日才补点结束", Fate.CLEAN, 0.02, ("HD03",)),
    "late_entry": Kind("发生 1 至 4 天后才补录", Fate.CLEAN, 0.02, ("HD03", "RH02", "RX01")),
    "edited": Kind("次日更正，产生第 2 版", Fate.CLEAN, 0.02, ("HD03", "RH02", "RX01")),
    "deleted": Kind("事后删除（软删除）", Fate.VOID, 0.01, ("HD01", "HD02", "HD03", "RH01", "RH02", "RX01")),
    "cancelled": Kind("事后作废或取消", Fate.VOID, 0.01, ("HD01", "HD02", "RH01", "RH02", "RX01", "3503", "3505")),
    "other_business": Kind("同表中的别种业务（模板、检查单、退货、非药品）", Fate.EXCLUDED, 0.03, ("HD01", "RX01", "3503", "3505")),
}


def pick(random: Random, dataset: str, among: Iterable[str] | None = None) -> str:
    """The kind of dirt of one row of `dataset`, or "" for most; only kinds in `among`, if given."""
    throw = random.random()
    for name, kind in DIRT.items():
        if dataset not in kind.datasets:
            continue
        if throw < kind.share:
            return name if among is None or name in among else ""
        throw -= kind.share
    return ""
