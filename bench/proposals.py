"""How often `gateway profile new` proposes the right column: held against profiles that people wrote.

    python -m bench.proposals --url-from database.url his/openhis

A field counts if the shipped profile fills it from a column; the query says of which table. Constants, the site's catalogue and
fields that the product does not have are no columns, so they are counted apart: how many of those get a wrong active proposal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import make_url

from adapters import profile
from adapters.databases.connection import SiteDatabase
from adapters.databases.sql import Query
from adapters.origins import CatalogueValue, Constant, First, Origin
from adapters.proposing.proposal import Proposal, chosen
from adapters.proposing.ranking import Ranking
from adapters.proposing.survey import Survey
from adapters.refining import Refined
from schemas import loader
from schemas.model import Edition, FieldType

_TABLE = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)\s+(?:AS\s+)?(\w+)", re.IGNORECASE)
_SELECTED = re.compile(r"\bSELECT\b(.*?)^FROM\b", re.IGNORECASE | re.DOTALL | re.MULTILINE)
_COLUMN = re.compile(r"\b(\w+)\.(\w+)")
_NAMED = re.compile(r"\bAS\s+(\w+)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Measured:
    """One data set of one product."""

    dataset: str
    head: str  #: the table that the shipped profile reads
    rank: int  #: at which place it is proposed; 0: not among the proposals
    fields: int
    first: int  #: fields whose right column is proposed first
    among: int  #: among the first three
    missed: tuple[str, ...]
    columnless: int  #: fields that no column can fill
    invented: int  #: of these, how many the skeleton fills all the same


def measure(survey: Survey, shipped: profile.Profile, edition: Edition, dataset: str) -> Measured:
    """Proposals from the head table that the shipped profile reads, whatever place it has among the proposed ones."""
    rules = profile.mapping(shipped, dataset, edition)
    head, columns = origins(shipped.queries[dataset])
    ranking = Ranking(survey, edition, dataset)
    rank = next((number for number, each in enumerate(ranking.tables(), 1) if each.table.name == head), 0)
    found = ranking.fields(head)
    right = {
        name: {place for each in direct(rule.origin) for place in columns.get(each, ())} for name, rule in rules.fields.items()
    }
    right = {name: places for name, places in right.items() if places}
    hits = {name: [bool(_places(each) & right[name]) for each in found.get(name, [])[:3]] for name in right}
    single = {spec.name for spec in edition.datasets[dataset].fields if spec.type is not FieldType.ROWS}
    columnless = single - right.keys()
    return Measured(
        dataset=dataset,
        head=head,
        rank=rank,
        fields=len(right),
        first=sum(1 for each in hits.values() if each[:1] == [True]),
        among=sum(1 for each in hits.values() if any(each)),
        missed=tuple(sorted(name for name, each in hits.items() if not any(each))),
        columnless=len(columnless),
        invented=len(columnless & chosen(edition.datasets[dataset], found).keys()),
    )


def origins(query: Query) -> tuple[str, dict[str, set[tuple[str, str]]]]:
    """The head table of a query, and of each of its columns the tables' columns that it is made of."""
    sql = re.sub(r"--.*|[`\"]", "", query.sql)
    tables = {alias: name for name, alias in _TABLE.findall(sql)}
    selected = _SELECTED.search(sql)
    columns: dict[str, set[tuple[str, str]]] = {}
    for part in _parts(selected[1] if selected else ""):
        named = _NAMED.search(part)
        used = {(tables[alias], column) for alias, column in _COLUMN.findall(part) if alias in tables}
        name = named[1] if named else next((column for _, column in used), "")
        columns[name] = used
    return next(iter(tables.values())), columns


def direct(origin: Origin) -> tuple[str, ...]:
    """The columns whose values a field takes; what is found by way of a catalogue is in none."""
    match origin:
        case CatalogueValue() | Constant():
            return ()
        case First(origins):
            return tuple(column for each in origins for column in direct(each))
        case Refined(inner):
            return direct(inner)
    return origin.columns


def _places(proposal: Proposal) -> set[tuple[str, str]]:
    both = (proposal.offered, proposal.clock) if proposal.clock else (proposal.offered,)
    return {(each.table, each.column.name) for each in both}


def _parts(selected: str) -> Iterator[str]:
    """What is between the commas that stand in no bracket."""
    depth, start = 0, 0
    for position, character in enumerate(selected):
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            yield selected[start:position].strip()
            start = position + 1
    yield selected[start:].strip()


@click.command()
@click.option("--url-from", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--encoding", default="", help="as of `gateway profile new`")
@click.argument("name")
def main(url_from: Path, encoding: str, name: str) -> None:
    """Print a line for every data set of the profile."""
    survey = Survey(SiteDatabase(make_url(url_from.read_text(encoding="utf-8").strip()), 30, encoding=encoding))
    shipped, edition = profile.load(name), loader.reference()
    for dataset in shipped.queries:
        found = measure(survey, shipped, edition, dataset)
        click.echo(
            f"{name} {dataset} {found.head} table #{found.rank}: {found.fields} fields, {found.first} first, {found.among} in three"
            f" (missed: {', '.join(found.missed) or 'none'}); {found.invented} of {found.columnless} columnless fields filled"
        )


if __name__ == "__main__":
    main()
