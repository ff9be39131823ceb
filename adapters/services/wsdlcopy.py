"""A WSDL and every document that it names, as files beside each other: a profile brings them along, at run time nothing is fetched.

A WSDL often names the host by which the service knows itself, and which nobody else can resolve; what it names is fetched from the
host that was asked, and from no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from lxml import etree

from adapters.services import multiref, xmlcharset
from gateway.errors import SourceError

#: more than any service of a hospital names
_MOST = 200
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SCHEMA = "http://www.w3.org/2001/XMLSchema"
#: element that names another document -> the attribute it does so by
_NAMING = {
    f"{{{_WSDL}}}import": "location",
    **{f"{{{_SCHEMA}}}{name}": "schemaLocation" for name in ("import", "include", "redefine")},
}
Fetch = Callable[[str], bytes]


def copied(url: str, fetch: Fetch) -> Mapping[str, bytes]:
    """Name -> content, the WSDL first, each naming the others by these names. SourceError for what is no WSDL or names too much."""
    first = urldefrag(url).url
    names = {first: _name(first, ".wsdl", set())}
    trees: dict[str, etree._Element] = {}
    waiting = [first]
    while waiting:
        place = waiting.pop(0)
        trees[place] = root = _root(place, fetch(place), wanted=place == first)
        for element, attribute in _named(root):
            other = _there(first, urljoin(place, element.get(attribute)))
            if other not in names:
                names[other] = _name(other, ".wsdl" if element.tag.startswith(f"{{{_WSDL}}}") else ".xsd", set(names.values()))
                waiting.append(other)
            element.set(attribute, names[other])
        if len(names) > _MOST:
            raise SourceError(f"WSDL 引用的文件超过 {_MOST} 个，没有存：请向服务方要一份存好的")
    return {names[place]: etree.tostring(root, xml_declaration=True, encoding="UTF-8") for place, root in trees.items()}


def operations(files: Mapping[str, bytes]) -> list[str]:
    """The names that `call.operation` may have."""
    trees = (etree.fromstring(content, _parser()) for content in files.values())
    found = (each for tree in trees for each in tree.iterfind(f"{{{_WSDL}}}portType/{{{_WSDL}}}operation"))
    return sorted({name for each in found if (name := each.get("name"))})


def _named(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    for element in root.iter(*_NAMING):
        attribute = _NAMING[element.tag]
        place = (element.get(attribute) or "").strip()
        if place and place != multiref.ENCODING:  # whose schema is ours
            yield element, attribute


def _there(first: str, url: str) -> str:
    """The same path at the host that was asked."""
    asked, other = urlsplit(first), urlsplit(urldefrag(url).url)
    return urlunsplit((asked.scheme, asked.netloc, other.path, other.query, ""))


def _root(place: str, content: bytes, *, wanted: bool) -> etree._Element:
    try:
        root = etree.fromstring(xmlcharset.in_utf8(content.lstrip(b"\xef\xbb\xbf \t\r\n"), ""), _parser())
    except etree.XMLSyntaxError:
        raise SourceError(f"{shown(place)} 给的不是 XML：请在浏览器里打开这个地址看一看，WSDL 的地址后面多半要加 ?wsdl") from None
    if b"<!DOCTYPE" in content:
        raise SourceError(f"{shown(place)} 给的 XML 带 DOCTYPE，不是 WSDL，没有存")
    if wanted and root.tag != f"{{{_WSDL}}}definitions":
        raise SourceError(
            f"{shown(place)} 给的不是 WSDL 1.1（根元素是 {etree.QName(root).localname}）：WSDL 的地址后面多半要加 ?wsdl"
        )
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def shown(place: str) -> str:
    """Without the query: some services want a key in it."""
    parts = urlsplit(place)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _name(place: str, suffix: str, taken: set[str]) -> str:
    """By the last part of the path; a number is added where it is taken."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", PurePosixPath(urlsplit(place).path).stem).strip("_") or "service"
    wanted, number = f"{stem}{suffix}", 1
    while wanted in taken:
        number += 1
        wanted = f"{stem}-{number}{suffix}"
    return wanted
