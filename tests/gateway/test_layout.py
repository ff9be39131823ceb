"""A window that is too narrow for a table: each row a sentence that can be read without the headers."""

from __future__ import annotations

import io

from rich.console import Console

from gateway import layout

_HEADERS = ("字段名", "取自", "把握", "备选")


def _shown(*rows: tuple[str, str, str, str]) -> str:
    console = Console(file=io.StringIO(), width=40)
    layout.show(console, _HEADERS, rows)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_what_else_may_be_meant_is_called_so_and_nothing_follows_where_there_is_nothing() -> None:
    long = "clinic_prescription.prescription_number"
    shown = _shown(("rx_id", long, "1.00", f"{long}_2"), ("cnt", long, "0.60，请核对", ""))
    assert f"rx_id　{long}　把握 1.00：备选 {long}_2\n" in shown
    assert f"cnt　{long}　把握 0.60，请核对\n" in shown
