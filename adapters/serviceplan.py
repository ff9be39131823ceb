"""The manifest of a web service, SOAP or REST: what is called for each data set, with what, and where the rows stand in the reply.

Parameters are fixed, as for a query: after_time, after_key, from, to, page, offset, cursor, limit, keys, key. The manifest gives
each the name that the service knows it by. Paths are dotted names; there is no expression language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from adapters.choices import choice, nearest, notations
from adapters.localsource import KeyKind
from adapters.refining import Notations
from gateway.model import Reading
from schemas.dateformat import dateformat
from schemas.errors import WireError
from schemas.model import FieldType
from schemas.yamlfile import Section

#: how a pattern that says the zone ends
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})'$")
TIMES = ("after_time", "from", "to")
PARAMETERS = (*TIMES, "after_key", "page", "offset", "cursor", "limit", "keys", "key")
#: what an argument may be of the source's `service`, which is no part of the profile
ACCOUNT = ("user", "password")
#: what turns each way of paging on
_NEEDED = {"page": "page", "offset": "offset", "cursor": "cursor", "key": "after_key"}


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


def entries(section: Section, *, rest: bool) -> dict[str, ServiceEntry]:
    """Of every data set of a manifest. SpecError names file and key."""
    constants = section.named("constants")
    return {code: _Entry(each, rest=rest, constants=tuple(constants)).read() for code, each in section.named("datasets").items()}


@dataclass(frozen=True, slots=True)
class _Entry:
    section: Section
    rest: bool
    constants: tuple[str, ...]

    def read(self) -> ServiceEntry:
        section = self.section.known(
            *("mapping", "reading", "key", "row_ref", "cursor_key", "cursor_time", "entered_at", "institution", "times"),
            *("call", "window", "lookup", "children", "may_omit", "days"),
        )
        main = self._call(section.section("call"))
        reading = choice(section, "reading", Reading)
        row_ref = section.texts("row_ref")
        if not row_ref:
            raise section.error("须写明哪一项（或哪几项）认出一行", "row_ref")
        window, lookup = (self._optional(key) for key in ("window", "lookup"))
        if (window is None) is not (lookup is None):
            raise section.error("window 与 lookup 须一同写：少了哪一个，都不能确认一行是否真的没有了", "window")
        self._check_reading(reading, main, lookup)
        return ServiceEntry(
            main=main,
            window=window,
            lookup=lookup,
            reading=reading,
            key=choice(section, "key", KeyKind),
            row_ref=row_ref,
            cursor_key=section.text("cursor_key") or (row_ref[0] if len(row_ref) == 1 else ""),
            cursor_time=section.text("cursor_time"),
            entered_at=section.text("entered_at"),
            institution=section.text("institution"),
            times=notations(section, "times"),
            children={name: _lines(each) for name, each in section.named("children").items()},
            may_omit=frozenset(section.texts("may_omit")),
            days=section.at_least("days", 0, 0),
        )

    def _check_reading(self, reading: Reading, main: Call, lookup: Call | None) -> None:
        section = self.section
        if reading is Reading.INCREMENTAL and not (main.takes("after_time") or main.takes("after_key")):
            raise section.error("incremental 的调用须用到 after_time 或 after_key", "call")
        if main.takes("after_time") and not section.text("cursor_time"):
            raise section.error("用了 after_time，须写明修改时间是哪一项", "cursor_time")
        if reading is Reading.RESCAN and main.takes("after_time"):
            raise section.error("每次从头重读（rescan）的调用不用 after_time", "call")
        if lookup and not (lookup.takes("keys") or lookup.takes("key")):
            raise section.error("须用到 keys 或 key", "lookup")

    def _optional(self, key: str) -> Call | None:
        inner = self.section.optional(key)
        return self._call(inner) if inner else None

    def _call(self, section: Section) -> Call:
        place = ("path", "method", "body") if self.rest else ("operation",)
        section.known(*place, "arguments", "wrap", "paging", "reply")
        method = section.text("method", "GET")
        if method not in ("GET", "POST"):
            raise section.error("只能是 GET 或 POST", "method")
        body = section.text("body", "query" if method == "GET" else "json")
        if body not in ("query", "json", "form"):
            raise section.error("只能是 query、json、form 之一", "body")
        arguments = section.optional("arguments")
        call = Call(
            operation=section.need("path" if self.rest else "operation", str),
            method=method,
            body=body,
            arguments=tuple(self._argument(arguments, name) for name in arguments.data) if arguments else (),
            wrap=_wrap(section.optional("wrap")),
            paging=_paging(section.optional("paging"), rest=self.rest),
            shape=_shape(section.section("reply"), rest=self.rest),
        )
        needed = _NEEDED.get(call.paging.by, "")
        if needed and not call.takes(needed):
            raise section.error(f"按 {call.paging.by} 翻页，参数里须有 {needed}", "paging")
        if call.shape.lines and call.paging.by is By.KEY:
            raise section.error("写了 lines 的不能按 key 翻页：没有明细的行会被当成读完，请按 page、offset 或 cursor", "paging")
        return call

    def _argument(self, section: Section, name: str) -> Argument:
        """`name: parameter`, or a mapping that says more."""
        if isinstance(section.data[name], str):
            return Argument(name, self._parameter(section, name))
        inner = section.section(name).known("parameter", "constant", "fixed", "service", "format", "inclusive", "joined")
        if sum(key in inner.data for key in ("parameter", "constant", "fixed", "service")) != 1:
            raise section.error("parameter、constant、fixed、service 须且只须写一个", name)
        constant = inner.text("constant")
        if constant and constant not in self.constants:
            raise inner.error(f"manifest.yaml 的 constants 没有 {constant}{nearest(constant, self.constants)}", "constant")
        return Argument(
            name,
            self._parameter(inner, "parameter") if "parameter" in inner.data else "",
            constant,
            inner.text("fixed"),
            _account(inner),
            _pattern(inner),
            bool(inner.get("inclusive", bool, False)),
            inner.text("joined"),
        )

    def _parameter(self, section: Section, key: str) -> str:
        name = section.need(key, str)
        if name not in PARAMETERS:
            raise section.error(f"没有参数 {name}{nearest(name, PARAMETERS) or '；'}可用：{'、'.join(PARAMETERS)}", key)
        return name


def kind_of(pattern: str) -> FieldType:
    """Whether a pattern says a day or a moment."""
    return FieldType.DATETIME if "HH" in pattern else FieldType.DATE


def _account(section: Section) -> str:
    name = section.text("service")
    if name not in ("", *ACCOUNT):
        raise section.error(f"只能是 {'、'.join(ACCOUNT)} 之一", "service")
    return name


def is_bare(pattern: str) -> bool:
    """Whether a pattern says a moment and not its zone."""
    return kind_of(pattern) is FieldType.DATETIME and not _ZONE.search(pattern)


def _pattern(section: Section) -> str:
    pattern = section.text("format", "yyyy-MM-dd HH:mm:ss")
    try:
        dateformat(pattern, kind_of(pattern))
    except WireError as error:
        raise section.error(str(error), "format") from None
    return pattern


def _wrap(section: Section | None) -> Wrap | None:
    if section is None:
        return None
    section.known("argument", "as", "root", "beside")
    root = section.text("root", "Request")
    return Wrap(section.need("argument", str), choice(section, "as", Text), root, section.texts("beside"))


def _paging(section: Section | None, *, rest: bool) -> Paging:
    if section is None:
        return Paging()
    section.known("by", "first", "next", "total", "ends")
    by = choice(section, "by", By)
    if by is By.LINK and not rest:
        raise section.error("SOAP 服务没有 link 翻页", "by")
    if by is By.CURSOR and not section.text("next"):
        raise section.error("须写明下一页的游标在应答的哪里", "next")
    return Paging(
        by, section.at_least("first", 0, 1), section.text("next"), section.text("total"), choice(section, "ends", Ends, Ends.EMPTY)
    )


def _shape(section: Section, *, rest: bool) -> Shape:
    section.known("text", "element", "success", "rows", "pairs", "lines")
    text = choice(section, "text", Text, Text.JSON) if rest or "text" in section.data else None
    success = section.optional("success")
    return Shape(
        text=text,
        element=section.text("element"),
        success=_success(success) if success else None,
        rows=section.text("rows"),
        pairs=section.text("pairs"),
        lines=section.text("lines"),
    )


def _success(section: Section) -> Success:
    section.known("at", "in")
    values = section.texts("in")
    if not values:
        raise section.error("须写明哪些值是成功", "in")
    return Success(section.need("at", str), frozenset(values))


def _lines(section: Section) -> Lines:
    section.known("at", "line_key")
    return Lines(section.need("at", str), section.text("line_key"))
