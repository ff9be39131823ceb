"""Rows set aside that were never sent, with what was mapped of them."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from sqlalchemy import Connection, select

from gateway.model import AsideState
from gateway.standing import Waiting
from gateway.store import sealing
from gateway.store.sealing import Keyring
from gateway.store.tables import aside, ledger


def waiting(connection: Connection, keyring: Keyring, source: str, dataset: str) -> Iterator[Waiting]:
    """Those that still have to be sent; what a rule leaves out is owed to nobody."""
    same_row = (ledger.c.source == aside.c.source, ledger.c.dataset == aside.c.dataset, ledger.c.ref == aside.c.ref)
    query = select(aside.c.ref, aside.c.institution, aside.c.first_seen, aside.c.content).where(
        aside.c.source == source,
        aside.c.dataset == dataset,
        aside.c.state.in_((AsideState.QUARANTINED, AsideState.NOT_READY)),
        ~select(ledger.c.ref).where(*same_row).exists(),
    )
    for ref, institution, first_seen, content in connection.execute(query.order_by(aside.c.ref)):
        mapped = orjson.loads(keyring.open(content, sealing.of_aside(source, dataset, ref)))
        yield Waiting(source, dataset, ref, institution, first_seen, mapped)
