"""The benchmark's site fits the benchmark's data set: figures of different days must measure the same work."""

from __future__ import annotations

from datetime import date

from adapters import mappingfile, profile
from adapters.compiled import CompiledMapping
from adapters.origins import SiteFacts
from bench import sessions
from bench.delivery import account, hospital, ours
from bench.delivery.peers import validation
from schemas import overlay

_RULES = ("name", "label", "type", "length", "scale", "least", "required", "required_if")


def test_the_edition_has_the_twenty_fields_of_the_mapping_benchmark() -> None:
    fields = overlay.load(ours.SITE / "bench.yaml").datasets["BENCH"].fields
    assert len(fields) == 20
    assert [[getattr(spec, name) for name in _RULES] for spec in fields] == [
        [getattr(spec, name) for name in _RULES] for spec in sessions.FIELDS
    ]


def test_the_compiled_mapping_and_the_straw_mans_say_the_same_of_every_row() -> None:
    edition = overlay.load(ours.SITE / "bench.yaml")
    rules = mappingfile.read(ours.SITE / "profile" / "BENCH.yaml", edition, "BENCH", {}, "")
    content = CompiledMapping(rules, SiteFacts(account.INSTITUTION), edition).content
    rows = [row for page in hospital.made(300, date(2026, 11, 24)) for row in page]
    for row in rows:
        compiled = content({"row_ref": row["id"], "cursor_key": row["id"], **row})
        plain = validation.mapped(dict(row))
        assert compiled is not None and not validation.schema.validate(plain)
        assert compiled.keys() == plain.keys()
        assert {name for name in plain if compiled[name] != plain[name]} <= {"pre_weight_kg", "post_weight_kg", "uf_volume_ml"}


def test_the_profile_takes_what_its_queries_have() -> None:
    query = profile.load(ours.SITE / "profile").queries["BENCH"]
    assert query.window and query.lookup and query.mark


def test_the_rows_end_on_the_day_asked_for_and_come_in_the_order_of_their_change_times() -> None:
    rows = [row for page in hospital.made(7000, date(2026, 11, 24)) for row in page]
    assert {row["session_date"] for row in rows} == {date(2026, 11, day) for day in (22, 23, 24)}
    assert [row["changed_at"] for row in rows] == [hospital.changed(number) for number in range(7000)]
