"""mapping/<dataset>.yaml -> `RowMapping`. Strict: an unknown key, field, code or constant is a SpecError with file and key.

dataset: HD03
zone: Asia/Shanghai                       # where naive times stand; UTC is the other choice
exclude: / void: / not_ready:             # lists of rules, asked in this order
  - {column: status, in: ["9"], reason: 已取消}            # or not_in, or `is: blank`, `is: present`
  - {all: [{column: …}, {constant: …, in: ["no"]}], reason: …}
heads:
  - {column: drug_id, reason: 药品在目录中查不到, explains: [med_list_codg]}
fields:                                   # one origin each, then how to read it
  a: {column: local, codes: {local: "spec"}, blank: 站点用语, zone: UTC}
  b: {date: local, time: local, next_day_if_before: a}
  c: {constant: name}
  d: {catalogue: key_column, take: column}
  e: {first: [column, {catalogue: key_column, take: column}, {constant: name}]}
  f: {fixed: "1", why: 本产品只有一种}
absent:
  g: 本系统不记录
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from datetime import timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters.conversion import ZONES, UnreadableError, convert
from adapters.mapping import Condition, FieldRule, Head, RowMapping, StateRule
from adapters.origins import CatalogueValue, Column, Constant, DateAndTime, First, Fixed, Origin
from gateway.model import RowState
from schemas import yamlfile
from schemas.model import Dataset, Edition, Field, FieldType
from schemas.yamlfile import Section

_ORIGINS = ("column", "date", "constant", "catalogue", "first", "fixed")
_READING = ("codes", "zone", "blank", "next_day_if_before")
_PARTNERS = {"date": "time", "catalogue": "take", "fixed": "why"}
_STATES = {"exclude": RowState.EXCLUDED, "void": RowState.VOID, "not_ready": RowState.NOT_READY}


def read(path: Path, edition: Edition, dataset: str, constants: Collection[str] = (), catalogue_key: str = "") -> RowMapping:
    """Read the mapping of `dataset`. The manifest says which constants a site may declare and which column its catalogue has."""
    section = yamlfile.read(path).known("dataset", "zone", *_STATES, "heads", "fields", "absent")
    if section.need("dataset", str) != dataset:
        raise section.error(f"应为 {dataset}，与 manifest.yaml 一致", "dataset")
    return _File(section, edition, edition.datasets[dataset], constants, catalogue_key).mapping()


class _File:
    """One mapping file being read against its data set."""

    def __init__(
        self, section: Section, edition: Edition, dataset: Dataset, constants: Collection[str], catalogue_key: str
    ) -> None:
        self.section, self.edition, self.dataset = section, edition, dataset
        self.constants, self.catalogue_key = constants, catalogue_key
        self.specs = {spec.name: spec for spec in dataset.fields}
        self.zone = _zone(section, ZONES["Asia/Shanghai"])

    def mapping(self) -> RowMapping:
        """The rules, complete: every required field is mapped or declared absent."""
        mapping = RowMapping(
            dataset=self.dataset,
            file=self.section.file.name,
            fields={name: self._field(name, each) for name, each in self._named("fields").items()},
            absent=self._absent(),
            states=tuple(rule for key in _STATES for rule in self._states(key)),
            heads=tuple(self._head(each) for each in self.section.sections("heads")),
            zone=self.zone,
        )
        self._check_complete(mapping)
        return mapping

    def _named(self, key: str) -> dict[str, Section]:
        found = self.section.named(key)
        for name in found:
            self._spec(name, self.section.section(key), name)
        return found

    def _spec(self, name: str, at: Section, key: str) -> Field:
        if name not in self.specs:
            raise at.error(f"{self.dataset.code} 没有字段 {name}{_nearest(name, self.specs)}", key)
        return self.specs[name]

    def _check_complete(self, mapping: RowMapping) -> None:
        both = sorted(mapping.fields.keys() & mapping.absent.keys())
        if both:
            raise self.section.error(f"既映射又声明缺失：{'、'.join(both)}", "absent")
        missing = [
            f"{spec.label}（{spec.name}）"
            for spec in self.dataset.fields
            if spec.required and spec.name not in mapping.fields and spec.name not in mapping.absent
        ]
        if missing:
            raise self.section.error(f"必填字段既未映射也未在 absent 中声明缺失：{'、'.join(missing)}", "fields")

    def _absent(self) -> dict[str, str]:
        section = self.section.optional("absent")
        if section is None:
            return {}
        for name in section.data:
            self._spec(name, section, name)
        return {name: section.need(name, str) for name in section.data}

    def _head(self, section: Section) -> Head:
        section.known("column", "reason", "explains")
        explains = section.texts("explains")
        if not explains:
            raise section.error("须写明它解释哪些字段", "explains")
        for name in explains:
            self._spec(name, section, "explains")
        return Head(section.need("column", str), section.need("reason", str), explains)

    def _states(self, key: str) -> Iterable[StateRule]:
        for section in self.section.sections(key):
            reason = section.need("reason", str)
            if "all" in section.data:
                conditions = tuple(self._condition(each) for each in section.known("all", "reason").sections("all"))
            else:
                conditions = (self._condition(section, "reason"),)
            if not conditions:
                raise section.error("至少写一个条件", "all")
            yield StateRule(_STATES[key], conditions, reason)

    def _condition(self, section: Section, *also: str) -> Condition:
        section.known("column", "constant", "in", "not_in", "is", *also)
        _exactly_one(section, ("column", "constant"))
        test = _exactly_one(section, ("in", "not_in", "is"))
        constant = self._constant(section) if "constant" in section.data else ""
        if test == "is":
            wanted = section.need("is", str)
            if wanted not in ("blank", "present"):
                raise section.error("只能是 blank 或 present", "is")
            return Condition(section.text("column"), constant, None, wanted == "present")
        return Condition(section.text("column"), constant, frozenset(section.texts(test)), test == "not_in")

    def _constant(self, section: Section) -> str:
        name = section.need("constant", str)
        if name not in self.constants:
            raise section.error(f"manifest.yaml 的 constants 没有 {name}{_nearest(name, self.constants)}", "constant")
        return name

    def _field(self, name: str, section: Section) -> FieldRule:
        section.known(*_ORIGINS, *_PARTNERS.values(), *_READING)
        spec = self.specs[name]
        if spec.type is FieldType.ROWS:
            raise section.error("子表字段还不能映射；请在 absent 中声明")
        zone = _zone(section, self.zone)
        return FieldRule(
            spec=spec,
            origin=self._origin(section, spec, zone),
            codes=self._codes(section, spec),
            zone=zone,
            blank=section.text("blank"),
            next_day_if_before=self._start(section, spec),
        )

    def _origin(self, section: Section, spec: Field, zone: ZoneInfo | timezone) -> Origin:
        kind = _exactly_one(section, _ORIGINS)
        for origin, partner in _PARTNERS.items():
            if (partner in section.data) is not (kind == origin):
                raise section.error(f"{origin} 与 {partner} 须一起写", partner if kind != origin else origin)
        if kind == "date":
            return DateAndTime(section.need("date", str), section.need("time", str), zone)
        if kind == "first":
            return First(tuple(self._choices(section, spec, zone)))
        if kind == "fixed":
            return self._fixed(section, spec)
        return self._simple(kind, section)

    def _simple(self, kind: str, section: Section) -> Origin:
        if kind == "constant":
            return Constant(self._constant(section))
        if kind == "catalogue":
            if section.need("catalogue", str) != self.catalogue_key:
                raise section.error(f"须与 manifest.yaml 的 catalogue_key（{self.catalogue_key or '未写'}）一致", "catalogue")
            return CatalogueValue(self.catalogue_key, section.need("take", str))
        return Column(section.need("column", str))

    def _choices(self, section: Section, spec: Field, zone: ZoneInfo | timezone) -> Iterable[Origin]:
        for index, each in enumerate(section.need("first", list)):
            if isinstance(each, str):
                yield Column(each)
                continue
            if not isinstance(each, dict):
                raise section.error(f"第 {index + 1} 项应为列名或键值表", "first")
            inner = Section(each, section.file, f"{section.key}.first[{index}]").known("column", "constant", "catalogue", "take")
            yield self._origin(inner, spec, zone)

    def _fixed(self, section: Section, spec: Field) -> Fixed:
        section.need("why", str)
        value = section.need("fixed", str)
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
        return {local: codes.need(local, str) for local in codes.data}

    def _check_code(self, section: Section, spec: Field, code: str, key: str) -> None:
        table = self.edition.codes[spec.codes] if spec.codes else None
        if table and code not in table.values:
            raise section.error(f"代码表《{table.label}》没有 {code}", key)

    def _start(self, section: Section, spec: Field) -> str:
        start = section.text("next_day_if_before")
        if start:
            other = self._spec(start, section, "next_day_if_before")
            if spec.type is not FieldType.DATETIME or other.type is not FieldType.DATETIME:
                raise section.error("只用于两个日期时间字段", "next_day_if_before")
        return start


def _exactly_one(section: Section, keys: tuple[str, ...]) -> str:
    found = [key for key in keys if key in section.data]
    if len(found) != 1:
        raise section.error(f"{'、'.join(keys)} 须且只须写一个")
    return found[0]


def _zone(section: Section, default: ZoneInfo | timezone) -> ZoneInfo | timezone:
    name = section.text("zone")
    if name and name not in ZONES:
        raise section.error(f"只能是 {'、'.join(ZONES)} 之一", "zone")
    return ZONES[name] if name else default


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"，是否想写 {near[0]}？" if near else ""
