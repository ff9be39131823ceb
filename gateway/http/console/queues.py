"""队列: what waits for each platform, why, and when it is tried again."""

from __future__ import annotations

from collections import Counter

from flask import abort, request
from flask.typing import ResponseReturnValue

from gateway.console import causes
from gateway.http.console.desk import Desk
from gateway.http.console.paper import done, page
from gateway.outbox import State


class Queues:
    """One part of the page for each target."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> ResponseReturnValue:
        """Counts and sentences; no row."""
        store, now, outlook = self._desk.gateway.store, self._desk.now(), self._desk.outlook()
        parts = []
        for queue in outlook.queues:
            tripped, awaited = store.tripped(queue.target), store.awaited(queue.target)
            states: Counter[State] = Counter()
            for each in outlook.standings:
                if each.route.target == queue.target:
                    states.update(each.states)
            parts.append((queue, states, causes(queue, awaited, tripped, now), bool(queue.waiting or tripped)))
        return page("queue", parts=parts, now=outlook.now)

    def resume(self) -> ResponseReturnValue:
        """The key, the address or the network is mended: nothing waits any longer."""
        target = request.form.get("target", "")
        if target not in self._desk.gateway.clients:
            abort(400, "没有这个目标")
        count = self._desk.gateway.store.resume(target)
        self._desk.changed()
        self._desk.taken()
        return done("queue", "resumed", count=count)
