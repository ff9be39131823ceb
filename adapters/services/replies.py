"""A reply of a web service -> its tree, and the rows that stand in it. Paths are dotted names; nothing is guessed.

XML becomes the same kind of tree as JSON: an element with children a mapping by local names, a repeated one a list, an attribute
`@name`, the text beside attributes `#text`. Its values stay texts: what cannot be read is for the mapping to say, row by row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.services import diffgram
from adapters.services.serviceplan import Call, Shape, Text

#: attributes that speak of the element itself, not of what it says
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_OF_WRITING = (_INSTANCE, "{urn:schemas-microsoft-com:xml-diffgram-v1}", "{urn:schemas-microsoft-com:xml-msdata}")
#: what stands before the first element of many texts; what it says of the charset was true of bytes, not of the text
_UNSEEN = "\ufeff \t\r\n"
_DECLARATION = re.compile(r"<\?xml\b[^>]*\?>")
#: how a text of either kind begins; a page for people is none
_XML = re.compile(r"<(?!(?:html|head|body|div|script|meta)\b)[?A-Za-z]", re.IGNORECASE)
_OBJECTS = re.compile(r"[{\[]")
_BEGINNING = 64
_BROKEN = "应答的 {0} 没有写完，或里面有 {0} 不许有的字符：请服务方改好"
_NO_XML = "应答不是 XML：多半是登录页，或中间的代理答的"


class UnusableError(Exception):
    """The reply is not what the manifest says; the message says where, in Chinese, and never what stood there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service replied."""

    tree: Any
    #: dotted paths of all that the service's own description has, and that it therefore may leave out where it is empty
    declared: frozenset[str] = frozenset()

    def below(self, path: str) -> frozenset[str]:
        """What is declared of what stands at a path, by its names there."""
        before = f"{path}." if path else ""
        return frozenset(name.removeprefix(before) for name in self.declared if name.startswith(before))


class RefusedError(Exception):
    """The service says that it could not answer."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def parsed(content: str | bytes, form: Text) -> Any:
    """The tree of a text. UnusableError if it is none."""
    return _json(content) if form is Text.JSON else _xml(content)


