"""One generated Python function per mapping: local row -> valid wire content, at the speed of code written by hand.

It answers with the content or with None, "not sure"; then `RowMapping.source_row` maps the row, `schemas.build` judges it, and
they find the words. What it answers is what they would have sent (docs/adr/0009-compiled-validation.md).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from adapters import children, wiretext
from adapters.assignment import BLANK, Assignments
from adapters.catalogue import Catalogue
from adapters.conversion import UnreadableError, convert, is_blank, local_code, to_text, visible
from adapters.fieldrule import FieldRule
from adapters.mapping import Condition, RowMapping, StateRule
from adapters.origins import CatalogueValue, Column, Constant, DateAndTime, First, Missing, Origin, Row, SiteFacts
from schemas import wire
from schemas.compiling.checks import Checks, codes
from schemas.compiling.listing import Listing
from schemas.errors import WireError
from schemas.model import Edition, Field, FieldType, Violation

Content = dict[str, str]


class CompiledMapping:
    """The rules of a mapping, what the site declared, and the edition's rules for the fields, as code."""

    def __init__(self, mapping: RowMapping, facts: SiteFacts, edition: Edition) -> None:
        listing = Listing(f"{mapping.dataset.code} {mapping.file}")
        _Function(mapping, facts, edition, listing).write()
        self.source = listing.text  #: the generated code, for a person
        #: the data set's own fields in wire form, surely valid, of a row that is ready and without fault; None: not sure
        self.content: Callable[[Row], Content | None] = listing.function("content")


