"""Which wire texts are numbers that fit, by look-up of their shape: 61.5 and 72.3 both look like 99.9."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemas.model import Field, Severity

#: for `bytes.translate`: every digit becomes the one that always counts
NINES = bytes.maketrans(b"012345678", b"9" * 9)
#: most shapes remembered of one group of fields; whatever else is sent is answered as right, only slower
_MOST = 4_000


class Shapes:
    """The shapes of a few number texts joined by `|`, which none of them can hold."""

    def __init__(self, specs: Iterable[Field]) -> None:
        self._match = re.compile(r"\|".join(map(_pattern, specs))).fullmatch
        #: shapes met that fit; only `fit` adds to it
        self.met: set[bytes] = set()

    def fit(self, text: str) -> bool:
        """Whether each number fits its field. A shape of nines that fits speaks for all its texts: zeros only count less."""
        shape = text.encode().translate(NINES)
        if self._match(shape.decode()):
            if len(self.met) < _MOST:
                self.met.add(shape)
            return True
        return self._match(text) is not None


def _pattern(spec: Field) -> str:
    """Pattern of the number texts that fit: zeros at either end do not count (`build`, precision). Possessive, so linear."""
    whole, places = "[0-9]++", r"(?:\.[0-9]++)?"
    if spec.length and spec.length_severity is Severity.ERROR:
        whole = f"(?=[0-9])0*+[0-9]{{0,{spec.length - spec.scale}}}+" if spec.length >= spec.scale else "(?!)"
        places = rf"(?:\.(?=[0-9])[0-9]{{0,{spec.scale}}}+0*+)?"
    sign = "-?" if spec.least is None or spec.least < 0 else ""
    return f"(?:{sign}{whole}{places}){'' if spec.required else '?'}"
