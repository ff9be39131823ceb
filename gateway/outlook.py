"""What the first page says: what is wrong today with what to do about it, and where all rows stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from gateway import deadlines, tending, unread
from gateway.disk import Forecast, forecast
from gateway.maintenance import retention_lines, sentence
from gateway.model import Brake
from gateway.standing import Queue, Standing
from gateway.wiring import Gateway
from schemas import wire


@dataclass(frozen=True, slots=True)
class Matter:
    """Something for a person."""

    title: str  #: of a closed list: what kind of thing it is
    urgent: bool
    sentence: str
    advice: str  #: what to do
    brake: Brake | None = None  #: that may be let go where it is told


@dataclass(frozen=True, slots=True)
class Outlook:
    """One moment of a gateway, as its people see it."""

    now: datetime
    matters: tuple[Matter, ...]  #: the urgent ones first
    remarks: tuple[str, ...]  #: good to know, nothing to do
    standings: tuple[Standing, ...]
    unread: frozenset[tuple[str, str]]  #: (source, data set) of what was never read
    queues: tuple[Queue, ...]
    disk: str


def outlook(gateway: Gateway) -> Outlook:
    """Ask the store for everything; takes a moment where there are millions of rows."""
    now = gateway.clock()
    standings = tuple(gateway.store.standings(gateway.routes))
    queues = tuple(gateway.store.queue(target) for target in gateway.clients)
    lost = unread.lasting(gateway)
    room = forecast(gateway.store.usage(now), gateway.store.room, gateway.config.storage.disk_budget, now)
    matters = chain(_of_queues(gateway, queues, now), _of_site(gateway, lost), _of_books(standings), _of_disk(room))
    remarks = (
        *(remark for each in standings for remark in each.remarks),
        *gateway.gate_lines(),
        *deadlines.remarks(gateway.edition, gateway.closures, now),
        *retention_lines(gateway.config),
    )
    return Outlook(
        now,
        tuple(sorted(matters, key=lambda each: not each.urgent)),
        remarks,
        standings,
        frozenset(unread.so_far(gateway, lost)),
        queues,
        sentence(room),
    )


def _of_queues(gateway: Gateway, queues: Sequence[Queue], now: datetime) -> Iterator[Matter]:
    for each in queues:
        if each.oldest_due and each.oldest_due < now:
            told = f"目标 {each.target} 有数据过了期限还没有送达，最早的应于 {wire.encode_datetime(each.oldest_due)} 前送达"
            yield Matter("已逾期", True, told, "到“队列”看在等什么；是科室的，催科室改正；是网络或平台的，修好后点“立即再试”")
        for tripped in gateway.store.tripped(each.target):
            place = f"机构 {tripped.institution}" if tripped.institution else "全部机构"
            told = f"目标 {each.target} 暂停报送（{place}）：{tripped.breaker.cause}"
            yield Matter("熔断", True, told, "按原因修好网络、地址或密钥，再到“队列”点“立即再试”；平台一侧的，联系平台")
    for line in gateway.clock_lines():
        yield Matter("时钟", True, line, "先核对本机的时间和授时；本机无误的，告知平台")


def _of_site(gateway: Gateway, lost: Sequence[unread.Unread]) -> Iterator[Matter]:
    for told in unread.sentences(lost):
        yield Matter("来源读不到", True, told, "检查数据库服务、网络和只读账号；修好后自动继续，不会漏读")
    for each in gateway.store.brakes():
        told = f"来源 {each.source} 的 {each.dataset} {tending.KIND_WORDS[each.kind]}：{each.sentence}"
        yield Matter("刹车", True, told, "到 HIS 里核实；无误后由管理员放行，不对的先恢复数据，恢复后自动解除", each)
    for told in tending.alarm_lines(gateway):
        yield Matter("迟到增多", False, told, "看这些行为什么录得晚；要更长的回看窗口，改配置 lookback")


def _of_books(standings: Sequence[Standing]) -> Iterator[Matter]:
    for each in standings:
        route = each.route
        if not each.balanced:
            told = f"来源 {route.source} 的 {route.dataset} 账不平：读到 {each.read} 行，有着落的 {each.accounted} 行"
            yield Matter("账不平", True, told, "把下面的行号和日志交给实施人员")


def _of_disk(room: Forecast) -> Iterator[Matter]:
    if room.tight:
        yield Matter("磁盘", room.short, sentence(room), "清理或扩容磁盘；剩余低于 store.disk_floor 时只报送、不读取")
