"""What a web service, SOAP or REST, is asked for each data set, with what, and where the rows stand in its reply.

Parameters are fixed, as for a query: after_time, after_key, from, to, page, offset, cursor, limit, keys, key. The manifest gives
each the name that the service knows it by. Paths are dotted names; there is no expression language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from adapters.localsource import KeyKind
from adapters.refining import Notations
from gateway.model import Reading
from schemas.model import FieldType

#: how a pattern that says the zone ends
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})'$")
TIMES = ("after_time", "from", "to")
PARAMETERS = (*TIMES, "after_key", "page", "offset", "cursor", "limit", "keys", "key")
#: what an argument may be of the source's `service`, which is no part of the profile
ACCOUNT = ("user", "password")


class By(StrEnum):
    """How a service gives what does not fit into one reply."""

    NONE = "none"  #: all at once
    PAGE = "page"
    OFFSET = "offset"
    CURSOR = "cursor"  #: each reply names where the next one begins
    LINK = "link"  #: each reply has the address of the next one (REST)
    KEY = "key"  #: rows after a key, in its order, as a query does


class Ends(StrEnum):
    """By what the last page is known."""

    EMPTY = "empty"  #: a page without rows
    SHORT = "short"  #: a page of fewer rows than asked for


class Text(StrEnum):
    """What is written inside a reply or a request."""

    JSON = "json"
    XML = "xml"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call."""

    name: str  #: as the service knows it; dotted inside a structure
    parameter: str = ""
    constant: str = ""  #: that the site declares
    fixed: str = ""
    account: str = ""  #: user or password of the source's `service`
    pattern: str = "yyyy-MM-dd HH:mm:ss"  #: of times
    inclusive: bool = False  #: the service takes `to` itself too
    joined: str = ""  #: `keys` as one text with this between them; "": a list


@dataclass(frozen=True, slots=True)
class Wrap:
    """The arguments are written into one text, which is itself an argument."""

    argument: str
    form: Text
    root: str = "Request"
    beside: tuple[str, ...] = ()  #: arguments that stay outside


@dataclass(frozen=True, slots=True)
class Paging:
    """How to get on."""

    by: By = By.NONE
    first: int = 1  #: number of the first page
    next: str = ""  #: where the next cursor or address stands
    total: str = ""  #: where it stands how many rows there are
    ends: Ends = Ends.EMPTY


@dataclass(frozen=True, slots=True)
class Success:
    """What a reply says when it is one."""

    at: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Shape:
    """Where things stand in a reply."""

    text: Text | None  #: what stands in the element; None: it is structured itself
    element: str  #: path to that element; "": the reply itself
    success: Success | None
    rows: str
    pairs: str = ""  #: path in a row; each pair of key and value there is a column (a map)
    lines: str = ""  #: path in a row; each line there is a record, with the columns of the whole row


@dataclass(frozen=True, slots=True)
class Call:
    """One thing to ask the service."""

    operation: str  #: of SOAP; of REST the path
    method: str
    body: str  #: query, json or form
    arguments: tuple[Argument, ...]
    wrap: Wrap | None
    paging: Paging
    shape: Shape

    def takes(self, parameter: str) -> bool:
        """Whether it is asked with it."""
        return any(each.parameter == parameter for each in self.arguments)


@dataclass(frozen=True, slots=True)
class Lines:
    """Where the lines of a field stand in a row."""

    at: str
    line_key: str  #: its column; "": the order of the reply counts


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """What a manifest says of one data set."""

    main: Call
    window: Call | None
    lookup: Call | None
    reading: Reading
    key: KeyKind
    row_ref: tuple[str, ...]
    cursor_key: str
    cursor_time: str
    entered_at: str
    institution: str
    times: Notations | None
    children: Mapping[str, Lines]
    may_omit: frozenset[str]
    days: int  #: how far back a rescan goes; 0: everything since the first day

    @property
    def columns(self) -> frozenset[str]:
        """What is read beside the columns of the mapping."""
        named = (*self.row_ref, self.cursor_key, self.cursor_time, self.entered_at, self.institution)
        return frozenset(name for name in named if name)

    def decides(self) -> tuple[object, ...]:
        """See adapters.plan.Entry."""
        return (repr(self.main), repr(self.window), self.row_ref, self.entered_at, self.institution, repr(self.times))

    def lines(self) -> list[tuple[str, str]]:
        """See adapters.plan.Entry."""
        return sorted((name, repr(each)) for name, each in self.children.items())


def kind_of(pattern: str) -> FieldType:
    """Whether a pattern says a day or a moment."""
    return FieldType.DATETIME if "HH" in pattern else FieldType.DATE


def is_bare(pattern: str) -> bool:
    """Whether a pattern says a moment and not its zone."""
    return kind_of(pattern) is FieldType.DATETIME and not _ZONE.search(pattern)
