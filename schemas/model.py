"""The shape of an edition: data sets, fields, code tables. Frozen, no I/O.

Field names, lengths and tables come from the YAML under `两定接口/`; nothing here knows one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FieldType(StrEnum):
    """Types as 《两定接口规范》 writes them (interface tables, column 类型)."""

    TEXT = "C"  #: 字符型
    NUMBER = "N"  #: 数值型 p,s
    DATE = "D"  #: 日期型 yyyy-MM-dd
    DATETIME = "DT"  #: 日期时间型 yyyy-MM-dd HH:mm:ss
    ROWS = "ROWS"  #: 子节点数组


class Replay(StrEnum):
    """How an unknown outcome of a transaction is resolved (DATASETS §6)."""

    RESEND = "resend"  #: idempotent by its key: send the same version again
    QUERY = "query"  #: ask the platform what it holds
    DELETE_AND_RESEND = "delete_and_resend"  #: withdraw first, then send again
    PERSON = "person"  #: only a person can find out


class Confidence(StrEnum):
    """How well a fact is evidenced."""

    AGREED = "A"  #: two independent transcriptions agree
    SINGLE = "B"  #: one detailed transcription
    INFERRED = "C"  #: inferred from code behaviour or one sample
    OURS = "O"  #: set by this reference edition; the bureau's own text decides


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement comes from."""

    doc: str  #: document, e.g. 济管医保办〔2024〕15号
    ref: str  #: clause, table or transaction
    confidence: Confidence
    dated: str = ""  #: date of the document or of the reading, ISO


@dataclass(frozen=True, slots=True)
class Condition:
    """`required_if`: the field is required when another field holds one of these values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record, under the document's own name."""

    name: str
    label: str  #: Chinese label, used in every message
    type: FieldType
    source: Source
    length: int | None = None  #: characters of C; total digits of N
    scale: int = 0  #: decimals of N
    codes: str | None = None  #: name of the code table that limits the value
    required: bool = False
    required_if: Condition | None = None
    blank_allowed: bool = False  #: a required text may be "" (the site keeps none)
    meaning: str = ""
    fields: tuple[Field, ...] = ()  #: of ROWS only


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A closed list of codes with their Chinese labels."""

    name: str
    label: str
    values: Mapping[str, str]
    source: Source


@dataclass(frozen=True, slots=True)
class Node:
    """A named part of a transaction's input or output."""

    name: str
    fields: tuple[Field, ...]
    many: bool = True  #: array, else one object


@dataclass(frozen=True, slots=True)
class Cadence:
    """When a record is due after its business time (DATASETS §5)."""

    name: str
    label: str
    minutes: int | None = None  #: due so many minutes after
    days: int | None = None  #: due at 24:00 so many days after the business date
    day_of_next_month: int | None = None  #: due at 24:00 of that day of the next month


@dataclass(frozen=True, slots=True)
class Dataset:
    """One kind of record, or one national transaction."""

    code: str
    name: str
    infno: str
    scene: str
    cadence: str
    key: tuple[str, ...]  #: fields that make the business key
    occurred: str  #: field that holds the business time
    input: tuple[Node, ...]
    source: Source
    replay: Replay = Replay.PERSON
    batch: int = 100  #: most records of one request
    output: tuple[Node, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """Fields of one uploaded record: those of the first input node."""
        return self.input[0].fields

    def field(self, name: str) -> Field:
        """The field of that name; KeyError if the data set has none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """A whole edition: what a record of each data set may contain.

    Compared and hashed by identity: it is loaded once, and what is built from it is cached per edition.
    """

    code: str
    version: str
    name: str
    source: Source
    common: tuple[Field, ...]  #: fields that every record carries
    datasets: Mapping[str, Dataset]
    codes: Mapping[str, CodeTable]
    cadences: Mapping[str, Cadence]
    body_limit: int  #: most bytes of one request body
    infver: str = "V1.0"
    scenes: tuple[str, ...] = ()
    header: tuple[Field, ...] = field(default=())  #: 公共报文头

    @property
    def id(self) -> str:
        """What a record's `edition` says, e.g. `reference@2026.1`."""
        return f"{self.code}@{self.version}"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule of one field of one record."""

    field: str  #: path, e.g. `rx_time` or `drugs[0].drug_codg`
    rule: str  #: rule id, e.g. `required`, `length`, `code`
    message: str  #: Chinese sentence; never carries the value

    def as_dict(self) -> dict[str, str]:
        """Wire and storage form."""
        return {"field": self.field, "rule": self.rule, "message": self.message}
