"""What a person has to be told, and what to do about it. Pure: `alarms(situation, thresholds)` decides, nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise

from gateway.situation import Arrears, Situation
from schemas import wire


class Kind(StrEnum):
    """What is wrong."""

    SILENT = "静默"
    GROWING = "队列增长"
    DUE = "期限将至"
    OVERDUE = "已逾期"
    BREAKER = "熔断"
    BRAKE = "刹车"
    REJECTED = "平台退回"
    CORRECTION = "更正期限"
    UNREADABLE = "来源读不到"
    DISK = "磁盘"
    CLOCK = "时钟"
    OWN_CLOCK = "本机时钟"
    CALENDAR = "休息日表"
    BACKUP = "备份太旧"
    CHANNEL = "告警通道"


@dataclass(frozen=True, slots=True)
class Guide:
    """How urgent a kind is, and what to do: one Chinese sentence with the very command."""

    urgent: bool  #: told at any hour
    advice: str  #: {source}, {dataset}, {target} are filled in


GUIDES: Mapping[Kind, Guide] = {
    Kind.SILENT: Guide(
        False,
        "先看 HIS 是否照常录入；照常的，运行 gateway check --source {source} 看还读不读得到；"
        "当天停诊的，把日期写进配置 institutions 的 closed",
    ),
    Kind.GROWING: Guide(
        False, "运行 gateway status 看目标 {target} 下写的原因；原因排除后运行 gateway resume --target {target} 立即再试"
    ),
    Kind.DUE: Guide(
        True,
        "临床录入的请科室补齐（运行 gateway status 看原因）；网络、平台的请恢复后运行 gateway resume --target {target}；"
        "赶不上的，在期限之前运行 gateway declare outage 申明",
    ),
    Kind.OVERDUE: Guide(
        False,
        "运行 gateway late --date 到期那天 --dataset {dataset} 看是哪几行、迟在谁手里；补报之后自动解除，原因向医保局说明",
    ),
    Kind.BREAKER: Guide(True, "按原因修好网络、地址或密钥，再运行 gateway resume --target {target}；平台一侧的，联系平台"),
    Kind.BRAKE: Guide(
        True, "到 HIS 里核实；无误后运行 gateway brake release --source {source} --dataset {dataset}，不对的先恢复数据"
    ),
    Kind.REJECTED: Guide(
        False,
        "运行 gateway status 看退回的原因，在 HIS 里改正后自动再报；"
        "平台一侧已改好的，运行 gateway requeue --target {target} --dataset {dataset}",
    ),
    Kind.CORRECTION: Guide(
        False, "打开网页的“待办”催科室改正（没有开网页的，运行 gateway status 看原因和例子），在 HIS 里改好后自动再报"
    ),
    Kind.UNREADABLE: Guide(
        True, "检查数据库服务、网络和只读账号，再运行 gateway check --source {source}；修好后自动继续，不会漏读"
    ),
    Kind.DISK: Guide(True, "清理或扩容磁盘，再运行 gateway disk 核对；剩余低于 store.disk_floor 时只报送、不读取"),
    Kind.CLOCK: Guide(True, "先核对本机的时间和授时；本机无误的告知平台 {target}；改好后运行 gateway status 核对"),
    Kind.OWN_CLOCK: Guide(True, "先核对本机的日期、时间和授时；本机无误的，等平台有应答，或运行 gateway clock --right"),
    Kind.CALENDAR: Guide(False, "国务院公布放假安排之后升级 Python 包 chinesecalendar，再重新启动 gateway serve"),
    Kind.BACKUP: Guide(
        False, "运行 gateway backup --to 新文件，并写进每天的计划任务；用别的办法备份的，把 alerts.backup_days 写成 0"
    ),
    Kind.CHANNEL: Guide(False, "核对 alerts.channels 里这个通道的地址、账号和网络，再运行 gateway alert test"),
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on a person is told."""

    due: timedelta = timedelta(hours=4)  #: so long before a deadline
    queue: timedelta = timedelta(minutes=30)  #: a queue that grows is told once its oldest row waits so long
    looks: int = 10  #: in so many looks in a row it grew
    silence: int = 5  #: rows that usually have come; fewer may be missing by chance
    backup: timedelta = timedelta(days=7)  #: 0: never told


@dataclass(frozen=True, slots=True)
class Alarm:
    """One matter for a person; `kind` and `place` say which."""

    kind: Kind
    place: str  #: "his HD03", "bureau", "": the gateway itself
    sentence: str
    parts: Mapping[str, str] = field(default_factory=dict)  #: what fills the advice

    @property
    def advice(self) -> str:
        """What to do."""
        return GUIDES[self.kind].advice.format_map({"source": "", "dataset": "", "target": "", **self.parts})

    @property
    def urgent(self) -> bool:
        """Whether it is told at any hour."""
        return GUIDES[self.kind].urgent


def alarms(situation: Situation, thresholds: Thresholds) -> list[Alarm]:
    """Everything that is wrong now, at most one alarm of a kind and place."""
    return [each for find in _FINDERS for each in find(situation, thresholds)]


def _silent(situation: Situation, thresholds: Thresholds) -> Iterator[Alarm]:
    for each in situation.silences:
        if each.usual >= thresholds.silence:
            sentence = (
                f"来源 {each.source} 的 {each.dataset} 自 {wire.encode_datetime(each.since)} 起没有新数据，"
                f"往常这段时间约有 {each.usual} 行（前 {each.days} 个同样的日子的中位数）"
            )
            yield _of_source(Kind.SILENT, each.source, each.dataset, sentence)


