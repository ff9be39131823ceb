"""What the gateway itself has noted of a stretch of time, in sentences a bureau can check: the machine evidence of OP03. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway import redaction
from gateway.hindrance import Hindrance, Interruption, Subject
from schemas import wire

#: of the field `evidence`
LONGEST = 2000
NOTHING = "网关在这段时间没有记下平台、本地库或网关自己的中断"
_CAUSE = 80
_WORDS = {
    Hindrance.UNREACHABLE: "连接不上",
    Hindrance.NO_ANSWER: "发出后没有应答",
    Hindrance.BUSY: "要求等待",
    Hindrance.REFUSED: "整批拒收",
    Hindrance.NOT_ADMITTED: "不予接入",
    Hindrance.UNREADABLE: "读不出",
    Hindrance.STOPPED: "没有运行",
}


def relevant(
    found: Sequence[Interruption], institution: str, datasets: Collection[str], sources: Collection[str]
) -> list[Interruption]:
    """Those that kept anything of these data sets of the institution; its data come from `sources`."""
    return [each for each in found if _concerns(each, institution, datasets, sources)]


def written(found: Sequence[Interruption]) -> str:
    """One sentence an interruption, in the order they began. Where there is no room the shortest ones are only counted."""
    kept = sorted(found, key=_length, reverse=True)
    while kept:
        sentences = [_sentence(each) for each in sorted(kept, key=lambda each: each.began_at)]
        left_out = len(found) - len(kept)
        text = "；".join([*sentences, *([f"另有较短的 {left_out} 次"] if left_out else [])]) + "。"
        if len(text) <= LONGEST:
            return text
        kept = kept[:-1]
    return NOTHING


def _concerns(each: Interruption, institution: str, datasets: Collection[str], sources: Collection[str]) -> bool:
    place = each.place
    if place.subject is Subject.SOURCE:
        return place.name in sources and (not datasets or place.part in datasets)
    return place.subject is Subject.GATEWAY or place.part in ("", institution)


def _length(each: Interruption) -> tuple[bool, float]:
    """One that lasts is the longest."""
    return each.ended_at is None, (each.ended_at - each.began_at).total_seconds() if each.ended_at else 0


def _sentence(each: Interruption) -> str:
    place = each.place
    who = {Subject.TARGET: f"平台 {place.name} ", Subject.SOURCE: f"本地库 {place.name} 的 {place.part} ", Subject.GATEWAY: "网关"}
    span = f"自 {wire.encode_datetime(each.began_at)} {f'至 {wire.encode_datetime(each.ended_at)} ' if each.ended_at else '起'}"
    times = f"，不成 {each.tries} 次" if each.tries > 1 else ""
    lasting = "" if each.ended_at else "，此刻仍未恢复"
    cause = f"（{redaction.shown(each.cause, _CAUSE)}）" if each.cause else ""
    return f"{who[place.subject]}{span}{_WORDS.get(each.kind, str(each.kind))}{times}{lasting}{cause}"
