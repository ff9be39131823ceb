"""The rules of fields as generated comparisons of local variables that hold wire texts, "" for none.

Each comparison that fails means "not sure": it may be stricter than `schemas.build`, never laxer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

import orjson

from schemas import build, wire
from schemas.compiling import moments
from schemas.compiling.listing import Listing
from schemas.compiling.numbers import NINES, Shapes
from schemas.errors import WireError
from schemas.model import Edition, Field, FieldType, Severity

#: how orjson begins to write a character that cannot stand in JSON as it is: no other text may hold a control character
_ESCAPE = ord("\\")
#: numbers judged by one look-up: more of them have more shapes together than are worth remembering
_GROUP = 4
_ANY = Field("text", "文本", FieldType.TEXT, moments.NOWHERE)


class Checks:
    """Writes the comparisons for `specs`, whose values stand in the locals `names`; `unsure` is the line that gives up.

    What is no text may raise TypeError, half a character UnicodeEncodeError.
    """

    def __init__(self, edition: Edition, specs: tuple[Field, ...], names: Mapping[str, str], listing: Listing, unsure: str) -> None:
        self.edition, self.names, self.listing, self.unsure = edition, names, listing, unsure
        self.all_specs = specs
        self.specs = {spec.name: spec for spec in specs}

    def write(self, rows: Mapping[str, str]) -> None:
        """Every rule; `rows` names the function that judges the child rows of a field."""
        self._only_texts()
        self.together(self.specs.values())
        for spec in self.specs.values():
            self.single(spec)
            if spec.type is FieldType.ROWS:
                self._rows(spec, rows[spec.name])
        self.conditions()

    def together(self, specs: Iterable[Field]) -> None:
        """What costs less for many fields at once: control characters in free texts, the shape of numbers."""
        texts = [self.names[spec.name] for spec in specs if _is_free(spec)]
        numbers = [spec for spec in specs if spec.type is FieldType.NUMBER]
        if texts:
            dumps, check = self.listing.bind("dumps", orjson.dumps), self.listing.bind("readable", _readable)
            self.listing.add(f"texts = ({', '.join(texts)},)")
            self._unsure(f"{_ESCAPE} in {dumps}(texts) and not {check}(texts)")
        for first in range(0, len(numbers), _GROUP):
            self._numbers(numbers[first : first + _GROUP])

    def single(self, spec: Field) -> None:
        """What is asked of one field alone."""
        value = self.names[spec.name]
        if spec.codes:
            self._unsure(f"{value} not in {self.listing.bind('codes', codes(self.edition, spec))}")
        elif spec.type is FieldType.TEXT:
            self._text(spec, value)
        if spec.type is FieldType.DATE:
            self._unsure(_if_given(spec, value, self._no_day(value)))
        if spec.type is FieldType.DATETIME:
            self._unsure(_if_given(spec, value, f"{self._no_day(f'{value}[:10]')} or {self._no_clock(value)}"))

    def conditions(self) -> None:
        """`required_if`. Judged last: by then every value is known to be a text."""
        for spec in self.all_specs:
            if spec.required_if:
                name, value = spec.required_if.field, self.names[spec.name]
                asked = self.listing.bind("asked", frozenset(spec.required_if.values))
                blank = f"not {value}" if spec.type is FieldType.ROWS else f"(not {value} or {value}.isspace())"
                self._unsure(f"{self.names[name]} in {asked} and {blank}" if name in self.names else blank)

    def _unsure(self, condition: str) -> None:
        with self.listing.block(f"if {condition}:"):
            self.listing.add(self.unsure)

    def _only_texts(self) -> None:
        """orjson takes more than texts; a join does not."""
        texts = [self.names[spec.name] for spec in self.specs.values() if _is_free(spec)]
        if texts:
            self.listing.add(f"''.join(({', '.join(texts)},))")

    def _numbers(self, numbers: list[Field]) -> None:
        """One look-up for their shapes together, one pattern for those not met before."""
        shapes = Shapes(numbers)
        met, nines = self.listing.bind("met", shapes.met), self.listing.bind("nines", NINES)
        self.listing.add(f"numbers = '|'.join(({', '.join(self.names[spec.name] for spec in numbers)},))")
        self._unsure(f"numbers.encode().translate({nines}) not in {met} and not {self.listing.bind('fit', shapes.fit)}(numbers)")
        for spec in numbers:
            if spec.least:
                self._least(spec, spec.least)

    def _least(self, spec: Field, least: Decimal) -> None:
        """Up to 1, only a number that begins with 0 has to be computed."""
        value = self.names[spec.name]
        asked = f"{'' if spec.required else f'{value} and '}{value}[0] == '0'" if 0 < least <= 1 else value
        number, bound = self.listing.bind("Decimal", Decimal), self.listing.bind("least", least)
        self._unsure(f"{asked} and {number}({value}) < {bound}")

    def _text(self, spec: Field, value: str) -> None:
        limited = bool(spec.length) and spec.length_severity is Severity.ERROR
        if spec.required and not spec.blank_allowed:
            size = f"not 0 < len({value}) <= {spec.length:d}" if limited else f"not {value}"
            self._unsure(f"{size} or {value}.isspace()")
        elif limited:
            self._unsure(f"len({value}) > {spec.length:d}")

    def _no_day(self, value: str) -> str:
        days, is_day = self.listing.bind("days", moments.DAYS), self.listing.bind("is_day", moments.is_day)
        return f"{value} not in {days} and not {is_day}({value})"

    def _no_clock(self, value: str) -> str:
        minutes, seconds = self.listing.bind("minutes", moments.MINUTES), self.listing.bind("seconds", moments.SECONDS)
        return f"{value}[10:16] not in {minutes} or {value}[16:] not in {seconds}"

    def _rows(self, spec: Field, function: str) -> None:
        value = self.names[spec.name]
        with self.listing.block(f"if {value} != '':"):
            self._unsure(f"type({value}) is not list")
            with self.listing.block(f"for row in {value}:"):
                self._unsure(f"type(row) is not dict or not {function}(row)")
        if spec.required:
            self._unsure(f"not {value}")


def codes(edition: Edition, spec: Field) -> frozenset[str]:
    """The texts of the field's table that the authority takes for this field; of an optional one also none."""
    if spec.length_severity is Severity.WARN:
        spec = replace(spec, length=None)
    schema = build.schema_class(edition, (spec,), spec.name)()
    taken = {code for code in edition.codes[spec.codes or ""].values if not schema.validate({spec.name: code})}
    blank = not spec.required or spec.blank_allowed
    return frozenset(taken | {""} if blank else taken - {""})


def _if_given(spec: Field, value: str, wrong: str) -> str:
    return wrong if spec.required else f"{value} != '' and ({wrong})"


def _is_free(spec: Field) -> bool:
    return spec.type is FieldType.TEXT and not spec.codes


def _readable(texts: Iterable[str]) -> bool:
    """Whether the authority takes each of them for a text, e.g. one with a quotation mark in it."""
    try:
        wire.decode(_ANY, "".join(texts))
    except WireError:
        return False
    return True
