"""An overlay: what one region's text says otherwise than its base. Overlay YAML + base -> a whole `Edition`.

overlays/<code>.yaml   `base` is "reference" or another overlay; the chain is followed to its end

Where a document and a bureau disagree, an overlay says so, never an `if`. The merged edition is linted like any other.
"""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from schemas import lint, loader, yamlfile
from schemas.datasetpatch import patched_dataset
from schemas.errors import SpecError
from schemas.loader import read_cadence, read_source, read_style
from schemas.model import CodeTable, Dataset, Edition, Field, FieldType, Source, Style
from schemas.patch import FieldPatch, check_format, patched_table, unknown
from schemas.yamlfile import Section

OVERLAYS = loader.REFERENCE / "overlays"
_REFERENCE = "reference"
KEYS = (
    *("code", "version", "name", "base", "source", "infver", "body_limit", "style", "cadences", "scenes"),
    *("common", "header", "codes", "new_codes", "datasets", "new_datasets"),
)


def load(name: str | Path) -> Edition:
    """The edition a configuration names: `reference`, an overlay that ships with the product, the path of an overlay file
    of one's own, or the folder of a whole edition. SpecError says what is wrong and where."""
    if name == _REFERENCE:
        return loader.reference()
    path = Path(name)
    if path.is_dir():
        return loader.load(path)
    return _load(path if path.suffix in (".yaml", ".yml") else _shipped(str(name)), ())


def named(section: Section, key: str = "edition") -> str | Path:
    """What a configuration's `edition:` stands for: absent means the reference; a path counts from the configuration's folder."""
    text = section.text(key, _REFERENCE)
    beside = section.file.parent / text
    return beside if text not in (_REFERENCE, *names()) and beside.exists() else text


def names() -> tuple[str, ...]:
    """The overlays that ship with the product."""
    return tuple(path.stem for path in sorted(OVERLAYS.glob("*.yaml")))


def _shipped(name: str) -> Path:
    if name not in names():
        near = difflib.get_close_matches(name, (_REFERENCE, *names()), n=1, cutoff=0.5)
        hint = f"是否想写 {near[0]}？" if near else f"可用的有：{'、'.join((_REFERENCE, *names()))}"
        raise SpecError(f"没有名为 {name} 的规范版本或地区差异，{hint}")
    return OVERLAYS / f"{name}.yaml"


def over(reference: Edition, path: Path) -> Edition:
    """An overlay on another reference edition than today's, e.g. on the one a site keeps. SpecError likewise."""
    return _load(path, (), reference)


def _load(path: Path, above: tuple[str, ...], reference: Edition | None = None) -> Edition:
    """`above` are the overlays that led here: meeting one again is a circle."""
    head = yamlfile.read(path).known(*KEYS)
    code = head.need("code", str)
    if code != path.stem:
        raise head.error(f"编号 {code} 与文件名 {path.stem} 不一致", "code")
    merged = _merged(_base(head, (*above, code), reference), head)
    found = lint.findings(merged)
    if found:
        raise SpecError(f"与上级版本合并后有 {len(found)} 处不妥：{'；'.join(found)}", file=path)
    return merged


def _base(head: Section, chain: tuple[str, ...], reference: Edition | None) -> Edition:
    base = head.need("base", str)
    if base == _REFERENCE:
        return reference or loader.reference()
    if base in chain:
        raise head.error(f"地区差异互为上级，绕成了一圈：{' → '.join((*chain[chain.index(base) :], base))}", "base")
    beside = head.file.parent / f"{base}.yaml"
    path = beside if beside.exists() else OVERLAYS / f"{base}.yaml"
    if not path.exists():
        raise unknown(head, "base", "规范版本或地区差异", base, (_REFERENCE, *names())) from None
    return _load(path, chain, reference)


def _merged(base: Edition, head: Section) -> Edition:
    source = read_source(head)
    tables = _tables(base, head, source)
    patch = FieldPatch(tables, source)
    datasets = _datasets(base, head, patch)
    common = _common(base.common, head, "common", patch)
    header = _common(base.header, head, "header", patch)
    merged = replace(
        base,
        code=head.need("code", str),
        version=head.need("version", str),
        name=head.need("name", str),
        base=base.id,
        source=source,
        infver=head.text("infver", base.infver),
        body_limit=head.at_least("body_limit", 1, base.body_limit),
        style=_style(base, head),
        scenes=(*base.scenes, *head.texts("scenes")),
        cadences={**base.cadences, **{name: read_cadence(name, each) for name, each in head.named("cadences").items()}},
        common=common,
        header=header,
        datasets=datasets,
        codes=tables,
    )
    return _without_idle_tables(base, merged)


def _style(base: Edition, head: Section) -> Style:
    section = head.optional("style")
    style = read_style(section, base.style)
    if section is not None:
        check_format(section, "date", style.date, FieldType.DATE)
        check_format(section, "datetime", style.datetime, FieldType.DATETIME)
        _check_charset(section, style.charset)
    return style


def _check_charset(section: Section, charset: str) -> None:
    try:
        codecs.lookup(charset)
    except LookupError:
        raise section.error(f"不认识的字符集 {charset}，常见的是 utf-8 与 gb18030", "charset") from None


def _tables(base: Edition, head: Section, source: Source) -> dict[str, CodeTable]:
    changes = head.named("codes")
    for name in changes:
        if name not in base.codes:
            raise unknown(head.section("codes"), name, "代码表", name, base.codes)
    changed = {name: patched_table(base.codes[name], each, source) for name, each in changes.items()}
    new = {name: loader.read_code_table(each, name) for name, each in head.named("new_codes").items()}
    for name in new:
        if name in base.codes:
            raise head.section("new_codes").error("上级版本中已有这张代码表，要改它请写在 codes 下", name)
    return {**base.codes, **changed, **new}


def _without_idle_tables(base: Edition, merged: Edition) -> Edition:
    """A table whose last field the overlay took away goes with it; one that never had a field is the lint's matter."""
    used = {spec.codes for spec in _every_field(merged)}
    idle = {spec.codes for spec in _every_field(base) if spec.codes} - used
    return replace(merged, codes={name: table for name, table in merged.codes.items() if name not in idle})


def _every_field(edition: Edition) -> Iterator[Field]:
    nodes = (node for dataset in edition.datasets.values() for node in (*dataset.input, *dataset.output))
    stack = [*edition.common, *edition.header, *(spec for node in nodes for spec in node.fields)]
    while stack:
        spec = stack.pop()
        yield spec
        stack.extend(spec.fields)


def _common(specs: tuple[Field, ...], head: Section, key: str, patch: FieldPatch) -> tuple[Field, ...]:
    """The product itself lives on the common fields: they may be changed and joined, not taken out."""
    section = head.optional(key)
    if section is None:
        return specs
    return patch.applied(specs, section.known("fields", "add"))


def _datasets(base: Edition, head: Section, patch: FieldPatch) -> dict[str, Dataset]:
    changes = head.named("datasets")
    for code in changes:
        if code not in base.datasets:
            raise unknown(head.section("datasets"), code, "数据集或交易", code, base.datasets)
    changed = {code: patched_dataset(base.datasets[code], each, patch) for code, each in changes.items()}
    new = {}
    for each in head.sections("new_datasets"):
        dataset = loader.read_dataset(each)
        if dataset.code in base.datasets or dataset.code in new:
            raise each.error(f"{dataset.code} 已有，要改它请写在 datasets 下", "code")
        new[dataset.code] = dataset
    return {**base.datasets, **changed, **new}