def _growing(situation: Situation, thresholds: Thresholds) -> Iterator[Alarm]:
    for each in situation.arrears:
        last = each.history[-thresholds.looks :]
        grows = len(last) == thresholds.looks and last[-1] > last[0] and all(a <= b for a, b in pairwise(last))
        if grows and each.oldest and situation.now - each.oldest > thresholds.queue:
            since = wire.encode_datetime(each.oldest)
            sentence = f"目标 {each.target} 的队列一直在增长：{each.waiting} 条未送达，最早的自 {since} 起等着"
            yield Alarm(Kind.GROWING, each.target, sentence, {"target": each.target})


def _due(situation: Situation, thresholds: Thresholds) -> Iterator[Alarm]:
    hours = thresholds.due / timedelta(hours=1)
    for owing in situation.arrears:
        for dataset in owing.datasets:
            yield from _of_dataset(Kind.DUE, owing, dataset, f"{hours:g} 小时之内到期而还没有送达", overdue=False)


def _overdue(situation: Situation, thresholds: Thresholds) -> Iterator[Alarm]:
    for owing in situation.arrears:
        for dataset in owing.datasets:
            yield from _of_dataset(Kind.OVERDUE, owing, dataset, "已过应报时间而还没有送达", overdue=True)


def _of_dataset(kind: Kind, owing: Arrears, dataset: str, what: str, *, overdue: bool) -> Iterator[Alarm]:
    shares = {str(party): count for party, count in owing.shares(dataset, overdue=overdue).items() if count}
    if shares:
        told = "、".join(f"{party} {count} 条" for party, count in sorted(shares.items(), key=lambda pair: -pair[1]))
        sentence = f"目标 {owing.target} 的 {dataset} 有 {sum(shares.values())} 条{what}，现在在：{told}"
        yield Alarm(kind, f"{owing.target} {dataset}", sentence, {"target": owing.target, "dataset": dataset})


def _breaker(situation: Situation, _: Thresholds) -> Iterator[Alarm]:
    for each in situation.tripped:
        place = f"机构 {each.institution}" if each.institution else "整个平台"
        sentence = f"目标 {each.target}（{place}）暂停报送：{each.breaker.cause or '连续不成'}"
        yield Alarm(Kind.BREAKER, f"{each.target} {each.institution}".strip(), sentence, {"target": each.target})


def _brake(situation: Situation, _: Thresholds) -> Iterator[Alarm]:
    for each in situation.brakes:
        place = f"{each.source} {each.dataset} {each.kind}"
        sentence = f"来源 {each.source} 的 {each.dataset} 停下来等人核实：{each.sentence}"
        parts = {"source": each.source, "dataset": each.dataset, "kind": str(each.kind), "said": each.sentence}
        yield Alarm(Kind.BRAKE, place, sentence, parts)


def _rejected(situation: Situation, _: Thresholds) -> Iterator[Alarm]:
    for owing in situation.arrears:
        for dataset, count in owing.rejected.items():
            sentence = f"目标 {owing.target} 退回 {dataset} {count} 条，平台没有收下"
            yield Alarm(Kind.REJECTED, f"{owing.target} {dataset}", sentence, {"target": owing.target, "dataset": dataset})


def _correction(situation: Situation, thresholds: Thresholds) -> Iterator[Alarm]:
    soon, over = situation.corrections
    if soon:
        hours = thresholds.due / timedelta(hours=1)
        told = f"，其中 {over} 项已过期" if over else ""
        yield Alarm(Kind.CORRECTION, "", f"有 {soon} 项待办的更正期限在 {hours:g} 小时之内{told}")


def _unreadable(situation: Situation, _: Thresholds) -> Iterator[Alarm]:
    for each in situation.unreadable:
        since = wire.encode_datetime(each.began_at)
        sentence = f"来源 {each.place.name} 的 {each.place.part} 自 {since} 起读不到：{each.cause}"
        yield _of_source(Kind.UNREADABLE, each.place.name, each.place.part, sentence)


def _disk(situation: Situation, _: Thresholds) -> Iterator[Alarm]:
    if situation.disk.tight:
        yield Alarm(Kind.DISK, "", situation.disk_sentence)


def _clock(situation: Situation, _: Thresholds) -> Iterator[Alarm]:
    for target, sentence in situation.clocks.items():
        yield Alarm(Kind.CLOCK, target, sentence, {"target": target})


def _own_clock(situation: Situation, _: Thresholds) -> Iterator[Alarm]:
    if situation.doubt:
        yield Alarm(Kind.OWN_CLOCK, "", situation.doubt)


def _calendar(situation: Situation, _: Thresholds) -> Iterator[Alarm]:
    if situation.calendar:
        yield Alarm(Kind.CALENDAR, "", "；".join(situation.calendar))


def _backup(situation: Situation, thresholds: Thresholds) -> Iterator[Alarm]:
    last = situation.backed_up_at or situation.made_at
    if thresholds.backup and last and situation.now - last > thresholds.backup:
        told = f"上次备份是 {wire.encode_datetime(last)}" if situation.backed_up_at else "本地库从来没有用 gateway backup 备份过"
        yield Alarm(Kind.BACKUP, "", f"{told}，超过 {thresholds.backup.days} 天")


def _channel(situation: Situation, _: Thresholds) -> Iterator[Alarm]:
    for name, cause in situation.failing.items():
        yield Alarm(Kind.CHANNEL, name, cause)


def _of_source(kind: Kind, source: str, dataset: str, sentence: str) -> Alarm:
    return Alarm(kind, f"{source} {dataset}", sentence, {"source": source, "dataset": dataset})


_FINDERS = (
    *(_unreadable, _breaker, _brake, _due, _disk, _clock, _own_clock),  # the urgent ones first
    *(_silent, _growing, _overdue, _rejected, _correction, _calendar, _backup, _channel),
)
