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
from schemas.errors import SpecError
from schemas.loader import read_at_least, read_cadence, read_enum, read_source, read_style, read_success
from schemas.model import CodeTable, Dataset, Edition, Encoding, Field, FieldType, Form, Node, Replay, Source, Style
from schemas.patch import FieldPatch, check_format, patched_table, unknown
from schemas.yamlfile import Section

OVERLAYS = loader.REFERENCE / "overlays"
_REFERENCE = "reference"
_CASES = ("snake", "camel", "upper")
KEYS = (
    *("code", "version", "name", "base", "source", "infver", "body_limit", "style", "cadences", "scenes"),
    *("common", "header", "codes", "new_codes", "datasets", "new_datasets"),
)
NODE_KEYS = ("node", "encoding", "case", "fields", "add", "remove")
DATASET_KEYS = ("form", "infno", "batch", "replay", "success", "cadence", "source", "nodes", *NODE_KEYS)


def load(name: str | Path) -> Edition:
    """The edition a configuration names: `reference`, an overlay that ships with the product, the path of an overlay file
    of one's own, or the folder of a whole edition. SpecError says what is wrong and where."""
    if name == _REFERENCE:
        return loader.reference()
    path = Path(name)
    if path.is_dir():
        return loader.load(path)
    return _load(path if path.suffix in (".yaml", ".yml") else _shipped(str(name)), ())


def names() -> tuple[str, ...]:
    """The overlays that ship with the product."""
    return tuple(path.stem for path in sorted(OVERLAYS.glob("*.yaml")))


def _shipped(name: str) -> Path:
    if name not in names():
        near = difflib.get_close_matches(name, (_REFERENCE, *names()), n=1, cutoff=0.5)
        hint = f"是否想写 {near[0]}？" if near else f"可用的有：{'、'.join((_REFERENCE, *names()))}"
        raise SpecError(f"没有名为 {name} 的规范版本或地区差异，{hint}")
    return OVERLAYS / f"{name}.yaml"


def _load(path: Path, above: tuple[str, ...]) -> Edition:
    """`above` are the overlays that led here: meeting one again is a circle."""
    head = yamlfile.read(path).known(*KEYS)
    code = head.need("code", str)
    if code != path.stem:
        raise head.error(f"编号 {code} 与文件名 {path.stem} 不一致", "code")
    merged = _merged(_base(head, (*above, code)), head)
    found = lint.findings(merged)
    if found:
        raise SpecError(f"与上级版本合并后有 {len(found)} 处不妥：{'；'.join(found)}", file=path)
    return merged


def _base(head: Section, chain: tuple[str, ...]) -> Edition:
    base = head.need("base", str)
    if base == _REFERENCE:
        return loader.reference()
    if base in chain:
        raise head.error(f"地区差异互为上级，绕成了一圈：{' → '.join((*chain[chain.index(base) :], base))}", "base")
    beside = head.file.parent / f"{base}.yaml"
    path = beside if beside.exists() else OVERLAYS / f"{base}.yaml"
    if not path.exists():
        raise unknown(head, "base", "规范版本或地区差异", base, (_REFERENCE, *names())) from None
    return _load(path, chain)


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
        body_limit=read_at_least(head, "body_limit", 1, base.body_limit),
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
    changed = {code: _dataset(base.datasets[code], each, patch) for code, each in changes.items()}
    new = {}
    for each in head.sections("new_datasets"):
        dataset = loader.read_dataset(each)
        if dataset.code in base.datasets or dataset.code in new:
            raise each.error(f"{dataset.code} 已有，要改它请写在 datasets 下", "code")
        new[dataset.code] = dataset
    return {**base.datasets, **changed, **new}


