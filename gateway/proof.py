"""One business day held against a platform, pure: every difference between source, store and platform has its class and its cure.

Three sides: the rows at the site, the newest version of each record with us, and the newest version of each key there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from gateway import redaction
from gateway.manifest import Statement, Whereabouts
from gateway.model import AsideState
from gateway.outbox import State
from gateway.standing import Progress
from schemas.holdings import Holding
from schemas.manifest import Entry, digest

_VOID = "0"


class Difference(StrEnum):
    """Why a row of the site is not at the platform, or the platform shows otherwise; and what is done about it."""

    LATE = "晚录"
    QUEUED = "待发"
    UNKNOWN = "结果不明"
    HELD = "暂缓"
    REJECTED = "退回"
    QUARANTINED = "待改正"
    NOT_READY = "未完成"
    EXCLUDED = "排除"
    GONE = "本地已无"
    LOST = "平台缺失"
    DIFFERING = "内容不同"
    FOREIGN = "平台多出"


#: what each means, and what is being done or has to be done, of a business day; in Chinese
CURES: Mapping[Difference, str] = {
    Difference.LATE: "清单之后才读到的，下一轮报送时自动发出，变了的清单出下一版",
    Difference.QUEUED: "还没有送达，自动再发；一直不减少的看 gateway status",
    Difference.UNKNOWN: "发出后没有答复，等够时间先查询平台再定，不盲目重发",
    Difference.HELD: "等上级记录或前一版本的结果，等到后自动发出；上级被退回的，先改上级",
    Difference.REJECTED: "平台退回，原因看 gateway status；在本地改好后自动按下一版再报，平台一侧改好的用 gateway requeue",
    Difference.QUARANTINED: "不合规范，没有报送；原因看 gateway status，在本地改好后自动报送",
    Difference.NOT_READY: "本地还没有做完，做完后自动报送",
    Difference.EXCLUDED: "按适配包的规则不属于报送范围，或在本地已撤销",
    Difference.GONE: "报送过而本地查不到了，连续几次核对都查不到才作废；暂停作废的用 gateway brake list 查看",
    Difference.LOST: "平台收下过、现在没有了；与医保局核实后用 gateway reconcile --date {day} --resend 按原版本再报",
    Difference.DIFFERING: "平台上是别的版本或别的内容；运行 gateway reconcile --date {day} 按平台重建后重报",
    Difference.FOREIGN: "平台有而本机没有报过，多半是另一套程序报的；与医保局核实",
}
_ASIDE = {
    AsideState.EXCLUDED: Difference.EXCLUDED,
    AsideState.NOT_READY: Difference.NOT_READY,
    AsideState.QUARANTINED: Difference.QUARANTINED,
}
_WAITING = {
    State.HELD: Difference.HELD,
    State.UNKNOWN: Difference.UNKNOWN,
    State.CONFLICT: Difference.UNKNOWN,
    State.REJECTED: Difference.REJECTED,
}
_WITHDRAWN = (State.ACCEPTED, State.CANCELLED)
#: nothing is missing at the platform for these
_OWED_TO_NOBODY = frozenset({Difference.EXCLUDED})
#: that many are named of each class
_NAMED = 3
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Found:
    """The differences of one class."""

    difference: Difference
    count: int
    examples: tuple[str, ...]  #: row at the site; of what is only at the platform its key

    def cure(self, day: date) -> str:
        """What is done about it."""
        return CURES[self.difference].format(day=day)


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared, of one institution, data set and business day at one target."""

    target: str
    rows: Sequence[Whereabouts]  #: those read at the site
    records: Sequence[Whereabouts]  #: the ledger's of that day
    counted: bool  #: the site was not asked: no record may be missed there
    stated_at: datetime | None  #: of the first manifest; None: there is none before this look
    there: Mapping[str, Holding]  #: what the platform says of the day, by key
    asked: Mapping[str, Holding] = field(default_factory=dict)  #: what it says of keys that are not of that day there
    known: Mapping[str, int] = field(default_factory=dict)  #: keys of that day there only -> newest version with us, of any day


def differences(sides: Sides) -> list[Found]:
    """Each row and each key in one class at most, in the order of `Difference`."""
    named: dict[Difference, list[str]] = {}
    for difference, example in (*_of_rows(sides), *_of_records(sides), *_of_platform(sides)):
        named.setdefault(difference, []).append(example)
    return [Found(each, len(named[each]), tuple(named[each][:_NAMED])) for each in Difference if each in named]


def to_be_asked(sides: Sides) -> list[str]:
    """Keys that we take for accepted and the platform does not name for the day: its newest may be of another day."""
    return [each.key for each in sides.records if each.states.get(sides.target) is State.ACCEPTED and each.key not in sides.there]


def only_there(sides: Sides) -> list[str]:
    """Live keys of the day at the platform that are none of ours that day: moved to another day, or not ours."""
    ours = {each.key for each in sides.records}
    return [key for key, holding in sides.there.items() if key not in ours and holding.vali_flag != _VOID]


