"""待办: rows that a person must mend, one by one, with who sees to it; tried once more from here when it is mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from flask import abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from gateway import mending
from gateway.errors import ConfigError
from gateway.http.console.desk import Desk
from gateway.http.console.paper import done, page
from gateway.http.console.secrecy import folded, unfolded
from gateway.operators import Operator
from gateway.roles import Permission
from gateway.worklist import (
    KIND_WORDS,
    NOTE_LENGTH,
    OWNER_LENGTH,
    LocalRow,
    Task,
    TaskFilter,
    TaskKind,
    checked_note,
    checked_owner,
)

_SIZE = 50
_MOST_PAGES = 10_000
_DUE = {"overdue": timedelta(), "soon": timedelta(days=3)}
#: what a person may write of a task
_WRITTEN = ("owner", "note")
#: what a person may ask for; of the first two any text
_ASKED = ("department", "owner", "dataset", "kind", "due")


class Tasks:
    """Whoever sees one department only gets no others, whatever is asked for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> ResponseReturnValue:
        """A page of them, soonest deadline first."""
        asked = unfolded(self._desk.gateway.store.keyring, request.args.get("f", ""))
        number = min(max(request.args.get("page", 1, type=int), 1), _MOST_PAGES)
        found = mending.tasks(self._desk.gateway, self._wanted(asked), (number - 1) * _SIZE, _SIZE)
        last = -(-found.total // _SIZE) or 1
        if number > last:  # the others are mended meanwhile
            number, found = last, mending.tasks(self._desk.gateway, self._wanted(asked), (last - 1) * _SIZE, _SIZE)
        g.places = [_place(each.row) for each in found.tasks]
        rows = [(each, self._fold(each.row)) for each in found.tasks]
        view = {"asked": asked, "number": number, "last": last, "now": self._desk.now(), "datasets": self._desk.datasets()}
        return page("tasks", found=found, rows=rows, filter=request.args.get("f", ""), words=KIND_WORDS, **view)

    def filter(self) -> ResponseReturnValue:
        """What was asked for goes on as an address that names nobody."""
        asked = {name: value.strip() for name in _ASKED if (value := request.form.get(name, "")).strip()}
        return redirect(url_for("console.tasks", f=folded(self._desk.gateway.store.keyring, asked) if asked else None), 303)

    def task(self, address: str) -> ResponseReturnValue:
        """One of them, with its history."""
        return self._show(self._row(address), address)

    def note(self, address: str) -> ResponseReturnValue:
        """Say something of it, and who sees to it; as one entry of its history each."""
        row = self._row(address)
        known = self._task(row)
        try:
            written = self._write(row, known)
        except ConfigError as error:
            return self._show(row, address, sentence=str(error)), 400
        return done("task", "noted" if written else "unchanged", address=address)

    def replay(self, address: str) -> ResponseReturnValue:
        """It is mended at the site: look at it now, not at the next reading."""
        row = self._row(address)
        self._task(row)
        found = mending.replay(self._desk.gateway, TaskFilter(row=row))
        self._desk.changed()
        self._desk.taken()
        if found.unreadable:
            return self._show(row, address, sentence="；".join(found.unreadable)), 503
        if mending.task(self._desk.gateway, row) is None:
            return done("tasks", "requeued" if found.requeued else "right")
        return done("task", "absent" if found.absent else "wrong", address=address)

    def _show(self, row: LocalRow, address: str, sentence: str = "") -> str:
        """What is over is told as such: somebody may have mended it meanwhile."""
        known = self._task(row)
        history = mending.history(self._desk.gateway, row)
        typed = {
            "owner": known.owner,
            "note": known.note,
            **{name: request.form[name] for name in _WRITTEN if name in request.form},
        }
        limits = {"note_length": NOTE_LENGTH, "owner_length": OWNER_LENGTH, "typed": typed}
        view = {"words": KIND_WORDS, "now": self._desk.now(), "sentence": sentence, **limits}
        return page("task", task=known, history=history, address=address, **view)

    def _task(self, row: LocalRow) -> Task:
        """404 of one that is mended, or that is another department's: which of both is not told."""
        g.places = [_place(row)]
        found = mending.tasks(self._desk.gateway, replace(self._wanted({}), row=row), 0, 1).tasks
        if not found:
            abort(404, "这一条已不在待办里：已经改好，或不归您的科室")
        return found[0]

    def _write(self, row: LocalRow, known: Task) -> int:
        """How many entries were made. ConfigError before any is, if one of them may not be."""
        wanted, by, written = TaskFilter(row=row), g.operator.name, 0
        owner, note = (request.form.get(name, "").strip() for name in _WRITTEN)
        checked_owner(owner)
        checked_note(note)
        if g.operator.may(Permission.ASSIGN) and "owner" in request.form and owner != known.owner:
            written += mending.assign(self._desk.gateway, wanted, owner, by)
        if "note" in request.form and note != known.note:
            written += mending.annotate(self._desk.gateway, wanted, note, by)
        return written

    def _wanted(self, asked: Mapping[str, str]) -> TaskFilter:
        operator: Operator = g.operator
        if operator.held.confined and not operator.department:  # the empty department would fit every row
            abort(403, "您的账号没有写明科室，看不到待办：请管理员运行 gateway user role 补上科室")
        kind = asked.get("kind", "")
        return TaskFilter(
            dataset=asked.get("dataset", ""),
            department=operator.department if operator.held.confined else asked.get("department", ""),
            owner=asked.get("owner", ""),
            kind=TaskKind(kind) if kind in set(TaskKind) else None,
            due_within=_DUE.get(asked.get("due", "")),
        )

    def _fold(self, row: LocalRow) -> str:
        return folded(self._desk.gateway.store.keyring, {"source": row.source, "dataset": row.dataset, "ref": row.ref})

    def _row(self, address: str) -> LocalRow:
        """404 of an address that was not made here."""
        found = unfolded(self._desk.gateway.store.keyring, address)
        if set(found) != {"source", "dataset", "ref"}:
            abort(404, "没有这个地址")
        return LocalRow(**found)


def _place(row: LocalRow) -> tuple[str, str, str]:
    return row.source, row.dataset, row.ref
