"""One field's rule in a mapping file -> `FieldRule`. One origin each, then how to read it.

  a: {column: local}
  b: {date: local, time: local, next_day_if_before: a}
  c: {constant: name}                                      # the site declares it
  d: {catalogue: key_column, take: column, as_of: day}     # of a catalogue with dates
  e: {first: [column, {catalogue: key_column, take: column}, {constant: name}]}
  f: {fixed: "1", why: 本产品只有一种}
  g: {product: [packs, pack_size]}
  h: {joined: [register_id, line_no], with: "-"}
  i: {json: info, at: vital.weight}                        # names and, in a list, numbers from 0
  j: {declared: quantity_means, as: {packs: oper_number, pieces: basic_number}}
  k: {minutes: [b, l]}                                     # from one field to another, both moments

Whatever the origin: `codes` translates local codes, `zone` says where naive times stand, `blank` is the site's word for an empty
value. What a found value goes through before that, in this order: `empty: ["-", "1900-01-01"]` (the site's words for nothing),
`formats: [yyyy/M/d, yyyyMMdd]`, `units: {kg: "1", g: "0.001"}` ("" is a number without a unit; the factor leads to the field's
own), `sign: {by: doc_type, plus: ["1"], minus: ["2"]}`. A part of `date`, `time`, `first`, `product` and `joined` may be such a
rule itself, e.g. `time: {column: shift, codes: {"1": "07:30"}}`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timezone
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from adapters.choices import nearest
from adapters.conversion import ZONES, UnreadableError, convert, visible
from adapters.derived import DayAndClock, Declared, InJson, Joined, Minutes, Product
from adapters.fieldrule import FieldRule
from adapters.origins import CatalogueValue, Column, Constant, DateAndTime, First, Fixed, Origin
from adapters.refining import Empty, Notations, Refined, Sign, Step, Translated, Units, unusable
from schemas.model import Edition, Field, FieldType
from schemas.yamlfile import Section

Zone = ZoneInfo | timezone
_ORIGINS = ("column", "date", "constant", "catalogue", "first", "fixed", "product", "joined", "json", "declared", "minutes")
#: what is no column by itself, and so no part of another rule
_WHOLE = ("fixed", "minutes")
_PARTNERS = {"date": "time", "catalogue": "take", "fixed": "why", "joined": "with", "json": "at", "declared": "as"}
_STEPS = ("empty", "formats", "units", "sign")
_READING = ("codes", "zone", "blank", "next_day_if_before")
_DATED = (FieldType.DATE, FieldType.DATETIME)


@dataclass(frozen=True, slots=True)
class Site:
    """What rules may refer to beside the query's columns."""

    edition: Edition
    constants: Collection[str]  #: that a site may declare
    catalogues: Collection[str]  #: columns that find a row in a catalogue of the site

    def constant(self, section: Section, key: str = "constant") -> str:
        """The name of a constant under `key`, which must be one that a site may declare."""
        name = section.need(key, str)
        if name not in self.constants:
            raise section.error(f"manifest.yaml 的 constants 没有 {name}{nearest(name, self.constants)}", key)
        return name