def _of_rows(sides: Sides) -> Iterator[tuple[Difference, str]]:
    """What is set aside, and what was withdrawn at the site and at the platform too."""
    for row in sides.rows:
        if row.aside:
            yield _ASIDE[row.aside], _named(row)
        elif not row.live and row.states.get(sides.target) in _WITHDRAWN and _of_record(row, sides) is None:
            yield Difference.EXCLUDED, _named(row)


def _of_records(sides: Sides) -> Iterator[tuple[Difference, str]]:
    there_at_site = {(row.source, row.ref) for row in sides.rows}
    set_aside = {(row.source, row.ref) for row in sides.rows if row.aside}
    for each in sides.records:
        found = _of_record(each, sides)
        if found is None and each.live and not sides.counted and (each.source, each.ref) not in there_at_site:
            found = Difference.GONE
        if found and (each.source, each.ref) not in set_aside:  # a row is named once
            yield found, _named(each)


def _of_record(each: Whereabouts, sides: Sides) -> Difference | None:
    state = each.states.get(sides.target)
    if state is State.CANCELLED:
        return None
    if state is State.ACCEPTED:
        return _held_otherwise(each, sides.there.get(each.key) or sides.asked.get(each.key))
    if state in _WAITING:
        return _WAITING[state]
    late = sides.stated_at is not None and each.first_seen > sides.stated_at
    return Difference.LATE if late else Difference.QUEUED


def _held_otherwise(each: Whereabouts, holding: Holding | None) -> Difference | None:
    """None where the platform holds just what we say; a withdrawal of what it does not hold has nothing to withdraw."""
    if holding is None or holding.version < each.version:
        there = holding is not None and holding.version > 0 and holding.vali_flag != _VOID
        return Difference.LOST if each.live or there else None
    same = (holding.version, holding.content_hash) == (each.version, each.content_hash)
    return None if same and (holding.vali_flag != _VOID) == each.live else Difference.DIFFERING


def _of_platform(sides: Sides) -> Iterator[tuple[Difference, str]]:
    """Where a record of ours was moved to another day, its newer version is on its way: the other day tells of it."""
    for key in only_there(sides):
        newest = sides.known.get(key, 0)
        if not newest:
            yield Difference.FOREIGN, redaction.shown(key, _LONGEST)
        else:
            moved = newest > sides.there[key].version
            yield Difference.QUEUED if moved else Difference.DIFFERING, redaction.shown(key, _LONGEST)


def _named(row: Whereabouts) -> str:
    return f"来源 {row.source} 的 {redaction.shown(row.ref, _LONGEST)}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a platform said, or why it did not."""

    ours: str  #: digest of what we take it to hold as live
    theirs: str = ""  #: digest of what it holds as live; "" where it was not told
    live: int = 0  #: records it holds as live
    found: tuple[Found, ...] = ()
    trouble: str = ""  #: why nothing is known; ""
    alike: str = ""  #: digest of what all targets hold alike, as the next manifest would state it


@dataclass(frozen=True, slots=True)
class Proof:
    """One institution, data set and business day at one target."""

    target: str
    institution: str
    dataset: str
    history: tuple[Statement, ...]  #: the manifests, oldest first
    delivery: Progress | None  #: of the newest of them
    comparison: Comparison
    closed: bool = False  #: the institution was closed that day
    trouble: str = ""  #: why the day could not be read anew

    @property
    def newest(self) -> Statement | None:
        """The manifest that counts."""
        return self.history[-1] if self.history else None

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not proven beside rows that are missing at the platform, a sentence each."""
        return tuple(self._faults())

    @property
    def missing(self) -> int:
        """Rows and records that should be at the platform, or should not, or are otherwise there."""
        return sum(each.count for each in self.comparison.found if each.difference not in _OWED_TO_NOBODY)

    @property
    def proven(self) -> bool:
        """Whether every row of the day is at the platform, it says so itself, and it holds our manifest that says so."""
        return not self.faults and not self.missing

    def _faults(self) -> Iterator[str]:
        if self.trouble:
            yield f"本次没有读成：{self.trouble}"
        if self.newest is None:
            yield "没有出过清单"
        elif not self.newest.balanced:
            yield "账不平"
        elif self.newest.zero and not self.newest.query_digest:
            yield "零没有本地查询作证（适配包不能按业务日读）"
        if self.newest and (self.delivery is None or self.delivery.state is not State.ACCEPTED):
            yield "清单还没有被平台收下"
        if self.comparison.trouble:
            yield f"没有与平台对照：{self.comparison.trouble}"
        elif self.comparison.ours != self.comparison.theirs:
            yield "平台持有的与本机所记的摘要不同"
        if self.newest and self.newest.digest != self.comparison.ours and not self.comparison.trouble:
            if self.newest.digest == self.comparison.alike:
                yield "清单只算各平台都收下的，别的平台还没有收齐；收齐后出下一版清单，再来证明"
            else:
                yield "清单的摘要与本机所记的不同，等下一版清单"


def live_digest(holdings: Collection[Holding]) -> tuple[str, int]:
    """Of what the platform holds as live, and how many that are."""
    live = [Entry(each.key, each.version, each.content_hash) for each in holdings if each.vali_flag != _VOID]
    return digest(live), len(live)