def _json(content: str | bytes) -> Any:
    try:
        return json.loads(content.lstrip(_UNSEEN) if isinstance(content, str) else content, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise UnusableError(_unread(content, Text.JSON)) from None


def _xml(content: str | bytes) -> Any:
    from lxml import etree  # zeep brings it

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(_undeclared(content).encode() if isinstance(content, str) else content, parser)
    except (etree.XMLSyntaxError, ValueError):
        told = no_xml(content)
        raise UnusableError(_unread(content, Text.XML) if told == _NO_XML else told) from None
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise UnusableError("应答的 XML 里有 DOCTYPE，不读")
    return {_local(root.tag): tree_of(root)}


def _unread(content: str | bytes, form: Text) -> str:
    """Why a text is not of its kind: it is of the other, it was broken, or it is a page for people."""
    text = (content if isinstance(content, str) else content[:_BEGINNING].decode("utf-8", "replace")).lstrip(_UNSEEN)
    kind, own, other = ("JSON", _OBJECTS, _XML) if form is Text.JSON else ("XML", _XML, _OBJECTS)
    if other.match(text):
        return f"应答不是 {kind}，像是 {'XML' if form is Text.JSON else 'JSON'}：请核对 manifest.yaml 的 text"
    if own.match(text):
        return _BROKEN.format(kind)
    return f"应答不是 {kind}：多半是登录页，或中间的代理答的" if text else "应答是空的"


def _undeclared(text: str) -> str:
    """The text without an XML declaration and what stands before it."""
    text = text.lstrip(_UNSEEN)
    return text[found.end() :] if (found := _DECLARATION.match(text)) else text


def no_xml(content: str | bytes) -> str:
    """Why it cannot be read as XML, so that the right person is asked; never what stands there."""
    raw = content if isinstance(content, str) else content.decode("utf-8", "replace")
    text = raw.lstrip(_UNSEEN)
    at = min((place for mark in ("<?xml", ":Envelope") if (place := text.find(mark)) >= 0), default=-1)
    if at < 0:
        return _NO_XML if text else "应答是空的"
    if text.rfind("<", 0, at + 1) > 0 and not text.startswith("<?xml"):
        return "应答的 XML 前面有别的文字，多半是服务自己的警告：请服务方关掉（PHP 是 display_errors）或改好"
    if raw.startswith("\ufeff"):
        return "应答多出了开头的 BOM，末尾因此被截掉：请服务方把程序文件存成不带 BOM 的"
    if isinstance(content, bytes) and "\ufffd" in raw:
        return "应答的字节不是它自己说的字符集，或有乱码：请服务方改好"
    return _BROKEN.format("XML")


def tree_of(element: Any) -> Any:
    """What an element holds: None where it says nil, a text, or its children by their names. Nothing is converted."""
    if element.get(f"{_INSTANCE}nil") in ("true", "1"):
        return None
    own = {name: value for name, value in element.attrib.items() if not str(name).startswith(_OF_WRITING)}
    found: dict[str, Any] = {f"@{_local(name)}": value for name, value in own.items()}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name, value = _local(child.tag), tree_of(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    if len(found) > len(own):
        return found
    text = (element.text or "") + "".join(child.tail or "" for child in element)  # of what is no element: it is no end of the text
    return {**found, "#text": text} if found else text


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def find(tree: Any, path: str) -> Any:
    """What stands at a path. UnusableError says which part of it there is not."""
    at = tree
    for name in path.split(".") if path else ():
        if not isinstance(at, Mapping) or name not in at:
            known = f"，有：{'、'.join(map(str, list(at)[:12]))}" if isinstance(at, Mapping) and at else ""
            raise UnusableError(f"应答里没有 {path}（到 {name} 为止{known}）")
        at = at[name]
    return at


def opened(answer: Answer, shape: Shape, *, structured: bool) -> Answer:
    """That in which the rows stand: of a text inside an element, that text's tree. RefusedError if it says no.

    `structured`: the reply was text itself and is parsed already (REST).
    """
    tree, declared = answer.tree, answer.below(shape.element)
    if shape.text and not structured:
        inner = find(tree, shape.element)
        if not isinstance(inner, str):
            raise UnusableError(f"应答的 {shape.element or '结果'} 不是文本")
        tree, declared = parsed(inner, shape.text), frozenset()
    elif shape.element:
        tree = find(tree, shape.element)
    if shape.success:
        code = find(tree, shape.success.at)
        text = str(code).lower() if isinstance(code, bool) else str(code).strip()
        if text not in shape.success.values:
            raise RefusedError(text[:32])
    return Answer(tree, declared | diffgram.declared(tree))


def rows(tree: Any, path: str, *, xml: bool, declared: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """The rows at a path, each with its nested values under dotted names.

    The list itself must be there, or a renamed one would look like a day without patients. In XML an empty container has no
    elements, a single one is no list, and what is declared is not written where there is none of it.
    """
    if xml and _is_empty(tree, path, declared):
        return []
    found = find(tree, path)
    if found is None:
        return []
    if isinstance(found, Mapping):
        found = [found] if xml else found
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise UnusableError(f"应答的 {path or '结果'} 不是一列记录")
    return [flat(each) for each in found]


def _is_empty(tree: Any, path: str, declared: frozenset[str]) -> bool:
    """Whether the reply of XML has no rows and no fault: the container is empty, or leaves out what it may."""
    names = path.split(".") if path else []
    at = tree
    for number, name in enumerate(names, 1):
        whole = ".".join(names[:number])
        if isinstance(at, Mapping) and name in at:
            at = at[name]
        elif whole in declared:
            return True
        else:
            return number == len(names) and (_is_bare(at) or (isinstance(at, Mapping) and all(map(_is_attribute, at))))
    return _is_bare(at)


def _is_bare(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_attribute(name: str) -> bool:
    return name.startswith("@")


def paired(row: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A row with a column for each pair of key and value at a path of it: a map, as Axis, JAXB and PHP write one."""
    found = {name: value for name, value in row.items() if name != path and not name.startswith(f"{path}.")}
    for pair in lines(row, path):
        name = pair.get("key")
        if not isinstance(name, str) or not name or name in found:
            raise UnusableError(f"应答一行里的 {path} 不是一对一对的名和值（key、value），或同一个名有两个值")
        found |= {name + place.removeprefix("value"): value for place, value in pair.items() if place.startswith("value")}
    return found


def spread(row: Mapping[str, Any], path: str) -> list[dict[str, Any]]:
    """A row for each line at a path of a row: the line's columns under that path, beside those of the whole row."""
    whole = {name: value for name, value in row.items() if name != path and not name.startswith(f"{path}.")}
    return [{**whole, **{f"{path}.{name}": value for name, value in line.items()}} for line in lines(row, path)]


def flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested values under dotted names; lists stay as they are."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{before}{name}."))
        else:
            found[f"{before}{name}"] = value
    return found


def lines(row: Mapping[str, Any], path: str) -> list[dict[str, Any]]:
    """The lines at a path of a row; none where it has none. A single one of XML is no list."""
    value = row.get(path)
    if value is None or value == "":
        single = {name.removeprefix(f"{path}."): each for name, each in row.items() if name.startswith(f"{path}.")}
        return [single] if single else []
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(each, Mapping) for each in value):
        raise UnusableError(f"应答一行里的 {path} 不是一列记录")
    return [flat(each) for each in value]


def nested(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as structures."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        *above, last = name.split(".")
        at = found
        for part in above:
            at = at.setdefault(part, {})
        at[last] = value
    return found


def given(call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent: the arguments as structures or, where the manifest says so, written into one text."""
    whole = nested(arguments)
    if call.wrap is None:
        return whole
    beside = {name: whole.pop(name) for name in call.wrap.beside if name in whole}
    return {**beside, call.wrap.argument: written(whole, call.wrap.form, call.wrap.root)}


def written(arguments: Mapping[str, Any], form: Text, root: str) -> str:
    """The arguments as one text, which is what many services take."""
    if form is Text.JSON:
        return json.dumps(arguments, ensure_ascii=False)
    from lxml import etree

    element = etree.Element(root)
    _fill(element, arguments)
    return etree.tostring(element, encoding="unicode")


def _fill(element: Any, values: Mapping[str, Any]) -> None:
    from lxml import etree

    for name, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            child = etree.SubElement(element, name)
            if isinstance(each, Mapping):
                _fill(child, each)
            else:
                child.text = str(each)