class FieldFile:
    """Reads the rules of some fields that belong together."""

    def __init__(self, dataset: str, specs: Iterable[Field], site: Site, zone: Zone) -> None:
        self.dataset, self.site, self.zone = dataset, site, zone
        self.specs = {spec.name: spec for spec in specs}
        self._known: dict[str, FieldRule] = {}  #: those that were read

    def rules(self, section: Section) -> Mapping[str, FieldRule]:
        """Those under `fields`."""
        found = section.named("fields")
        for name in found:
            self.spec(name, section.section("fields"), name)
        for name, each in sorted(found.items(), key=lambda item: "minutes" in item[1].data):  # these need the others
            self._known[name] = self._rule(self.specs[name], each)
        return {name: self._known[name] for name in found}

    def spec(self, name: str, at: Section, key: str) -> Field:
        """The field of that name; SpecError at `key` if there is none."""
        if name not in self.specs:
            raise at.error(f"{self.dataset} 没有字段 {name}{nearest(name, self.specs)}", key)
        return self.specs[name]

    def _rule(self, spec: Field, section: Section) -> FieldRule:
        section.known(*_ORIGINS, *_PARTNERS.values(), "as_of", *_STEPS, *_READING)
        if spec.type is FieldType.ROWS:
            raise section.error("子表字段写在 children 下，或在 absent 中声明")
        zone = zone_of(section, self.zone)
        return FieldRule(
            spec=spec,
            origin=self._refined(section, spec, zone),
            codes=self._codes(section, spec),
            zone=zone,
            blank=section.text("blank"),
            next_day_if_before=self._start(section, spec),
        )

    def _refined(self, section: Section, spec: Field | None, zone: Zone) -> Origin:
        """The origin with what its value goes through; `spec` is None for a part, which is no field by itself."""
        origin, steps = self._origin(section, spec, zone), tuple(_steps(section, spec))
        return Refined(origin, steps) if steps else origin

    def _origin(self, section: Section, spec: Field | None, zone: Zone) -> Origin:
        kind = exactly_one(section, _ORIGINS)
        for origin, partner in _PARTNERS.items():
            if (partner in section.data) is not (kind == origin):
                raise section.error(f"{origin} 与 {partner} 须一起写", partner if kind != origin else origin)
        if "as_of" in section.data and kind != "catalogue":
            raise section.error("as_of 只与 catalogue 一起写", "as_of")
        match kind:
            case "date":
                return self._moment(section, zone)
            case "first":
                return First(self._parts(section, kind, zone))
            case "product":
                return Product(self._parts(section, kind, zone))
            case "joined":
                return Joined(self._parts(section, kind, zone), section.need("with", str))
            case "fixed":
                return self._fixed(section, spec)
            case "minutes":
                return self._minutes(section, spec)
        return self._single(kind, section, zone)

    def _single(self, kind: str, section: Section, zone: Zone) -> Origin:
        match kind:
            case "constant":
                return Constant(self.site.constant(section))
            case "catalogue":
                return self._catalogue(section, zone)
            case "json":
                return InJson(section.need("json", str), tuple(section.need("at", str).split(".")))
            case "declared":
                choices = section.section("as")
                columns = {value: choices.need(value, str) for value in choices.data}
                return Declared(self.site.constant(section, "declared"), columns)
        return Column(section.need("column", str))

    def _catalogue(self, section: Section, zone: Zone) -> CatalogueValue:
        key = section.need("catalogue", str)
        if key not in self.site.catalogues:
            raise section.error(f"manifest.yaml 的 catalogues 没有 {key}{nearest(key, self.site.catalogues)}", "catalogue")
        return CatalogueValue(key, section.need("take", str), section.text("as_of"), zone)

    def _moment(self, section: Section, zone: Zone) -> Origin:
        """Two plain columns are common, and have a fast way of their own (adapters/compiled.py)."""
        day, clock = section.data["date"], section.data["time"]
        if isinstance(day, str) and isinstance(clock, str):
            return DateAndTime(day, clock, zone)
        return DayAndClock(
            self._part(section, "date", day, "date", zone),
            self._part(section, "time", clock, "time", zone),
            zone,
        )

    def _parts(self, section: Section, key: str, zone: Zone) -> tuple[Origin, ...]:
        found = section.need(key, list)
        if not found:
            raise section.error("至少写一项", key)
        return tuple(self._part(section, key, each, f"{key}[{index}]", zone) for index, each in enumerate(found))

    def _part(self, section: Section, key: str, value: Any, place: str, zone: Zone) -> Origin:
        """A column's name, or a rule of its own."""
        if isinstance(value, str):
            return Column(value)
        if not isinstance(value, dict):
            number = place.partition("[")[2].rstrip("]")
            raise section.error(f"{f'第 {int(number) + 1} 项' if number else ''}应为列名或键值表", key)
        inner = Section(value, section.file, f"{section.key}.{place}")
        kinds = [each for each in _ORIGINS if each not in _WHOLE]
        inner.known(*kinds, *(_PARTNERS[kind] for kind in kinds if kind in _PARTNERS), "as_of", *_STEPS, "codes")
        origin = self._refined(inner, None, zone)
        codes = inner.optional("codes")
        if codes is None:
            return origin
        return Refined(origin, (Translated(_table(codes)),))

    def _minutes(self, section: Section, spec: Field | None) -> Minutes:
        _only_for_numbers(section, spec, "minutes")
        names = section.texts("minutes")
        if len(names) != 2:
            raise section.error("应为两个日期时间字段：先开始，后结束", "minutes")
        for name in names:
            if self.spec(name, section, "minutes").type is not FieldType.DATETIME:
                raise section.error(f"{name} 不是日期时间字段", "minutes")
            if name not in self._known:
                raise section.error(f"{name} 没有写在 fields 里，不能由它算", "minutes")
        start, end = (self._known[name] for name in names)
        if start.next_day_if_before or end.next_day_if_before not in ("", names[0]):
            raise section.error("这两个时间的 next_day_if_before 只能写在结束上，写开始字段：否则算的不是报出去的时间", "minutes")
        return Minutes(start, end)

    def _fixed(self, section: Section, spec: Field | None) -> Fixed:
        section.need("why", str)
        value = section.need("fixed", str)
        if spec is not None:
            self._check_code(section, spec, value, "fixed")
            try:
                convert(spec, value)
            except UnreadableError as error:
                raise section.error(str(error), "fixed") from None
        return Fixed(value)

    def _codes(self, section: Section, spec: Field) -> dict[str, str] | None:
        codes = section.optional("codes")
        if codes is None:
            return None
        for local in codes.data:
            self._check_code(codes, spec, codes.need(local, str), local)
        return _table(codes)

    def _check_code(self, section: Section, spec: Field, code: str, key: str) -> None:
        table = self.site.edition.codes[spec.codes] if spec.codes else None
        if table and code not in table.values:
            raise section.error(f"代码表《{table.label}》没有 {code}", key)

    def _start(self, section: Section, spec: Field) -> str:
        start = section.text("next_day_if_before")
        if start:
            other = self.spec(start, section, "next_day_if_before")
            if spec.type is not FieldType.DATETIME or other.type is not FieldType.DATETIME:
                raise section.error("只用于两个日期时间字段", "next_day_if_before")
        return start


