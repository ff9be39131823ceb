"""What an overlay says about one data set or transaction, applied to that of its base."""

from __future__ import annotations

from dataclasses import replace

from schemas.loader import read_enum, read_parent, read_source, read_success
from schemas.model import Dataset, Encoding, Field, Form, Node, Replay
from schemas.patch import FieldPatch, unknown
from schemas.yamlfile import Section

NODE_KEYS = ("node", "encoding", "case", "fields", "add", "remove")
DATASET_KEYS = ("form", "infno", "batch", "replay", "success", "cadence", "parent", "source", "nodes", *NODE_KEYS)
_CASES = ("snake", "camel", "upper")


def patched_dataset(dataset: Dataset, section: Section, patch: FieldPatch) -> Dataset:
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
        parent=read_parent(section.optional("parent")) or dataset.parent,
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
    batch = section.at_least("batch", 1, dataset.batch)
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
