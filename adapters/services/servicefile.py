"""The manifest of a web service -> what it is asked; what could not work is told with file and key before anything is called."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.choices import choice, nearest, notations
from adapters.localsource import KeyKind
from adapters.services.serviceplan import (
    ACCOUNT,
    PARAMETERS,
    Argument,
    By,
    Call,
    Ends,
    Lines,
    Paging,
    ServiceEntry,
    Shape,
    Success,
    Text,
    Wrap,
    kind_of,
)
from gateway.model import Reading
from schemas.dateformat import dateformat
from schemas.errors import WireError
from schemas.yamlfile import Section

#: what turns each way of paging on
_NEEDED = {"page": "page", "offset": "offset", "cursor": "cursor", "key": "after_key"}


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


def _account(section: Section) -> str:
    name = section.text("service")
    if name not in ("", *ACCOUNT):
        raise section.error(f"只能是 {'、'.join(ACCOUNT)} 之一", "service")
    return name


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