def _table(codes: Section) -> dict[str, str]:
    """Local code -> code; a local code without what nobody sees, as values are compared."""
    found: dict[str, str] = {}
    for local in codes.data:
        code = codes.need(local, str)
        if found.setdefault(visible(local), code) != code:
            raise codes.error("去掉看不见的字符和首尾空白之后，同一个本地代码写了两次，对照还不一样", local)
    return found


def _steps(section: Section, spec: Field | None) -> Iterator[Step]:
    if empty := section.texts("empty"):
        yield Empty(frozenset(map(visible, empty)))
    if formats := section.texts("formats"):
        yield _notations(section, spec, formats)
    if units := section.optional("units"):
        _only_for_numbers(section, spec, "units")
        yield Units({unit: _factor(units, unit) for unit in units.data})
    if sign := section.optional("sign"):
        _only_for_numbers(section, spec, "sign")
        yield _sign(sign.known("by", "plus", "minus"))


def _notations(section: Section, spec: Field | None, formats: tuple[str, ...]) -> Notations:
    if spec is not None and spec.type not in _DATED:
        raise section.error("只用于日期和日期时间字段", "formats")
    for pattern in formats:
        if fault := unusable(pattern):
            raise section.error(f"日期格式 {pattern} 用不了：{fault}", "formats")
    return Notations(formats)


def _sign(section: Section) -> Sign:
    plus, minus = (frozenset(map(visible, section.texts(key))) for key in ("plus", "minus"))
    if both := sorted(plus & minus):
        raise section.error(f"{'、'.join(both)} 既写在 plus 又写在 minus", "minus")
    return Sign(section.need("by", str), plus, minus)


def _only_for_numbers(section: Section, spec: Field | None, key: str) -> None:
    if spec is not None and spec.type is not FieldType.NUMBER:
        raise section.error("只用于数值字段", key)


def _factor(section: Section, unit: str) -> Decimal:
    try:
        factor = Decimal(section.need(unit, str))
    except InvalidOperation:
        factor = Decimal(0)
    if not factor.is_finite() or factor <= 0:
        raise section.error('应为加引号的正数，例："0.001"', unit)
    return factor


def exactly_one(section: Section, keys: tuple[str, ...]) -> str:
    """The one of these keys that is there; SpecError if there is none or more."""
    found = [key for key in keys if key in section.data]
    if len(found) != 1:
        raise section.error(f"{'、'.join(keys)} 须且只须写一个")
    return found[0]


def zone_of(section: Section, default: Zone) -> Zone:
    """Where naive times stand by `zone`, else the default."""
    name = section.text("zone")
    if name and name not in ZONES:
        raise section.error(f"只能是 {'、'.join(ZONES)} 之一", "zone")
    return ZONES[name] if name else default
