"""Child rows of a record: the drugs given in a dialysis, the trace codes of a sold line. They come from a query of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from adapters.fieldrule import FieldRules, fault
from adapters.origins import Row, SiteFacts
from schemas.model import Field, Violation

#: what orders the lines of a record, whatever order the database returns them in: the digest covers it
LINE_KEY = "line_key"


def place(name: str) -> str:
    """Where the lines of a field stand in a row: no column is called so."""
    return f"{name}[]"


@dataclass(frozen=True, slots=True)
class ChildRows:
    """How the lines of one field are filled."""

    spec: Field
    fields: FieldRules
    catalogue: str = ""  #: without this catalogue of the site nobody could say what the lines are; then none is read

    def wanted(self, facts: SiteFacts) -> bool:
        """Whether lines are read at this site."""
        return not self.catalogue or self.catalogue in facts.catalogues

    def read(self, row: Row, facts: SiteFacts) -> tuple[list[dict[str, Any]] | None, dict[str, Violation]]:
        """The lines, None if there is none; and the faults by their path, `drugs[0].drug_codg`."""
        lines: list[dict[str, Any]] = []
        faults: dict[str, Violation] = {}
        for number, line in enumerate(row[place(self.spec.name)]):
            values, found = self._line(line, facts)
            lines.append(values)
            faults.update({f"{self.spec.name}[{number}].{name}": each for name, each in found.items()})
        keys = [str(line[LINE_KEY]) for line in row[place(self.spec.name)] if LINE_KEY in line]
        if len(set(keys)) < len(keys):  # the same line twice, or lines whose order would change from reading to reading
            told = f"有几行的排序号（{LINE_KEY}）相同：多半是查询把一行连成了几行，请核对"
            faults[self.spec.name] = fault(self.spec, LINE_KEY, told)
        if not lines and self.spec.required:
            faults[self.spec.name] = fault(self.spec, "required", "必填，当前一行也没有")
        return lines or None, {path: replace(each, field=path) for path, each in faults.items()}

    def _line(self, line: Row, facts: SiteFacts) -> tuple[dict[str, Any], dict[str, Violation]]:
        values: dict[str, Any] = {}
        faults: dict[str, Violation] = {}
        for spec in self.spec.fields:
            value = self.fields.value(spec, line, facts)
            if isinstance(value, Violation):
                faults[spec.name] = value
            elif value is not None:
                values[spec.name] = value
        return values, faults


def ordered(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By their line keys, numbers by size; UUIDs, texts and mixtures by their text."""
    keys = [line[LINE_KEY] for line in lines]
    if all(isinstance(key, int | Decimal) for key in keys):  # Oracle gives its numbers as either
        return sorted(lines, key=lambda line: Decimal(line[LINE_KEY]))
    return sorted(lines, key=lambda line: str(line[LINE_KEY]))
