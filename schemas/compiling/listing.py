"""Source text of generated functions, and the objects it refers to by name.

Nothing a document or a site says ever becomes code: texts stand in it as `repr`, everything else is bound to a name.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any


class Listing:
    """A module being written line by line. `title` appears in tracebacks in the place of a file name."""

    def __init__(self, title: str) -> None:
        self._file = f"<generated {title}>"
        self._lines: list[str] = []
        self._depth = 0
        self._names: dict[str, Any] = {}

    def bind(self, hint: str, value: Any) -> str:
        """The name under which the code finds `value`; `hint` is one of ours, never a text of the edition."""
        for name, bound in self._names.items():
            if bound is value:
                return name
        name = f"{hint}_{len(self._names)}"
        self._names[name] = value
        return name

    def add(self, line: str) -> None:
        """One line at the present depth."""
        self._lines.append("    " * self._depth + line)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines added inside stand below `head`."""
        self.add(head)
        self._depth += 1
        yield
        self._depth -= 1

    @property
    def text(self) -> str:
        """The source, for a person who debugs it."""
        return "\n".join(self._lines) + "\n"

    def function(self, name: str) -> Callable[..., Any]:
        """Compile what was written and return one of its functions. The debugger finds the lines in `linecache`."""
        linecache.cache[self._file] = (len(self.text), None, self.text.splitlines(keepends=True), self._file)
        code: CodeType = compile(self.text, self._file, "exec")
        exec(code, self._names)  # noqa: S102 - our own text: see the module's second sentence
        made: Callable[..., Any] = self._names[name]
        return made
