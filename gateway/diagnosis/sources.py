"""The sources: can they be read, is what reads them finished, and how far is their clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from adapters.databases import probing
from adapters.databases.connection import SiteDatabase
from adapters.dropped import inboxes
from gateway import granting
from gateway.config import Config, Source
from gateway.diagnosis.finding import Finding, bad, good, notice
from gateway.errors import GatewayError
from gateway.wiring import edition_of, feeds_of, unfinished_of
from schemas.errors import SpecError

#: rows are compared by the site's clock: beyond it, new rows may seem to lie in the future
_TOLERANCE = timedelta(seconds=60)


def findings(config: Config, now: datetime) -> Iterator[Finding]:
    """All of them."""
    for source in config.sources:
        yield from _source(source, now)
    yield from _profiles(config)


def _profiles(config: Config) -> Iterator[Finding]:
    try:
        edition = edition_of(config)
        feeds = feeds_of(config, edition)
        refused, accepted = granting.unproven(config, feeds)
        left = unfinished_of(config, edition)
    except (GatewayError, SpecError) as error:
        yield bad("适配包", f"{error}")
        return
    for sentence in refused:
        first = sentence.splitlines()[0]  # below it stands the script
        yield bad("数据库账号", first.replace("脚本如下，也可用 gateway grants 打印", "脚本用 gateway grants 打印"))
    for sentence in accepted:
        yield notice("数据库账号", sentence)
    for sentence in left:
        yield notice("适配包", sentence)
    sources = [feed.source for feed in feeds]
    for sentence in (*inboxes.unclaimed(sources), *inboxes.unmended(sources)):
        yield notice("投放文件夹", sentence)
    if not left:
        yield good("适配包", f"{len(config.sources)} 个来源、{len(feeds)} 个数据集，规范 {edition.id}")


def _source(source: Source, now: datetime) -> Iterator[Finding]:
    subject = f"来源 {source.name}"
    if source.inbox is not None:
        trouble = inboxes.unusable(source.inbox)
        yield bad(subject, trouble) if trouble else good(subject, f"投放文件夹 {source.inbox} 读得了、写得进")
        return
    if source.url is None:
        yield notice(subject, "不是数据库，这里不试连；请用 gateway check 读一遍")
        return
    try:
        parts = (source.url, source.statement_timeout, source.password_from)
        database = SiteDatabase(*parts, encoding=source.encoding, oracle_client=source.oracle_client)
        found = probing.probe(database, now)
    except GatewayError as error:
        yield bad(subject, f"{error}")
        return
    yield good(subject, f"能连上，以只读方式打开（{found.dialect} {found.version}）")
    if found.ahead is not None:
        yield _clock(subject, found.ahead)


def _clock(subject: str, ahead: timedelta) -> Finding:
    seconds = round(ahead.total_seconds())
    if abs(ahead) > _TOLERANCE:
        way = "快" if seconds > 0 else "慢"
        return notice(subject, f"数据库的时钟比本机{way} {abs(seconds)} 秒：请两边都对准授时，否则录入时间和迟报会算错")
    return good(subject, f"数据库的时钟与本机相差 {abs(seconds)} 秒")
