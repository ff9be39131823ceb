"""Edition -> one generated Python function per data set, which says fast that a record is valid.

It answers "valid" or "not sure"; what it is not sure of is judged by `schemas.build`, the authority, which also finds the words.
So it may be stricter than the authority without being wrong, never laxer (docs/adr/0009-compiled-validation.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from schemas import build
from schemas.compiling.checks import Checks
from schemas.compiling.listing import Listing
from schemas.model import Dataset, Edition, Extra, Field, FieldType, Violation
from schemas.record import business_key, content_hash

Check = Callable[[Mapping[str, Any]], bool]


class CompiledValidator:
    """Judges wire records of one data set like `build.Validator`, fast as long as they are valid."""

    def __init__(self, edition: Edition, dataset: Dataset) -> None:
        self.dataset = dataset
        self.authority = build.validator(edition, dataset.code)
        listing = _listing(edition, (*edition.common, *dataset.fields), dataset.code)
        self.source = listing.text  #: the generated code, for a person
        #: whether the fields are surely right; key and digest are not compared
        self.fields_valid: Check = listing.function("valid")
        self.key = _key(dataset)
        self.digest = partial(content_hash, dataset)

    def valid(self, record: Mapping[str, Any]) -> bool:
        """Whether the whole record is surely right: fields, key and digest. False says nothing."""
        return (
            self.fields_valid(record)
            and record.get("key") == self.key(record)
            and record.get("content_hash") == self.digest(record)
        )

    def violations(self, record: Mapping[str, Any]) -> tuple[Violation, ...]:
        """As the authority's: everything that is wrong with a whole record; empty when it is valid."""
        return () if self.valid(record) else self.authority.violations(record)


@cache
def validator(edition: Edition, code: str) -> CompiledValidator:
    """The compiled validator of one data set; built once per edition. KeyError if the edition has no such data set."""
    return CompiledValidator(edition, edition.datasets[code])


def fields_check(edition: Edition, specs: tuple[Field, ...], name: str) -> Check:
    """Whether a record of just these fields is surely right; the counterpart of `build.schema_class`."""
    return _listing(edition, specs, name).function("valid")


def _key(dataset: Dataset) -> Callable[[Mapping[str, Any]], str]:
    """`record.business_key` of a record whose fields are right: only a part with a separator in it needs escaping."""
    names, separators = dataset.key, len(dataset.key) - 1

    def key(record: Mapping[str, Any]) -> str:
        text = "|".join([record.get(name) or "" for name in names])
        return business_key(dataset, record) if "\\" in text or text.count("|") != separators else text

    return key


def _listing(edition: Edition, specs: tuple[Field, ...], name: str) -> Listing:
    listing = Listing(f"{edition.id} {name}")
    _write(edition, specs, "valid", listing)
    return listing


def _write(edition: Edition, specs: tuple[Field, ...], name: str, listing: Listing) -> None:
    """Add `def name(record)` for the fields of a record, or of a child row, after the functions of its own child rows.

    1. Take every field; an optional one that is absent counts as "".
    2. Compare with the rules, and the names with those there are.

    What is no text makes a join or a look-up fail with TypeError, a required field that is absent KeyError, half a character
    in a number UnicodeEncodeError.
    """
    fields = {spec.name: spec for spec in specs}  # of two with one name the later counts, as in marshmallow
    names = {field: f"v{index}" for index, field in enumerate(fields)}
    rows = {spec.name: f"{name}_{names[spec.name]}" for spec in fields.values() if spec.type is FieldType.ROWS}
    for field, function in rows.items():
        _write(edition, fields[field].fields, function, listing)
    with listing.block(f"def {name}(record):"):
        if any(_oddly_blank(spec) for spec in fields.values()):
            listing.add("return False")
            return
        with listing.block("try:"):
            listing.add("get = record.get")
            for spec in fields.values():
                found = f"record[{spec.name!r}]" if spec.required else f"get({spec.name!r}, '')"
                listing.add(f"{names[spec.name]} = {found}")
            Checks(edition, specs, names, listing, unsure="return False").write(rows)
            if edition.style.extra is Extra.REJECT:
                with listing.block(f"if not record.keys() <= {listing.bind('names', frozenset(fields))}:"):
                    listing.add("return False")
        with listing.block("except (KeyError, TypeError, UnicodeEncodeError):"):
            listing.add("return False")
        listing.add("return True")


def _oddly_blank(spec: Field) -> bool:
    """A blank that counts as given but is no number, date or row: only the authority tells it from an absent one."""
    return spec.blank_allowed and spec.type is not FieldType.TEXT