def _dataset(dataset: Dataset, section: Section, patch: FieldPatch) -> Dataset:
    """The form is taken first, so that everything else is said about it."""
    section.known(*DATASET_KEYS)
    patch = replace(patch, source=read_source(section)) if "source" in section.data else patch
    dataset = _formed(dataset, section)
    first = dataset.input[0]
    node = Node(
        name=section.text("node", first.name),
        encoding=read_enum(section, "encoding", Encoding, first.encoding),
        fields=_cased(patch.applied(first.fields, section), section),
    )
    merged = replace(
        dataset,
        infno=section.text("infno", dataset.infno),
        replay=read_enum(section, "replay", Replay, dataset.replay),
        batch=_batch(dataset, node, section),
        cadence=section.text("cadence", dataset.cadence),
        success=tuple(read_success(each) for each in section.sections("success")) or dataset.success,
        input=(node, *dataset.input[1:]),
        forms=tuple(_within(form, node) for form in dataset.forms),
    )
    return _noded(merged, section, patch)


def _formed(dataset: Dataset, section: Section) -> Dataset:
    """Another of the transaction's wire forms, without the fields that form does not carry."""
    wanted = section.text("form")
    if not wanted or wanted == dataset.infno:
        return dataset
    form = next((each for each in dataset.forms if each.infno == wanted), None)
    if form is None:
        raise unknown(section, "form", "报文形式", wanted, (dataset.infno, *(each.infno for each in dataset.forms)))
    fields = tuple(spec for spec in dataset.fields if spec.name not in form.without)
    left = Form(dataset.infno, dataset.input[0].name, dataset.input[0].encoding)
    return replace(
        dataset,
        infno=form.infno,
        batch=dataset.batch if form.encoding is not Encoding.OBJECT else 1,
        input=(Node(form.node, fields, form.encoding), *dataset.input[1:]),
        forms=(left, *(each for each in dataset.forms if each is not form)),
    )


def _within(form: Form, node: Node) -> Form:
    """A form cannot leave out what is no longer there."""
    names = {spec.name for spec in node.fields}
    return replace(form, without=tuple(name for name in form.without if name in names))


def _batch(dataset: Dataset, node: Node, section: Section) -> int:
    """A node that holds one record takes one at a time; a called transaction has no batches."""
    batch = read_at_least(section, "batch", 1, dataset.batch)
    if node.many or not dataset.uploaded:
        return batch
    if batch > 1 and "batch" in section.data:
        raise section.error("节点写成单个对象时，一次只能报一条", "batch")
    return 1


def _noded(dataset: Dataset, section: Section, patch: FieldPatch) -> Dataset:
    """`nodes`: changes of a node by its name in the base, for transactions of several nodes and for outputs."""
    changes = section.named("nodes")
    known = [node.name for node in (*dataset.input, *dataset.output)]
    for name in changes:
        if name not in known:
            raise unknown(section.section("nodes"), name, "节点", name, known)

    def changed(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        return tuple(_node(node, changes[node.name], patch) if node.name in changes else node for node in nodes)

    return replace(dataset, input=changed(dataset.input), output=changed(dataset.output))


def _node(node: Node, section: Section, patch: FieldPatch) -> Node:
    section.known(*NODE_KEYS)
    return Node(
        name=section.text("node", node.name),
        encoding=read_enum(section, "encoding", Encoding, node.encoding),
        fields=_cased(patch.applied(node.fields, section), section),
    )


def _cased(specs: tuple[Field, ...], section: Section) -> tuple[Field, ...]:
    """`case`: how every name of the node is written; a `wire_name` says more and stays (interface facts §10.4)."""
    case = section.text("case", "snake")
    if case not in _CASES:
        raise section.error(f"只能是 {'、'.join(_CASES)} 之一", "case")
    return specs if case == "snake" else tuple(_written(spec, case) for spec in specs)


def _written(spec: Field, case: str) -> Field:
    children = tuple(_written(child, case) for child in spec.fields)
    return replace(spec, wire_name=spec.wire_name or _in_case(spec.name, case), fields=children)


def _in_case(name: str, case: str) -> str:
    if case == "upper":
        return name.upper()
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)
