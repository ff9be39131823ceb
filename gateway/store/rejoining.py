"""What was halved because a platform was silent travels in whole batches again, once the platform answers.

Silence halves a batch lest one record that the platform breaks on takes the others along. A platform that answered nobody for
long says nothing of any record: one by one they would keep it busy for hours after a night. One that failed so often that it
must have travelled alone stays alone.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from gateway.outbox import GRACE, ISOLATED, LONGEST_WAIT, State
from gateway.store.tables import outbox

#: a shorter silence may be one record's doing: another is tried within that time
_LONG = LONGEST_WAIT


def rejoin(connection: Connection, target: str, silent_since: datetime, now: datetime) -> None:
    """A target is silent no more; `silent_since`: when the first failure was noted, after the batch had waited for its answer."""
    if now - silent_since < _LONG:
        return
    halved = (
        outbox.c.target == target,
        outbox.c.state.in_((State.QUEUED, State.HELD, State.UNKNOWN)),
        outbox.c.batch_cap > 0,
        outbox.c.attempts.between(1, ISOLATED - 1),
        outbox.c.sent_at >= silent_since - GRACE,
    )
    connection.execute(update(outbox).where(*halved).values(batch_cap=0))
