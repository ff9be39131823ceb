"""Replies of old services (rpc/encoded, as Axis 1 writes them): what stands beside under a number is put where it is meant.

SOAP 1.1 §5: an element may say `href="#id0"` and hold nothing; what it holds stands elsewhere in the body, with that id. zeep
follows such references too, but for ever where they go round; and what the encoding says of an element is no value of a record.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from adapters.services.replies import UnusableError

ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_NIL = f"{{{_INSTANCE}}}nil"
#: namespaces of attributes that say how the reply is written
_OF_ENCODING = (f"{{{ENCODING}}}", f"{{{_ENVELOPE}}}", f"{{{_INSTANCE}}}")
#: what one reply may come to, counted as memory: a few elements that name each other, or one long text, would come to any size
_MOST, _ELEMENT = 200 * 1024 * 1024, 400
#: so deep no record is; lxml itself reads no deeper
_DEEPEST = 200
_TOO_MUCH = "应答里的引用（href）展开后大得不可能"
#: begins a reference to what travels beside the envelope
_ATTACHED = "cid:"
_SIMPLE = (
    *("string", "normalizedString", "token", "boolean", "decimal", "integer", "long", "int", "short", "byte", "float", "double"),
    *("nonNegativeInteger", "positiveInteger", "unsignedInt", "unsignedLong", "dateTime", "date", "time", "duration"),
    *("base64Binary", "hexBinary", "anyURI", "QName"),
)
#: what a WSDL of such a service needs of the encoding's own schema, which it names and does not bring
SCHEMA = f"""<schema xmlns="http://www.w3.org/2001/XMLSchema" xmlns:e="{ENCODING}" targetNamespace="{ENCODING}">
<attribute name="arrayType" type="string"/><attribute name="offset" type="string"/>
<attributeGroup name="commonAttributes"><attribute name="id" type="ID"/><attribute name="href" type="anyURI"/></attributeGroup>
<attributeGroup name="arrayAttributes"><attribute ref="e:arrayType"/><attribute ref="e:offset"/></attributeGroup>
<group name="Array"><sequence><any namespace="##any" minOccurs="0" maxOccurs="unbounded" processContents="lax"/></sequence></group>
<complexType name="Array"><group ref="e:Array" minOccurs="0"/><attributeGroup ref="e:arrayAttributes"/></complexType>
<simpleType name="base64"><restriction base="base64Binary"/></simpleType>
{"".join(f'<complexType name="{each}"><simpleContent><extension base="{each}"/></simpleContent></complexType>' for each in _SIMPLE)}
</schema>""".encode()


def resolved(content: bytes) -> bytes:
    """The reply with everything in its place; as it is where it says nothing of that encoding, or is no XML.

    UnusableError if a reference leads nowhere, to one of two, round, out of the reply, or to more than any reply can hold.
    """
    if ENCODING.encode() not in content:
        return content
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        return content  # zeep tells
    body = root.find(f"{{{_ENVELOPE}}}Body")
    if body is None or not len(body) or root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs leave it out
        return content
    reply: Any = body[0]
    place = etree.Element(reply.tag, nsmap=reply.nsmap)
    _Resolver(body).fill(place, reply, frozenset(), 0)
    for each in list(body):
        body.remove(each)
    body.append(place)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


class _Resolver:
    """Writes an element anew, with everything in its place."""

    def __init__(self, body: Any) -> None:
        self._known: dict[str, Any] = {}
        self._twice: set[str] = set()
        self._written = 0
        for each in body.iterfind(".//*[@id]"):
            if self._known.setdefault(each.get("id"), each) is not each:
                self._twice.add(each.get("id"))

    def fill(self, place: Any, element: Any, above: frozenset[str], depth: int) -> None:
        """Give `place` what the element holds. `above`: the ids in which it stands."""
        meant, above = self._meant(element, above)
        told = {name: value for name, value in meant.attrib.items() if not _of_encoding(name, referred=meant is not element)}
        self._written += _ELEMENT + len(meant.text or "") + sum(map(len, told.values()))
        if self._written > _MOST or max(depth, len(above)) > _DEEPEST:
            raise UnusableError(_TOO_MUCH)
        place.text = meant.text
        for name, value in told.items():
            place.set(name, value)
        for child in meant:
            if isinstance(child.tag, str):
                self.fill(etree.SubElement(place, child.tag), child, above, depth + 1)

    def _meant(self, element: Any, above: frozenset[str]) -> tuple[Any, frozenset[str]]:
        while (href := element.get("href") or "").startswith("#"):
            number = href[1:]
            if number in above:
                raise UnusableError("应答里的引用（href）绕成了圈")
            if number not in self._known:
                raise UnusableError("应答里的引用（href）指到了应答里没有的内容：应答不完整")
            if number in self._twice:
                raise UnusableError("应答里的引用（href）指到的编号（id）有两处，不能确定是哪一处")
            if len(above) > _DEEPEST:
                raise UnusableError(_TOO_MUCH)
            element, above = self._known[number], above | {number}
        if href.startswith(_ATTACHED):
            raise UnusableError("应答把内容放在附件里（href 以 cid: 开头），读不了，请服务方把内容写在应答里")
        return element, above


def _of_encoding(name: str, *, referred: bool) -> bool:
    """Whether an attribute says how the reply is written, and is none of the record's own. The type is the WSDL's to say."""
    if name == "id":
        return referred
    return name != _NIL and name.startswith(_OF_ENCODING)
