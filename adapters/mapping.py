"""A local row -> a `SourceRow`, by declared rules only. Pure: the row and what the site declared go in, a value comes out.

What cannot be mapped becomes a fault with its reason, all of a row at once. `adapters.mappingfile` reads the rules from YAML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from adapters.children import ChildRows
from adapters.conversion import UnreadableError, is_blank, local_code, to_key, to_moment, to_text, visible
from adapters.fieldrule import FieldRule, FieldRules, fault
from adapters.origins import Constant, Missing, Row, SiteFacts
from gateway.model import LOST_HEAD, Cursor, RowState, SourceRow
from schemas import wire
from schemas.model import Dataset, Field, Violation
from schemas.wire import SHANGHAI

#: columns that every query yields beside the local ones
ROW_REF, CURSOR_KEY = "row_ref", "cursor_key"
#: columns that a query may yield
CURSOR_TIME, ENTERED_AT, INSTITUTION = "cursor_time", "entered_at", "fixmedins_code"
#: where a row says that the record it belongs to is not there; no column is called so
HEADLESS = "head[]"

_NOBODYS = Violation(
    INSTITUTION, "institution", f"本行没有机构编号（{INSTITUTION}），这个库里有几家机构的数据，不知道是哪一家的，不能报送"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A test on one column, or on one of the site's constants."""

    column: str = ""
    constant: str = ""
    values: frozenset[str] | None = None  #: None: tests for blank or present
    negated: bool = False  #: not_in, `is: present`, or `differs_from`
    declared: str = ""  #: the constant that the column is compared with

    def holds(self, row: Row, facts: SiteFacts) -> bool | Missing:
        """Whether the row meets it; Missing if the site did not declare the constant."""
        value = Constant(self.constant).find(row, facts) if self.constant else row[self.column]
        wanted = Constant(self.declared).find(row, facts) if self.declared else None
        for found in (value, wanted):
            if isinstance(found, Missing):
                return found
        values = self.values if wanted is None else frozenset({wanted})
        if values is None:
            return is_blank(value) is not self.negated
        try:
            code = "" if is_blank(value) else local_code(value)
        except UnreadableError as error:
            return Missing("unreadable", f"{self.column} 无法读懂：{error}")
        return (code in values) is not self.negated


@dataclass(frozen=True, slots=True)
class StateRule:
    """Rows that meet every condition are in this state."""

    state: RowState
    conditions: tuple[Condition, ...]
    reason: str

    def holds(self, row: Row, facts: SiteFacts) -> bool | Missing:
        """Conditions are asked in order; a constant is only needed where those before it hold."""
        for condition in self.conditions:
            met = condition.holds(row, facts)
            if met is not True:
                return met
        return True


