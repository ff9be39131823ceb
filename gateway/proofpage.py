"""What `gateway manifest` and `gateway prove` show: in 80 columns on the screen, and as a page to be printed and handed in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console
from rich.text import Text

from gateway.console import STATE_WORDS, spoken
from gateway.errors import GatewayError
from gateway.lateness import Account
from gateway.layout import say
from gateway.manifest import READ, Statement
from gateway.proof import Found, Proof
from schemas import wire
from schemas.errors import file_trouble
from schemas.manifest import PARTS

#: the parts of the account, as they are called on every other screen
PART_WORDS = dict(
    zip(
        PARTS,
        ("排除", "未完成", "待改正", "未变", "待发送", "已取出", "发送中", "结果不明", "暂缓", "已收", "退回", "被新版取代"),
        strict=True,
    )
)
_SHORT = 12  #: hex digits of a digest on the screen


@dataclass(frozen=True, slots=True)
class Page:
    """A day's proofs, and who makes them."""

    day: date
    made_at: datetime
    edition: str
    rid: str
    institutions: Mapping[str, str]  #: code -> name
    datasets: Mapping[str, str]  #: code -> name
    proofs: tuple[Proof, ...]
    lateness: Mapping[tuple[str, str, str], Account]  #: (target, data set, institution)

    @property
    def proven(self) -> bool:
        """All of it."""
        return all(each.proven for each in self.proofs)

    @property
    def sections(self) -> list[tuple[str, str, list[Proof]]]:
        """Target, institution, and their data sets."""
        ordered = sorted(self.proofs, key=lambda each: (each.target, each.institution))
        groups = groupby(ordered, key=lambda each: (each.target, each.institution))
        return [(target, institution, list(proofs)) for (target, institution), proofs in groups]

    def cure(self, found: Found) -> str:
        """What is done about a difference of the day."""
        return found.cure(self.day)

    def late(self, proof: Proof) -> str:
        """How the day's records kept their deadlines."""
        account = self.lateness.get((proof.target, proof.dataset, proof.institution))
        return lateness(account) if account else "没有到期的记录"


def identity(said: Statement) -> str:
    """The account as a sentence."""
    parts = " + ".join(f"{PART_WORDS[part]} {said.figures[part]}" for part in PARTS if said.figures[part]) or "0"
    return f"读到 {said.figures[READ]} = {parts}　{'平' if said.balanced else '不平'}"


def lateness(account: Account) -> str:
    """On time or not, and whom it is charged to."""
    counts = (("按时", account.on_time), ("迟到", account.late), ("逾期未到", account.overdue), ("未到期", account.pending))
    told = "、".join(f"{word} {count}" for word, count in counts if count)
    charged = "、".join(f"{party.told} {count} 条" for party, count in sorted(account.records.items(), key=lambda pair: -pair[1]))
    worst = f"，最多晚 {spoken(account.worst[0][0])}" if account.worst else ""
    return f"{told}{f'（算在：{charged}{worst}）' if charged else ''}"


def zero(proof: Proof) -> str:
    """A zero and what proves it; "" where there were rows."""
    said = proof.newest
    if said is None or not said.zero:
        return ""
    closed = "，机构当日休业" if proof.closed else ""
    if not said.query_digest:
        return f"零：由台账统计，本地查询未参与{closed}"
    rows = f"{said.figures[READ]} 行，都不属于报送范围" if said.figures[READ] else "0 行"
    return f"零：本地查询读到 {rows}（查询摘要 {said.query_digest}）{closed}"


def delivered(proof: Proof) -> str:
    """Where the newest manifest is."""
    if proof.newest is None:
        return "没有出过清单"
    at = wire.encode_datetime(proof.newest.snapshot_at)
    state = STATE_WORDS[proof.delivery.state] if proof.delivery else "还没有派给这个目标"
    when = f"（{wire.encode_datetime(proof.delivery.settled_at)}）" if proof.delivery and proof.delivery.settled_at else ""
    return f"清单第 {proof.newest.version} 版，{at} 统计，{state}{when}"


def basis(said: Statement) -> str:
    """What was counted."""
    return "本地查询" if said.query_digest else "由台账统计，本地查询未参与"


def revocations(proof: Proof) -> list[str]:
    """The zeros that were none."""
    return [
        f"第 {each.version} 版的零申报已于 {wire.encode_datetime(each.revoked_at)} 撤销：{each.revoked_by}"
        for each in proof.history
        if each.revoked_at
    ]


def stated(console: Console, day: date, found: Sequence[Statement]) -> None:
    """A line for each manifest of a day."""
    for said in found:
        zeros = "，零" if said.zero else ""
        say(console, f"{day} {said.institution} {said.dataset} 第 {said.version} 版{zeros}：{identity(said)}（{basis(said)}）")


def printed(console: Console, page: Page) -> None:
    """The whole page on the screen."""
    for target, institution, proofs in page.sections:
        console.rule(Text(f"{page.day} · {institution} → {target}"), align="left")
        for proof in proofs:
            say(console, f"{proof.dataset} {page.datasets[proof.dataset]}　", _verdict(proof))
            for line in _lines(page, proof):
                say(console, f"  {line}")
    done = sum(each.proven for each in page.proofs)
    verdict = "全部证明" if page.proven else f"{len(page.proofs) - done} 项没有证明"
    say(console, f"共 {len(page.proofs)} 项，已证明 {done} 项：{verdict}", style="green" if page.proven else "bold red")


def _verdict(proof: Proof) -> Text:
    return Text("已证明", "green") if proof.proven else Text("未证明", "bold red")


def _lines(page: Page, proof: Proof) -> Iterator[str]:
    if proof.newest:
        yield identity(proof.newest)
        if zero(proof):
            yield zero(proof)
        elif not proof.newest.query_digest:
            yield basis(proof.newest)
    yield delivered(proof)
    if not proof.comparison.trouble:
        ours, theirs = short(proof.comparison.ours), short(proof.comparison.theirs)
        same = "相同" if proof.comparison.ours == proof.comparison.theirs else "不同"
        yield f"平台有效 {proof.comparison.live} 条；摘要本机 {ours}、平台 {theirs}，{same}"
    yield from revocations(proof)
    yield f"时限：{page.late(proof)}"
    yield from (f"未证明：{fault}" for fault in proof.faults)
    for each in proof.comparison.found:
        yield f"{each.difference} {each.count}：{page.cure(each)}（例：{'、'.join(each.examples)}）"


def short(digest: str) -> str:
    """The beginning of a digest, for the eye."""
    return digest.partition(":")[2][:_SHORT]


def write(page: Page, out: Path) -> None:
    """As one HTML file for its owner only, without anything to be fetched. GatewayError if it cannot be written."""
    helpers = (identity, zero, delivered, basis, revocations)
    loader = PackageLoader("gateway", "pages")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update({each.__name__: each for each in helpers}, moment=wire.encode_datetime)
    text = environment.get_template("proof.html").render(page=page)
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise GatewayError(f"证明写不到 {out}：{file_trouble(error)}") from None
