"""What a WSDL says of an operation: the element that only wraps the reply, what the reply may leave out, what is a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from zeep import xsd

from adapters.services.replies import UnusableError

#: deeper no record of ours is; and types that name each other would come to any number of paths
_DEEPEST, _MOST = 6, 20_000


@cache
def result(operation: Any) -> str:
    """The one element that wraps the whole reply; "" where there are several, or none."""
    names = [name for name, _ in _elements(_body(operation))]
    return names[0] if len(names) == 1 else ""


@cache
def declared(operation: Any) -> frozenset[str]:
    """Dotted paths, without the wrapping element, of all that the reply may have. What the WSDL leaves open is not among them."""
    return frozenset(_paths(_inside(operation)))


@cache
def floats(operation: Any) -> dict[str, str]:
    """The values that are binary floats, by their dotted paths, each with its format as `struct` names it."""
    kinds = {"d": xsd.Double, "f": xsd.Float}
    return {path: code for code, kind in kinds.items() for path in _paths(_inside(operation), kind)}


def astray(operation: Any, path: str) -> tuple[str, ...] | None:
    """The names that the reply has where a path leaves it; None if it has the path, or leaves open what stands there."""
    inside = _inside(operation)
    for name in path.split(".") if path else ():
        known = dict(_elements(inside))
        if not known or len(known) < len(inside.elements):
            return None
        if name not in known:
            return tuple(known)
        inside = known[name].type
    return None


@cache
def moments(operation: Any) -> frozenset[str]:
    """The arguments that are moments, xsd:dateTime, by their dotted names."""
    body = getattr(operation.input, "body", None)
    return frozenset(_paths(getattr(body, "type", None), xsd.DateTime))


def listed(operation: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, lists as the WSDL has them. UnusableError where it has none: zeep would send the first, or nonsense."""
    kind = getattr(getattr(operation.input, "body", None), "type", None)
    return dict(_listed(kind, given))


def _listed(kind: Any, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    known = dict(_elements(kind))
    for name, value in given.items():
        element = known.get(name)
        if element is None or element.accepts_multiple or not isinstance(value, list | dict):
            yield name, value
        elif isinstance(value, dict):
            yield name, dict(_listed(element.type, value))
        else:
            yield name, _as_list(name, element.type, value)


def _as_list(name: str, kind: Any, value: list[Any]) -> Any:
    """A list inside an element of its own (ArrayOfString of .NET), or an array of rpc/encoded, which zeep writes itself."""
    inside = _elements(kind)
    if len(inside) == 1 and inside[0][1].accepts_multiple:
        return {inside[0][0]: value}
    if isinstance(kind, xsd.ComplexType) and not inside:
        return value
    raise UnusableError(f"参数 {name} 在 WSDL 里只能有一个值，放不下 keys：请写 joined，或改用 key")


def _body(operation: Any) -> Any:
    return getattr(getattr(operation.output, "body", None), "type", None)


def _inside(operation: Any) -> Any:
    """The type of the reply without what only wraps it."""
    whole, name = _body(operation), result(operation)
    return dict(_elements(whole))[name].type if name else whole


def _elements(kind: Any) -> list[tuple[str, Any]]:
    found = getattr(kind, "elements", None) or []
    return [(str(element.name), element) for _, element in found if isinstance(element, xsd.Element)]


def _paths(kind: Any, wanted: Any = xsd.Type) -> Iterator[str]:
    return islice(_below(kind, "", (), wanted), _MOST)


def _below(kind: Any, before: str, above: tuple[Any, ...], wanted: Any) -> Iterator[str]:
    """Dotted paths below a type; one that holds itself is walked once."""
    for name, element in _elements(kind) if kind not in above and len(above) < _DEEPEST else ():
        if isinstance(element.type, wanted):
            yield f"{before}{name}"
        yield from _below(element.type, f"{before}{name}.", (*above, kind), wanted)