@dataclass(frozen=True, slots=True)
class Head:
    """A joined row that must exist; without it the fields it explains are empty only as a symptom."""

    column: str
    reason: str
    explains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """Columns by which the site's own people find a row; no part of the record."""

    document: str = ""  #: a number that can be typed into the site's program
    department: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that were named."""
        return tuple(filter(None, (self.document, self.department)))

    def of(self, row: Row) -> tuple[str, str]:
        """Document and department of a row; "" for what is empty or no text."""
        return _told(row, self.document), _told(row, self.department)


def _told(row: Row, column: str) -> str:
    """Asked of every row: a text is what nearly all of them have."""
    value = row.get(column) if column else None
    if value is None:
        return ""
    if type(value) is str:
        text = visible(value)
        return "" if is_blank(text) else text
    try:
        return to_text(value)
    except UnreadableError:
        return ""


@dataclass(frozen=True, slots=True)
class RowMapping:
    """All rules of one data set; `columns` is what its query must yield."""

    dataset: Dataset
    file: str  #: file name, for messages
    fields: Mapping[str, FieldRule]
    absent: Mapping[str, str]
    children: Mapping[str, ChildRows] = field(default_factory=dict)
    states: tuple[StateRule, ...] = ()  #: excluded before void before not ready
    heads: tuple[Head, ...] = ()
    zone: ZoneInfo | timezone = SHANGHAI
    shown: Shown = Shown()
    specs: Mapping[str, Field] = field(init=False, repr=False, compare=False)  #: the data set's fields by name

    def __post_init__(self) -> None:
        object.__setattr__(self, "specs", {spec.name: spec for spec in self.dataset.fields})

    @property
    def rules(self) -> FieldRules:
        """Those of the record's own fields."""
        return FieldRules(self.fields, self.absent)

    @property
    def columns(self) -> frozenset[str]:
        """Every local column the rules read."""
        conditions = (each.column for state in self.states for each in state.conditions if each.column)
        return frozenset((*self.rules.columns, *conditions, *(head.column for head in self.heads), *self.shown.columns))

    def origin_of(self, path: str) -> tuple[str, ...]:
        """The local columns that fill a field, `drugs[0].drug_codg` too; () of one that none fills."""
        name, _, inner = path.partition(".")
        child = self.children.get(name.partition("[")[0]) if inner else None
        rule = child.fields.rules.get(inner) if child else self.fields.get(name)
        return tuple(dict.fromkeys(rule.origin.columns)) if rule else ()

    def source_row(self, row: Row, cursor: Cursor, facts: SiteFacts) -> SourceRow:
        """Map one row.

        1. The site's rules say what the row is: excluded, void, not ready, or ready.
        2. Every field is filled or faulted; of rows that are not ready only what could be filled is kept.
        3. Where a joined row is missing, that is told instead of the fields it leaves empty.
        4. Of a row whose head is missing nothing else is told: neither its state nor its fields are known without it.
        """
        headless = row.get(HEADLESS)
        state, reason, open_questions = (RowState.READY, "", ()) if headless else self._state(row, facts)
        values, faults = self._values(row, facts)
        entered_at, entered_fault = self._entered_at(row)
        institution, foreign = _institution(row, facts)
        found = (*foreign, *open_questions, *self._causes(row, faults), *entered_fault)
        found = (Violation(ROW_REF, LOST_HEAD, headless),) if headless else found
        document, department = self.shown.of(row)
        return SourceRow(
            ref=to_key(row[ROW_REF]),
            cursor=cursor,
            institution=institution,
            values=values,
            state=state,
            reason=reason,
            faults=found if state is RowState.READY else (),
            entered_at=entered_at,
            document=document,
            department=department,
        )

    def ready_row(
        self, row: Row, cursor: Cursor, facts: SiteFacts, content: Mapping[str, Any], changed_at: datetime | None = None
    ) -> SourceRow:
        """What `source_row` would say of a row whose wire content the compiled mapping is sure of (adapters/compiled.py)."""
        entered_at, entered_fault = self._entered_at(row)
        institution, foreign = _institution(row, facts)
        document, department = self.shown.of(row)
        return SourceRow(
            ref=to_key(row[ROW_REF]),
            cursor=cursor,
            institution=institution,
            values=wire.Decoded(self.specs, content),
            faults=(*foreign, *entered_fault),
            entered_at=entered_at,
            changed_at=changed_at,
            content=content,
            document=document,
            department=department,
        )

    def _state(self, row: Row, facts: SiteFacts) -> tuple[RowState, str, tuple[Violation, ...]]:
        undecided: list[Violation] = []
        for rule in self.states:
            met = rule.holds(row, facts)
            if met is True:
                return rule.state, rule.reason, ()
            if isinstance(met, Missing):
                undecided.append(Violation(str(rule.state), met.rule, f"是否属于“{rule.reason}”不能确定：{met.reason}"))
        return RowState.READY, "", tuple(undecided)

    def _values(self, row: Row, facts: SiteFacts) -> tuple[dict[str, Any], dict[str, Violation]]:
        values: dict[str, Any] = {}
        faults: dict[str, Violation] = {}
        rules = self.rules
        for spec in self.dataset.fields:
            if spec.name in self.children:
                value, found = self.children[spec.name].read(row, facts)
                faults.update(found)
            else:
                value = rules.value(spec, row, facts)
            if isinstance(value, Violation):
                faults[spec.name] = value
            elif value is not None:
                values[spec.name] = value
        self._roll_over(values, faults)
        return values, faults

    def _roll_over(self, values: dict[str, Any], faults: dict[str, Violation]) -> None:
        """A clock without a day that lies before its start lies on the next day."""
        for name, rule in self.fields.items():
            value, start = values.get(name), values.get(rule.next_day_if_before)
            if isinstance(value, datetime) and isinstance(start, datetime) and value < start:
                try:
                    values[name] = value + timedelta(days=1)
                except OverflowError:  # 9999-12-31, by which some products mean "open"
                    del values[name]
                    faults[name] = fault(self.dataset.field(name), "unreadable", "无法读懂：这一天没有下一天")

    def _causes(self, row: Row, faults: dict[str, Violation]) -> Iterator[Violation]:
        for head in self.heads:
            if is_blank(row[head.column]):
                symptoms = [name for name in head.explains if name in faults] or head.explains[:1]
                for name in symptoms:
                    faults[name] = fault(self.dataset.field(name), "head", f"为空：{head.reason}")
        yield from faults.values()

    def _entered_at(self, row: Row) -> tuple[datetime | None, tuple[Violation, ...]]:
        value = row.get(ENTERED_AT)
        if value is None or is_blank(value):
            return None, ()
        try:
            return to_moment(value, self.zone), ()
        except UnreadableError as error:
            return None, (Violation(ENTERED_AT, "unreadable", f"本地录入时间（{ENTERED_AT}）无法读懂：{error}"),)


def _institution(row: Row, facts: SiteFacts) -> tuple[str, tuple[Violation, ...]]:
    """Whose row it is: the source's institution, or one named by the row that the site said is in this database.

    Any other code is a fault, and the row stays the source's: nobody could send it, or the wrong institution would. So is none
    where the database holds several institutions' rows.
    """
    code = row.get(INSTITUTION)
    if code is None or is_blank(code):
        return facts.institution, (_NOBODYS,) if facts.others and facts.others - {facts.institution} else ()
    try:
        own = to_text(code)
    except UnreadableError as error:
        return facts.institution, (Violation(INSTITUTION, "unreadable", f"本行的机构编号（{INSTITUTION}）无法读懂：{error}"),)
    own = facts.institutions.get(own, own)
    if own == facts.institution or own in facts.others:
        return own, ()
    told = f"本行的机构编号（{INSTITUTION}）是 {own[:30]}，不是本来源所配置的 {facts.institution}，不能替它报送"
    return facts.institution, (Violation(INSTITUTION, "institution", told),)
