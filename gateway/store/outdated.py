"""Queued by another edition than today's: held with a sentence, so that it stops neither its institution nor anybody else.

A row made by an older edition comes again as a new version once its source is read again, for its hash covers the edition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, or_, select, update

from gateway.outbox import Batch, State
from gateway.store import turns
from gateway.store.recall import recall
from gateway.store.tables import outbox
from schemas.model import Edition

#: why an item is held: today's edition has no such data set, or it was made by another edition
DATASET, EDITION = "dataset", "edition"
_NAMED = b'"edition":"'
_log = structlog.get_logger()


def hold_dataset(connection: Connection, edition: Edition, target: str, dataset: str) -> None:
    """Hold all that waits of a data set that today's edition does not know."""
    queued = (outbox.c.target == target, outbox.c.state == State.QUEUED, outbox.c.dataset == dataset)
    rows = connection.execute(update(outbox).where(*queued).values(_held(DATASET, _unknown(edition, dataset)))).rowcount
    _log.warning("held_without_dataset", target=target, infno=dataset, edition=edition.id, records=rows)


def let_go(connection: Connection, edition: Edition, target: str) -> bool:
    """Queue again what today's edition can send, as after going back to an edition; whether there was any."""
    here = (outbox.c.target == target, outbox.c.state == State.HELD)
    known = select(outbox.c.dataset).where(*here, outbox.c.hold == DATASET).distinct()
    back = [name for name in connection.execute(known).scalars() if name in edition.datasets]
    own = (outbox.c.hold == EDITION) & (outbox.c.cause == _made_by(edition.id))
    again = update(outbox).where(*here, or_(own, (outbox.c.hold == DATASET) & outbox.c.dataset.in_(back)))
    return connection.execute(again.values(state=State.QUEUED, hold="", cause="")).rowcount > 0


def parted(edition: Edition, batch: Batch) -> tuple[Batch, dict[int, str]]:
    """The batch without what names another edition than today's, and that: item -> edition.

    Looked for in the bytes: most are today's.
    """
    own = _NAMED + edition.id.encode() + b'"'
    pairs = zip(batch.items, batch.bodies, strict=True)
    other = {item.id: named for item, body in pairs if own not in body and (named := _other(edition, body))}
    if not other:
        return batch, other
    stays = [pair for pair in zip(batch.items, batch.bodies, strict=True) if pair[0].id not in other]
    return replace(batch, items=tuple(item for item, _ in stays), bodies=tuple(body for _, body in stays)), other


def hold(connection: Connection, batch: Batch, other: dict[int, str], now: datetime) -> None:
    """Take them out of their lease and hold them; one beside which a newer version waits is superseded by it."""
    mine = recall(connection, batch, other)
    turns.pass_on(connection, mine, now)
    for named, ids in _by_edition(other, mine).items():
        queued = (outbox.c.id.in_(ids), outbox.c.state == State.QUEUED)
        connection.execute(update(outbox).where(*queued).values(_held(EDITION, _made_by(named))))
        _log.warning("held_of_other_edition", edition=named, records=len(ids))


def _by_edition(other: dict[int, str], ids: Collection[int]) -> dict[str, Sequence[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for each in ids:
        found[other[each]].append(each)
    return dict(found)


def _other(edition: Edition, body: bytes) -> str:
    """The edition that a record names if it is not today's; "" otherwise."""
    if _NAMED not in body:
        return ""
    named = str(orjson.loads(body).get("edition", ""))
    return "" if named == edition.id else named


def _held(hold: str, cause: str) -> dict[str, Any]:
    return {"state": State.HELD, "hold": hold, "cause": cause}


def _unknown(edition: Edition, dataset: str) -> str:
    return f"规范 {edition.id} 没有数据集 {dataset}，不能报送；请核对配置里的 edition，改好后自动报送"


def _made_by(named: str) -> str:
    return f"按旧版规范（{named}）制作，等本地重读后作为新版再报"
