"""`gateway grants`, and the proof of `gateway check` that nothing can be written at a source: the HIS is not ours."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from gateway import config as configuration
from gateway.config import Config
from gateway.errors import ConfigError, SourceError
from gateway.ports import ProvenSource
from gateway.telling import told
from gateway.wiring import Feed, edition_of, feeds_of
from schemas.commandline import Command


@click.command(cls=Command, help="打印给数据库管理员的授权脚本：一个只能读取适配包所读的表的账号。")
@click.option("--source", "only", help="只打印这个来源的")
@click.pass_obj
def grants(path: Path, only: str | None) -> None:
    """Nothing is connected."""
    with told():
        config = configuration.load(path)
        feeds = feeds_of(config, edition_of(config))
        names = [each.name for each in config.sources if only in (None, each.name)]
        if not names:
            raise ConfigError(f"没有名为 {only} 的来源", file=path, key="sources")
        for name in names:
            click.echo(f"-- 来源 {name}")
            click.echo(_script(feeds, name) or "-- 不是数据库，不用授权\n")


COMMANDS = (grants,)


def unproven(config: Config, feeds: Iterable[Feed]) -> tuple[list[str], list[str]]:
    """Sentences on sources whose account may write: those that are refused, each with its script, and those that the site accepts.

    A source that cannot be asked now is left to the reading, which says why.
    """
    refused: list[str] = []
    accepted: list[str] = []
    known = list(feeds)
    for source in config.sources:
        first = next((each.source for each in known if each.source.name == source.name), None)
        if not isinstance(first, ProvenSource):
            continue
        try:
            rights = first.writable()
        except SourceError:
            continue
        if not rights:
            continue
        told = f"来源 {source.name} 的数据库账号不只能读：{'；'.join(rights)}"
        if source.accept_writable:
            accepted.append(f"{told}。已按配置接受（{source.accept_writable}）")
        else:
            advice = "请换一个只读账号（脚本如下，也可用 gateway grants 打印）；确实只能用它的，在来源里写 accept_writable 和原因"
            refused.append(f"{told}。{advice}\n\n{_script(known, source.name)}")
    return refused, accepted


def _script(feeds: Iterable[Feed], name: str) -> str:
    """One for all data sets of the source; "" if it has no account."""
    sources = [each.source for each in feeds if each.source.name == name]
    proven = [each for each in sources if isinstance(each, ProvenSource)]
    return proven[0].script(frozenset(table for each in proven for table in each.tables)) if proven else ""
