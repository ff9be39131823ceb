"""A whole draft profile, written to a new folder: it loads at once, and `gateway check` then tells what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from adapters import quality
from adapters.proposing.drafting import Draft, draft
from adapters.proposing.idioms import Idioms
from adapters.proposing.proposal import TableProposal
from adapters.proposing.queries import Queries
from adapters.proposing.ranking import Ranking
from adapters.proposing.rules import Rules, quoted
from adapters.proposing.survey import Survey
from gateway.errors import ConfigError
from schemas.model import Edition

_SUFFIXES = {"query": "", "window": ".window", "lookup": ".lookup", "mark": ".mark", "count": ".count"}


@dataclass(frozen=True, slots=True)
class Drafted:
    """What became of one data set."""

    draft: Draft
    tables: Sequence[TableProposal]  #: that were considered; () if the clerk named it
    sweeps: bool


@dataclass(frozen=True, slots=True)
class Product:
    """What the clerk says of the software."""

    name: str
    vendor: str
    version: str


def write(
    survey: Survey, edition: Edition, datasets: Sequence[str], tables: Sequence[str], out: Path, product: Product, today: date
) -> list[Drafted]:
    """Draft each data set and write the folder; `tables` are the head tables, as many as data sets or none.

    ConfigError if the folder is not empty, a data set is unknown, or no table can be found for it; nothing is written then.
    """
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"文件夹 {out} 不是空的，请换一个，免得盖掉已经改好的")
    for code in datasets:
        if code not in edition.datasets or not edition.datasets[code].uploaded:
            raise ConfigError(f"规范 {edition.id} 没有要报送的数据集 {code}，看有哪些：gateway spec list")
    idioms = Idioms(survey.database.dialect_of_sql)
    named = list(tables) or [""] * len(datasets)
    found = [_drafted(Ranking(survey, edition, code), head, idioms, survey) for code, head in zip(datasets, named, strict=True)]
    _write(out, "manifest.yaml", manifest(found, idioms, product))
    for each in found:
        code = each.draft.dataset.code
        _write(out, f"mapping/{code}.yaml", Rules(each.draft, edition).text())
        for key, text in Queries(each.draft, idioms, survey.schema or "").files().items():
            _write(out, f"queries/{code}{_SUFFIXES[key]}.sql", text)
    _write(out, "quality.yaml", _quality())
    _write(out, "NOTES.md", notes(found, product, today))
    return found


def _drafted(ranking: Ranking, head: str, idioms: Idioms, survey: Survey) -> Drafted:
    considered = [] if head else ranking.tables()
    made = draft(ranking, head or (considered[0].table.name if considered and considered[0].covered else ""))
    if considered and not ranking.named(made.head):
        made.remarks.append(_unnamed(made))
    return Drafted(made, considered, Queries(made, idioms, survey.schema or "").sweeps)


def _unnamed(made: Draft) -> str:
    """Of a data set that a product does not have, the best table is still some table."""
    code, name = made.dataset.code, made.dataset.name
    return f"{code}：{made.head.name} 的表名和注释都没有说到“{name}”，只是列有些像：先问清本系统有没有这项业务、主表是哪一张"


def manifest(found: Sequence[Drafted], idioms: Idioms, product: Product) -> str:
    """The manifest, with `draft` until a person takes it out."""
    lines = [
        f"product: {json.dumps(product.name, ensure_ascii=False)}",
        f"vendor: {json.dumps(product.vendor, ensure_ascii=False)}",
        f"versions: [{json.dumps(product.version, ensure_ascii=False)}]",
        "# 草稿：run、serve 不用它报送。逐个字段核对、gateway check 看过之后，删去下一行",
        "draft: true",
        "kind: sql",
        f"dialects: [{', '.join(idioms.family)}]",
        "# 本系统不记录、要由站点声明的内容写在这里，映射里用 constant 引用；站点的目录对照表写在 catalogues",
        "# constants:",
        "#   phar_name: {label: 药师姓名}",
        "datasets:",
    ]
    return "".join(f"{line}\n" for line in (*lines, *(line for each in found for line in _entry(each))))


def _entry(each: Drafted) -> Iterator[str]:
    code = each.draft.dataset.code
    yield f"  {quoted(code)}:"
    for key, suffix in _SUFFIXES.items():
        if each.sweeps or key not in ("window", "lookup"):
            yield f"    {key}: queries/{code}{suffix}.sql"
    yield f"    mapping: mapping/{code}.yaml"
    yield "    takes: [after_key, limit]"
    yield "    # 每次从头重读，改动靠比对内容发现。表很大、又有每次修改都会变而且有索引的修改时间列时，"
    yield "    # 可改成 incremental：查询用 :after_time，takes 加上 after_time（写法见 docs/adding-a-his.md）"
    yield "    reading: rescan"
    yield f"    key: {each.draft.kind}"
    if not each.sweeps:
        yield "    # 业务时间不是一列日期或时间，没有写 window 和 lookup：迟到的、删掉的行要靠它们，能写就补上"


def _quality() -> str:
    lines = (f"{rule}: {{standing: todo, why: 草稿，还没有核对（{label}）}}\n" for rule, label in quality.RULES.items())
    return "".join(lines)


def notes(found: Sequence[Drafted], product: Product, today: date) -> str:
    """What was found, for the person who goes on from here."""
    lines = [f"# {product.name}", "", f"{today} 由 `gateway profile new` 起草，还没有核对。", "", "## 查到什么", ""]
    lines += ["| 数据集 | 主表 | 还考虑过 | 有候选列的字段 |", "|---|---|---|---|"]
    for each in found:
        made = each.draft
        others = "、".join(f"`{other.table.name}`" for other in each.tables if other.table.name != made.head.name) or "—"
        lines.append(
            f"| {made.dataset.code} {made.dataset.name} | `{made.head.name}` | {others} | {len(made.active)}/{len(made.others)} |"
        )
    lines += ["", "## 要核对的", ""]
    lines += [f"- {remark}" for each in found for remark in each.draft.remarks]
    for each in found:
        lines += [
            f"- {each.draft.dataset.code}：`{join.on}.{join.column}` → `{join.table}.{join.target}` 是推断的，库里没有外键"
            for join in each.draft.joins
            if not join.declared
        ]
    lines += [
        "- 每个字段取的列对不对：`gateway preview 数据集` 逐行看本地值和报送值",
        "- 哪些状态的行不该报",
        "",
        "## 站点要声明的",
        "",
        "（没有就写没有）",
        "",
    ]
    return "\n".join(lines)


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
