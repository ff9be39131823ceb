"""Edition -> the YAML files `loader.load` reads, so that an imported field table becomes an edition's folder.

What is written is whole: an edition merged from an overlay becomes one that stands by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import SpecError, file_trouble
from schemas.model import CodeTable, Dataset, Edition, Encoding, Field, Node, Replay, Severity, Source, Style

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_BATCH = 100  #: what the loader takes when nothing is written


class _Flow(dict[str, Any]):
    """A mapping on one line."""


class _Dumper(yaml.SafeDumper):
    """SafeDumper that keeps one field on one line and knows no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """A source that many fields share is written out; anchors would need a reader's patience."""
        return True


_Dumper.add_representer(
    _Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)


def write(edition: Edition, folder: Path) -> None:
    """Write every file of the edition into `folder`, which must be empty or not exist. SpecError if it cannot be."""
    files = dict(_files(edition))
    try:
        if folder.exists() and any(folder.iterdir()):
            raise SpecError("文件夹不是空的：旧文件会混进新版本，请换一个", file=folder)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_text(content), encoding="utf-8", newline="\n")
    except OSError as error:
        raise SpecError(f"写不下：{file_trouble(error)}", file=folder) from None


def _text(content: dict[str, Any]) -> str:
    return yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000)


def _files(edition: Edition) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "edition.yaml", _edition(edition)
    yield "common.yaml", _common(edition)
    for dataset in edition.datasets.values():
        folder = "transactions" if dataset.code[:1].isdigit() else "datasets"
        yield f"{folder}/{_named(dataset.code)}.yaml", _dataset(dataset)
    for table in edition.codes.values():
        yield f"codes/{_named(table.name)}.yaml", _code_table(table)


def _named(name: str) -> str:
    """A code that becomes a file name comes from somebody's table: it must not lead out of the folder."""
    if not _FILE_NAME.fullmatch(name):
        raise SpecError(f"编号 {name[:20]} 只能由字母、数字、- 和 _ 组成")
    return name


def _edition(edition: Edition) -> dict[str, Any]:
    cadences = {
        each.name: _given(
            label=each.label,
            minutes=each.minutes,
            days=each.days,
            day_of_next_month=each.day_of_next_month,
            skip=[kind.value for kind in each.skip],
            postpone=[kind.value for kind in each.postpone],
        )
        for each in edition.cadences.values()
    }
    return {
        "code": edition.code,
        "version": edition.version,
        "name": edition.name,
        "infver": edition.infver,
        "body_limit": edition.body_limit,
        "scenes": list(edition.scenes),
        "cadences": cadences,
        **({"style": _style(edition.style)} if edition.style != Style() else {}),
        "source": _source(edition.source),
    }


def _style(style: Style) -> _Flow:
    return _given(
        numbers=style.numbers.value,
        empty=style.empty.value,
        extra=style.extra.value,
        date=style.date,
        datetime=style.datetime,
        charset=style.charset,
    )


def _common(edition: Edition) -> dict[str, Any]:
    counted = Counter(spec.source for spec in (*edition.common, *edition.header)).most_common(1)
    usual = counted[0][0] if counted else edition.source
    return {
        "source": _source(usual),
        "record": _fields(edition.common, usual),
        "header": _fields(edition.header, usual),
    }


def _dataset(dataset: Dataset) -> dict[str, Any]:
    head: dict[str, Any] = {"code": dataset.code, "name": dataset.name}
    if dataset.infno != dataset.code:
        head["infno"] = dataset.infno
    if dataset.scene or dataset.uploaded:
        head["scene"] = dataset.scene
    if dataset.uploaded:
        head |= {"cadence": dataset.cadence, "key": list(dataset.key), "occurred": dataset.occurred}
    if dataset.replay is not Replay.PERSON:
        head["replay"] = dataset.replay.value
    if dataset.batch != _BATCH:
        head["batch"] = dataset.batch
    if dataset.alias_of:
        head["alias_of"] = dataset.alias_of
    if dataset.parent:
        head["parent"] = _Flow({"dataset": dataset.parent.dataset, "by": _Flow(dataset.parent.by)})
    return head | {"source": _source(dataset.source)} | _content(dataset)


def _content(dataset: Dataset) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if dataset.success:
        content["success"] = [
            _given(path=each.path, optional=each.optional, sentence=each.sentence) | {"in": list(each.values)}
            for each in dataset.success
        ]
    if dataset.forms:
        content["forms"] = [
            _given(infno=each.infno, node=each.node, encoding=each.encoding.value, without=list(each.without))
            for each in dataset.forms
        ]
    only = dataset.input[0] if len(dataset.input) == 1 else None
    if only and only.name == "data" and only.encoding is Encoding.ARRAY:
        content["fields"] = _fields(only.fields, dataset.source)
    else:
        content["input"] = _nodes(dataset.input, dataset.source)
    if dataset.output:
        content["output"] = _nodes(dataset.output, dataset.source)
    return content


def _nodes(nodes: Sequence[Node], inherited: Source) -> list[dict[str, Any]]:
    return [
        {"node": each.name}
        | ({} if each.encoding is Encoding.ARRAY else {"encoding": each.encoding.value})
        | {"fields": _fields(each.fields, inherited)}
        for each in nodes
    ]


def _fields(fields: Sequence[Field], inherited: Source) -> list[dict[str, Any]]:
    return [_field(spec, inherited) for spec in fields]


def _field(spec: Field, inherited: Source) -> dict[str, Any]:
    """One line per field; one with children needs several."""
    condition = spec.required_if
    written = _given(
        name=spec.name,
        label=spec.label,
        type=spec.type.value,
        length=spec.length,
        scale=spec.scale or None,
        codes=spec.codes,
        required=spec.required,
        required_if=_Flow({"field": condition.field, "in": list(condition.values)}) if condition else None,
        blank_allowed=spec.blank_allowed,
        least=None if spec.least is None else str(spec.least),
        length_severity=spec.length_severity.value if spec.length_severity is not Severity.ERROR else "",
        wire_name=spec.wire_name,
        aliases=list(spec.aliases),
        format=spec.format,
        meaning=spec.meaning,
        source=_source(spec.source) if spec.source != inherited else None,
    )
    if not spec.fields:
        return written
    return {**written, "fields": _fields(spec.fields, spec.source)}


def _code_table(table: CodeTable) -> dict[str, Any]:
    written = {"name": table.name, "label": table.label, "source": _source(table.source), "values": dict(table.values)}
    return {**written, "on_wire": dict(table.on_wire)} if table.on_wire else written


def _source(source: Source) -> _Flow:
    return _given(doc=source.doc, ref=source.ref, confidence=source.confidence.value, dated=source.dated)


def _given(**values: Any) -> _Flow:
    """What says something: a default is left out, as people leave it out."""
    return _Flow(
        {key: value for key, value in values.items() if value is not None and value is not False and value not in ("", [])}
    )
