"""Whether compiled and marshmallow agree: `python -m bench.agreement --records 1000000`. Ends with status 1 if they once do not.

Over every data set that is uploaded: valid records, records with one broken rule, and records damaged at random; once by the
reference edition, once by one as lenient as the model allows. Compared are valid or not, and the violations word by word. Said too
is how many valid records compiled was not sure of: those cost time, no correctness.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import click

from schemas import build, compiled, fake, loader
from schemas.damage import Damage
from schemas.model import Dataset, Edition, Extra, Field, Severity

VALID, SINGLE, DAMAGED = "valid", "single fault", "damaged"


def lenient(edition: Edition) -> Edition:
    """The edition of a region that lets everything pass that the model lets a region let pass."""
    return replace(
        edition,
        code=f"{edition.code}-lenient",
        style=replace(edition.style, extra=Extra.KEEP),
        common=tuple(map(_lenient, edition.common)),
        datasets={code: _lenient_dataset(dataset) for code, dataset in edition.datasets.items()},
    )


def _lenient_dataset(dataset: Dataset) -> Dataset:
    return replace(dataset, input=tuple(replace(node, fields=tuple(map(_lenient, node.fields))) for node in dataset.input))


def _lenient(spec: Field) -> Field:
    return replace(spec, length_severity=Severity.WARN, fields=tuple(map(_lenient, spec.fields)))


def records(edition: Edition, code: str, count: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """About `count` records: one fifth valid, one fifth with a single fault, the rest damaged."""
    dataset = edition.datasets[code]
    fifth, damage = count // 5, Damage(edition, dataset, seed)
    yield from ((VALID, each) for each in fake.valid(edition, code, seed, fifth))
    yield from _singles(edition, code, fifth, seed)
    sound = chain.from_iterable(fake.valid(edition, code, seed + turn, fifth) for turn in range(1, 10**9))
    yield from ((DAMAGED, damage.damaged(next(sound))) for _ in range(count - 2 * fifth))


def _singles(edition: Edition, code: str, count: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    made = chain.from_iterable(fake.single_faults(edition, code, seed + turn) for turn in range(count + 1))
    yield from ((SINGLE, record) for _, (record, _, _) in zip(range(count), made, strict=False))


def disagreements(edition: Edition, code: str, count: int, seed: int, seen: Counter[str]) -> Iterator[str]:
    """A sentence for each record on which the two differ; counts in `seen` what was judged."""
    authority, fast = build.validator(edition, code), compiled.validator(edition, code)
    for kind, record in records(edition, code, count, seed):
        truth, told, sure = _outcome(authority.violations, record), _outcome(fast.violations, record), _outcome(fast.valid, record)
        seen[kind] += 1
        seen[f"{kind}, valid"] += truth == ()
        seen[f"{kind}, valid but not sure"] += truth == () and sure is not True
        if told != truth or (sure is True and truth != ()):
            yield f"{edition.id} {code} {kind}: marshmallow {truth}, compiled {told}, {sure}"


def _outcome(judge: Callable[[dict[str, Any]], Any], record: dict[str, Any]) -> Any:
    """An extra field that is kept may hold what JSON cannot, which no message can: then neither can write the digest."""
    try:
        return judge(record)
    except TypeError as error:
        return type(error).__name__


@click.command()
@click.option("--records", "count", default=20_000, show_default=True, help="一共判多少条记录。")
@click.option("--seed", default=1, show_default=True)
def main(count: int, seed: int) -> None:
    """编译的校验与 marshmallow 逐条比对。"""
    began, reference = time.perf_counter(), loader.reference()
    codes = [code for code, dataset in reference.datasets.items() if dataset.uploaded]
    runs = [(edition, code) for edition in (reference, lenient(reference)) for code in codes]
    seen: Counter[str] = Counter()
    found = 0
    for number, (edition, code) in enumerate(runs):
        share = count // len(runs) + (number < count % len(runs))
        for sentence in disagreements(edition, code, share, seed, seen):
            found += 1
            click.echo(sentence)
    total = seen[VALID] + seen[SINGLE] + seen[DAMAGED]
    click.echo(f"{reference.id}，{len(codes)} 个数据集，{total:,} 条记录，不一致 {found} 条，{time.perf_counter() - began:.0f} 秒")
    for kind, number in sorted(seen.items()):
        click.echo(f"  {kind}: {number:,}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