class _Function:
    """Writes `content(row)`.

    1. A row in a state, without a joined row that must exist, or with child rows is left to the slow path.
    2. Each field's wire text goes into a local, "" for none (`Assignments`); a clock after midnight goes to the next day.
    3. Texts and numbers are compared with the edition; days, times and translated codes are right once they are written.
    4. What is there becomes the content.

    What a writer cannot read, or a table does not have, is left to the slow path by way of an exception.
    """

    def __init__(self, mapping: RowMapping, facts: SiteFacts, edition: Edition, listing: Listing) -> None:
        self.mapping, self.facts, self.edition, self.listing = mapping, facts, edition, listing
        self.specs = mapping.dataset.fields
        self.names = {spec.name: f"v{index}" for index, spec in enumerate(self.specs)}
        self.assign = Assignments(listing)
        self.measured: set[str] = set()  #: fields whose length has been asked

    def write(self) -> None:
        """Add the function to the listing."""
        errors = self.listing.bind("unsure", (KeyError, TypeError, OverflowError, UnreadableError, WireError))
        with self.listing.block("def content(row):"):
            with self.listing.block("try:"):
                for state in self.mapping.states:
                    self._state(state)
                for head in self.mapping.heads:
                    self._unsure(f"{self._is_blank()}(row[{head.column!r}])")
                for spec in self.specs:
                    self._field(spec)
                self._roll_over()
                self._check()
                self._gather()
            with self.listing.block(f"except {errors}:"):
                self.listing.add("return None")
            self.listing.add("return found")

    def _unsure(self, condition: str) -> None:
        with self.listing.block(f"if {condition}:"):
            self.listing.add("return None")

    def _is_blank(self) -> str:
        return self.listing.bind("is_blank", is_blank)

    def _state(self, rule: StateRule) -> None:
        """Conditions are asked in order, as the slow path does: a value that cannot be read matters only then.

        Nor is anything asked after a constant that the site did not declare: the slow path says so, whatever follows.
        """
        with ExitStack() as nested:
            for condition in rule.conditions:
                if not self._known(condition):
                    break
                nested.enter_context(self.listing.block(f"if {self._condition(condition)}:"))
            self.listing.add("return None")

    def _known(self, condition: Condition) -> bool:
        """Whether the site declared what the condition needs."""
        names = filter(None, (condition.constant, condition.declared))
        return not any(is_blank(self.facts.constants.get(name, "")) for name in names)

    def _condition(self, condition: Condition) -> str:
        if condition.constant:
            return repr(condition.holds({}, self.facts) is True)
        if condition.declared:
            value = self.facts.constants[condition.declared]
            condition = replace(condition, declared="", values=frozenset({value}))
        self.listing.add(f"v = row[{condition.column!r}]")
        if condition.values is None:
            return f"{'not ' if condition.negated else ''}{self._is_blank()}(v)"
        code = self.listing.bind("local_code", local_code)
        test = "not in" if condition.negated else "in"
        return f"('' if v is None or {self._is_blank()}(v) else {code}(v)) {test} {self.listing.bind('codes', condition.values)}"

    def _field(self, spec: Field) -> None:
        """Set the field's local; where only the slow path knows what to say, give up."""
        rule, value = self.mapping.fields.get(spec.name), self.names[spec.name]
        if spec.name in self.mapping.children:
            self._unsure(f"row[{children.place(spec.name)!r}]" + (" or True" if spec.required else ""))
            self.listing.add(f"{value} = ''")
            return
        if rule is None or not rule.origin.columns:
            self._settled(spec, rule)
            return
        needed = spec.required and not (isinstance(rule.origin, Column | DateAndTime) and _may_be_blank(spec))
        if not (self._moment(rule, value, needed) or self._read(rule, value, needed)):
            self.listing.add(f"{value} = {self.listing.bind('slow', partial(_slowly, rule, self.facts))}(row)")
            if needed:
                self._unsure(f"not {value}")

    def _settled(self, spec: Field, rule: FieldRule | None) -> None:
        """No column has a say, so the text is known now. A fault is one of every row."""
        try:
            text = _slowly(rule, self.facts, {}) if rule else ""
        except (UnreadableError, WireError):
            self.listing.add("return None")
            text = ""
        self.listing.add(f"{self.names[spec.name]} = {text!r}")
        if spec.required and not text and (rule or not _may_be_blank(spec)):
            self.listing.add("return None")

    def _moment(self, rule: FieldRule, value: str, needed: bool) -> bool:
        """A day and a clock of Shanghai in two columns."""
        origin = rule.origin
        if not isinstance(origin, DateAndTime) or rule.codes is not None or rule.spec.type is not FieldType.DATETIME:
            return False
        if origin.zone is not wire.SHANGHAI:
            return False
        self.assign.moment(origin, value, needed)
        return True

    def _read(self, rule: FieldRule, value: str, needed: bool) -> bool:
        """A local value that is translated or converted. False if the rule has an origin that only the slow path reads."""
        if not _is_raw(rule.origin, self.facts):
            return False
        if rule.codes is None and rule.spec.type is FieldType.DATE and isinstance(rule.origin, Column):
            self.assign.day(rule, rule.origin.column, value, needed)
            return True
        self._raw(rule.origin, value)
        if rule.codes is not None:
            self.assign.code(self._table(rule), value, needed)
            return True
        self.assign.value(rule, value, needed)
        if rule.spec.type is FieldType.TEXT:
            self.measured.add(rule.spec.name)
        return True

    def _raw(self, origin: Origin, value: str) -> None:
        """Set the local to what the origin finds, blank or None for nothing."""
        match origin:
            case Column(column):
                self.listing.add(f"{value} = row[{column!r}]")
            case CatalogueValue(key, take):
                rows, text = self.listing.bind("catalogue", _catalogue(self.facts.catalogues.get(key), take)), "to_text"
                self.listing.add(f"{value} = row[{key!r}]")
                find = f"{rows}.get({self.listing.bind(text, to_text)}({value}))"
                self.listing.add(f"{value} = None if {self._is_blank()}({value}) else {find}")
            case Constant():
                found = origin.find({}, self.facts)
                self.listing.add(f"{value} = {None if isinstance(found, Missing) else found!r}")
            case First(origins):
                self._raw(origins[0], value)
                for each in origins[1:]:
                    with self.listing.block(f"if {self._is_blank()}({value}):"):
                        self._raw(each, value)

    def _table(self, rule: FieldRule) -> dict[str, str]:
        """Local code -> wire text that is surely valid. What is not in it is left to the slow path."""
        taken = codes(self.edition, rule.spec) if rule.spec.codes else None
        table: dict[str, str] = {}
        for local, code in (rule.codes or {}).items():
            if local != visible(local) or local.upper() in BLANK:
                continue  # never met: what is unseen is stripped, and blank is told before the table is asked
            try:
                text = wire.encode(rule.spec, convert(rule.spec, code, rule.zone))
            except (UnreadableError, WireError):
                continue
            if taken is None or text in taken:
                table[local] = text
        return table

    def _roll_over(self) -> None:
        """In the order of the mapping. Equal to the second says nothing of the fractions the slow path compares."""
        for name, rule in self.mapping.fields.items():
            start = self.mapping.fields.get(rule.next_day_if_before)
            if start is None or {rule.spec.type, start.spec.type} != {FieldType.DATETIME}:
                continue
            value, earlier = self.names[name], self.names[start.spec.name]
            with self.listing.block(f"if {earlier} and {value} and {value} <= {earlier}:"):
                self._unsure(f"{value} == {earlier}")
                self.listing.add(f"{value} = {self.listing.bind('next_day', wiretext.next_day)}({value})")

    def _check(self) -> None:
        """A required text is known not to be blank by now."""
        checks = Checks(self.edition, self.specs, self.names, self.listing, unsure="return None")
        checks.together(self.specs)
        for spec in self.specs:
            rule = self.mapping.fields.get(spec.name)
            translated = rule is not None and rule.codes is not None
            if spec.codes and not translated:
                checks.single(spec)
            elif spec.type is FieldType.TEXT and not spec.codes and spec.name not in self.measured:
                checks.single(replace(spec, required=False))
        checks.conditions()

    def _gather(self) -> None:
        pairs = ", ".join(f"{spec.name!r}: {self.names[spec.name]}" for spec in self.specs if spec.required)
        self.listing.add(f"found = {{{pairs}}}")
        for spec in self.specs:
            if not spec.required:
                self.listing.add(f"if {self.names[spec.name]}: found[{spec.name!r}] = {self.names[spec.name]}")


def _may_be_blank(spec: Field) -> bool:
    return spec.blank_allowed and spec.type is FieldType.TEXT


def _is_raw(origin: Origin, facts: SiteFacts) -> bool:
    """Whether `_raw` can write it; a catalogue only if none of its texts would be blank in a column."""
    match origin:
        case Column() | Constant():
            return True
        case CatalogueValue(key, take):
            catalogue = facts.catalogues.get(key)
            if catalogue is not None and catalogue.dated:
                return False
            return not any(map(is_blank, _catalogue(catalogue, take).values()))
        case First(origins):
            return all(not isinstance(each, First) and _is_raw(each, facts) for each in origins)
        case _:
            return False


def _catalogue(catalogue: Catalogue | None, take: str) -> dict[str, str]:
    if catalogue is None or take not in catalogue.columns:
        return {}
    return {key: row[take] for key, row in catalogue.rows.items() if row[take]}


def _slowly(rule: FieldRule, facts: SiteFacts, row: Row) -> str:
    """As the slow path does it: for an origin that is rare, or for a text that is the same in every row."""
    value: Any = rule.value(row, facts)
    if isinstance(value, Violation):
        raise UnreadableError(value.message)
    return "" if isinstance(value, Missing) else str(wire.encode(rule.spec, value))
