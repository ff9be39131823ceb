"""The shape of an edition: data sets, fields, code tables. Frozen, no I/O.

Field names, lengths and tables come from the YAML under `两定接口/`; nothing here knows one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as _field
from decimal import Decimal
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


class Severity(StrEnum):
    """What a broken rule means for the record."""

    ERROR = "error"  #: the record is not sent, or not accepted
    WARN = "warn"  #: told, but the record goes: declared lengths are sometimes shorter than real codes (interface facts §0.2)


class Encoding(StrEnum):
    """How a node stands in a message: the same transaction differs by region (interface facts §10.3)."""

    ARRAY = "array"
    OBJECT = "object"
    JSON_TEXT = "json_text"  #: an array written as a JSON string


class Numbers(StrEnum):
    """How numbers are written (interface facts §10.16)."""

    TEXT = "text"
    NUMBER = "number"


class Empty(StrEnum):
    """What stands for a field without a value (interface facts §10.17)."""

    OMIT = "omit"
    NULL = "null"
    BLANK = "blank"


class Extra(StrEnum):
    """What becomes of a field the edition does not know (interface facts §10.6)."""

    REJECT = "reject"
    KEEP = "keep"


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
    least: Decimal | None = None  #: smallest allowed value of N
    length_severity: Severity = Severity.ERROR  #: of length and precision
    wire_name: str = ""  #: name in the region's messages where it differs from `name`
    aliases: tuple[str, ...] = ()  #: other spellings that are read, never written
    format: str = ""  #: how the region writes a D or DT, e.g. yyyyMMddHHmmss; "": the style's
    meaning: str = ""
    fields: tuple[Field, ...] = ()  #: of ROWS only

    @property
    def on_wire(self) -> str:
        """The name it has in a message of the region."""
        return self.wire_name or self.name


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A closed list of codes with their Chinese labels."""

    name: str
    label: str
    values: Mapping[str, str]
    source: Source
    on_wire: Mapping[str, str] = _field(default_factory=dict)  #: code -> the region's code, where it differs


@dataclass(frozen=True, slots=True)
class Node:
    """A named part of a transaction's input or output."""

    name: str
    fields: tuple[Field, ...]
    encoding: Encoding = Encoding.ARRAY

    @property
    def many(self) -> bool:
        """Whether it holds any number of records."""
        return self.encoding is not Encoding.OBJECT


@dataclass(frozen=True, slots=True)
class Form:
    """Another wire form of the same transaction: 3503 takes one row in `purcinfo`, 3503A many in `purcinfoDetail`."""

    infno: str
    node: str
    encoding: Encoding = Encoding.OBJECT
    without: tuple[str, ...] = ()  #: fields of the record that this form does not carry


@dataclass(frozen=True, slots=True)
class Success:
    """One condition of a transaction's success; all must hold (interface facts §1.3, §10.11)."""

    path: str  #: dotted path in the reply, e.g. `infcode` or `output.result.retRslt`
    values: tuple[str, ...]  #: values that mean success, compared as text; () means absent or empty
    optional: bool = False  #: holds also when the reply has no such path
    sentence: str = ""  #: dotted path of the sentence that says why it does not hold; "": err_msg


@dataclass(frozen=True, slots=True)
class Style:
    """How a region writes messages; the content of a record does not depend on it."""

    numbers: Numbers = Numbers.TEXT
    empty: Empty = Empty.OMIT
    extra: Extra = Extra.REJECT
    date: str = "yyyy-MM-dd"
    datetime: str = "yyyy-MM-dd HH:mm:ss"
    charset: str = "utf-8"


class DayOff(StrEnum):
    """Days that a limit may leave out."""

    REST = "rest_days"  #: weekends and public holidays, but not the weekend days that are worked in exchange (调休)
    CLOSED = "closed_days"  #: the institution's own, as it has announced them


@dataclass(frozen=True, slots=True)
class Cadence:
    """When a record is due after its business time (DATASETS §5)."""

    name: str
    label: str
    minutes: int | None = None  #: due so many minutes after
    days: int | None = None  #: due at 24:00 so many days after the business date
    day_of_next_month: int | None = None  #: due at 24:00 of that day of the next month
    skip: tuple[DayOff, ...] = ()  #: such days are not counted: `days: 1` without rest days is the next working day
    postpone: tuple[DayOff, ...] = ()  #: such days are counted, but none is the last: 遇节假日顺延


@dataclass(frozen=True, slots=True)
class Parent:
    """The record that must be at the platform first, because this one names it."""

    dataset: str
    by: tuple[tuple[str, str], ...]  #: (field of the child, key field of the parent): the parent's whole key


@dataclass(frozen=True, slots=True)
class Dataset:
    """One kind of record, or one national transaction."""

    code: str
    name: str
    infno: str
    scene: str  #: "" when its records belong to no one scene: events name theirs in a field, operating records have none
    cadence: str  #: "" for a transaction that is called, not uploaded
    key: tuple[str, ...]  #: fields that make the business key; () for a transaction that is called
    occurred: str  #: field that holds the business time; "" likewise
    input: tuple[Node, ...]
    source: Source
    replay: Replay = Replay.PERSON
    batch: int = 100  #: most records of one request
    output: tuple[Node, ...] = ()
    success: tuple[Success, ...] = ()  #: () means: infcode is 0
    alias_of: str = ""  #: another number of the same transaction, e.g. 3505A of 3505
    forms: tuple[Form, ...] = ()  #: the other wire forms of the same record
    parent: Parent | None = None  #: a record is held until the one it names is accepted

    @property
    def uploaded(self) -> bool:
        """Whether its records go through the outbox; else it is called and answered on the spot (1101, 2101, 3101 …)."""
        return bool(self.key)

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
    header: tuple[Field, ...] = ()  #: 公共报文头
    style: Style = Style()
    base: str = ""  #: id of the edition this one is an overlay of

    @property
    def id(self) -> str:
        """What a record's `edition` says, e.g. `reference@2026.1` or `jilin@2026.1+reference@2026.1`."""
        return f"{self.code}@{self.version}" + (f"+{self.base}" if self.base else "")


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule of one field of one record."""

    field: str  #: path, e.g. `rx_time` or `drugs[0].drug_codg`
    rule: str  #: rule id, e.g. `required`, `length`, `code`
    message: str  #: Chinese sentence; never carries the value
    severity: Severity = Severity.ERROR

    def as_dict(self) -> dict[str, str]:
        """Wire and storage form."""
        return {"field": self.field, "rule": self.rule, "message": self.message}
