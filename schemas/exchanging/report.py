"""What became of every field of a table that was read: understood, guessed, or not understood, with its cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

_SHOWN = 30


class Kind(StrEnum):
    """How sure we are."""

    GUESSED = "推测"  #: taken, but a person should look
    NOT_UNDERSTOOD = "未看懂"  #: not taken


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing a person must look at."""

    kind: Kind
    sheet: str
    cell: str  #: e.g. C7
    content: str  #: of the cell, shortened
    sentence: str
    lost: bool = False  #: a field of the table is not in the edition for this reason


@dataclass(slots=True)
class Report:
    """Filled while a table is read. Nothing is dropped in silence: `fields_in` = `fields_out` + `lost`."""

    sheets: int = 0
    datasets: int = 0
    tables: int = 0
    fields_in: int = 0  #: rows that look like a field
    fields_out: int = 0  #: fields of the edition that came from those rows
    remarks: list[Remark] = field(default_factory=list)

    def guess(self, sheet: str, cell: str, content: str, sentence: str) -> None:
        """Something was taken that the table does not say plainly."""
        self.remarks.append(Remark(Kind.GUESSED, sheet, cell, _short(content), sentence))

    def miss(self, sheet: str, cell: str, content: str, sentence: str, *, lost: bool = False) -> None:
        """Something was not taken."""
        self.remarks.append(Remark(Kind.NOT_UNDERSTOOD, sheet, cell, _short(content), sentence, lost))

    @property
    def lost(self) -> int:
        """Fields of the table that are not in the edition; each has its remark."""
        return sum(remark.lost for remark in self.remarks)

    @property
    def balanced(self) -> bool:
        """Whether every field is accounted for."""
        return self.fields_in == self.fields_out + self.lost


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
