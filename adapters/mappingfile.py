"""mapping/<dataset>.yaml -> `RowMapping`. Strict: an unknown key, field, code or constant is a SpecError with file and key.

dataset: HD03
zone: Asia/Shanghai                       # where naive times stand; UTC is the other choice
exclude: / void: / not_ready:             # lists of rules, asked in this order
  - {column: status, in: ["9"], reason: 已取消}            # or not_in, or `is: blank`, `is: present`
  - {column: tenant, differs_from: tenant, reason: …}      # or same_as: the name of a constant the site declares
  - {all: [{column: …}, {constant: …, in: ["no"]}], reason: …}
heads:
  - {column: drug_id, reason: 药品在目录中查不到, explains: [med_list_codg]}
fields:                                   # one rule each: adapters/fieldfile.py
  a: {column: local}
children:                                 # fields that are lines; the manifest names the query of each
  drugs:
    with_catalogue: drug_name             # may be left out: without this catalogue of the site no line is read
    fields: {drug_codg: {column: local}}
    absent: {cnt: 本系统不记录}
absent:
  g: 本系统不记录
shown: {document: bill_no, department: dept_name}   # by what the site's people find a row; no part of the record
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from adapters.children import ChildRows
from adapters.choices import nearest
from adapters.conversion import ZONES, visible
from adapters.fieldfile import FieldFile, Site, exactly_one, zone_of
from adapters.fieldrule import FieldRules
from adapters.mapping import Condition, Head, RowMapping, Shown, StateRule
from gateway.model import RowState
from schemas import yamlfile
from schemas.model import Dataset, Edition, Field, FieldType
from schemas.yamlfile import Section

_STATES = {"exclude": RowState.EXCLUDED, "void": RowState.VOID, "not_ready": RowState.NOT_READY}
_TESTS = ("in", "not_in", "is", "same_as", "differs_from")


def read(
    path: Path, edition: Edition, dataset: str, constants: Collection[str] = (), catalogues: Collection[str] = ()
) -> RowMapping:
    """Read the mapping of `dataset`. The manifest says which constants a site may declare, and by which columns its catalogues are
    searched."""
    section = yamlfile.read(path).known("dataset", "zone", *_STATES, "heads", "fields", "children", "absent", "shown")
    if section.need("dataset", str) != dataset:
        raise section.error(f"应为 {dataset}，与 manifest.yaml 一致", "dataset")
    return _File(section, edition, edition.datasets[dataset], Site(edition, constants, catalogues)).mapping()


class _File:
    """One mapping file being read against its data set."""

    def __init__(self, section: Section, edition: Edition, dataset: Dataset, site: Site) -> None:
        self.section, self.edition, self.dataset, self.site = section, edition, dataset, site
        self.specs = {spec.name: spec for spec in dataset.fields}
        self.zone = zone_of(section, ZONES["Asia/Shanghai"])

    def mapping(self) -> RowMapping:
        """The rules, complete: every required field is mapped or declared absent."""
        children = {name: self._child(name, each) for name, each in self.section.named("children").items()}
        rules = self._rules(self.section, self.dataset.fields, children)
        return RowMapping(
            dataset=self.dataset,
            file=self.section.file.name,
            fields=rules.rules,
            absent=rules.absent,
            children=children,
            states=tuple(rule for key in _STATES for rule in self._states(key)),
            heads=tuple(self._head(each) for each in self.section.sections("heads")),
            zone=self.zone,
            shown=self._shown(),
        )

    def _child(self, name: str, section: Section) -> ChildRows:
        spec = self.specs.get(name)
        if spec is None or spec.type is not FieldType.ROWS:
            known = [each.name for each in self.dataset.fields if each.type is FieldType.ROWS]
            raise section.error(f"{self.dataset.code} 没有这个子表，有：{'、'.join(known) or '无'}")
        rules = self._rules(section.known("fields", "absent", "with_catalogue"), spec.fields)
        catalogue = section.text("with_catalogue")
        if catalogue and catalogue not in self.site.catalogues:
            raise section.error(f"manifest.yaml 的 catalogues 没有 {catalogue}", "with_catalogue")
        return ChildRows(spec, rules, catalogue)

    def _rules(self, section: Section, specs: Iterable[Field], children: Collection[str] = ()) -> FieldRules:
        """The `fields` and `absent` of a record or of a line, complete."""
        reader = FieldFile(self.dataset.code, specs, self.site, self.zone)
        rules = FieldRules(reader.rules(section), _absent(reader, section))
        self._check_complete(section, reader.specs.values(), rules, children)
        return rules

    def _check_complete(self, section: Section, specs: Iterable[Field], rules: FieldRules, children: Collection[str]) -> None:
        mapped = {*rules.rules, *children}
        both = sorted(mapped & rules.absent.keys())
        if both:
            raise section.error(
                f"既映射又声明缺失：{'、'.join(both)}；有这一列就删去 absent 里的那一行，没有就删去 fields 里的", "absent"
            )
        known = {*mapped, *rules.absent}
        missing = [f"{spec.label}（{spec.name}）" for spec in specs if spec.required and spec.name not in known]
        if missing:
            raise section.error(f"必填字段既未映射也未在 absent 中声明缺失：{'、'.join(missing)}", "fields")

    def _shown(self) -> Shown:
        section = self.section.optional("shown")
        if section is None:
            return Shown()
        section.known("document", "department")
        return Shown(section.text("document"), section.text("department"))

    def _head(self, section: Section) -> Head:
        section.known("column", "reason", "explains")
        explains = section.texts("explains")
        if not explains:
            raise section.error("须写明它解释哪些字段", "explains")
        for name in explains:
            if name not in self.specs:
                raise section.error(f"{self.dataset.code} 没有字段 {name}{nearest(name, self.specs)}", "explains")
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
        section.known("column", "constant", *_TESTS, *also)
        exactly_one(section, ("column", "constant"))
        test = exactly_one(section, _TESTS)
        column, constant = section.text("column"), self.site.constant(section) if "constant" in section.data else ""
        if test == "is":
            wanted = section.need("is", str)
            if wanted not in ("blank", "present"):
                raise section.error("只能是 blank 或 present", "is")
            return Condition(column, constant, None, wanted == "present")
        if test in ("same_as", "differs_from"):
            return Condition(column, constant, None, test == "differs_from", self.site.constant(section, test))
        return Condition(column, constant, frozenset(map(visible, section.texts(test))), test == "not_in")


def _absent(reader: FieldFile, section: Section) -> Mapping[str, str]:
    found = section.optional("absent")
    if found is None:
        return {}
    for name in found.data:
        reader.spec(name, found, name)
    return {name: found.need(name, str) for name in found.data}
