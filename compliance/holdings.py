"""QY01: tell an institution what we hold of it, so that it can settle what it does not know (DATASETS §6).

Nothing is changed and nobody else's records are shown. Pure over `compliance.ports.Shelf`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta

from compliance.errors import ForeignInstitutionError, MessageRefusedError
from compliance.ports import Shelf
from schemas import envelope, holdings, wire
from schemas.errors import EnvelopeError
from schemas.holdings import CODE, Answer, Question
from schemas.model import Edition


class Holdings:
    """Answers the questions of authenticated senders."""

    def __init__(self, edition: Edition, shelf: Shelf) -> None:
        self._edition, self._shelf = edition, shelf

    def answer(self, allowed: Collection[str], body: bytes) -> Answer:
        """What is held of the institution that asks. MessageRefusedError if the question cannot be used or is another's."""
        institution, question = self._read(allowed, body)
        if question.business_date is None:
            return Answer(self._shelf.of_keys(institution, question.dataset, question.asked))
        most = self._edition.datasets[CODE].batch
        begin = datetime.combine(question.business_date, time(), wire.SHANGHAI)
        end = begin + timedelta(days=1)
        # one more than a page shows whether there is another
        found = self._shelf.between(institution, question.dataset, begin, end, question.after_key, most + 1)
        return Answer(found[:most], found[most - 1].key if len(found) > most else "")

    def _read(self, allowed: Collection[str], body: bytes) -> tuple[str, Question]:
        try:
            message = envelope.unwrap(self._edition, body)
            if envelope.dataset_of(self._edition, message.infno).code != CODE:
                raise EnvelopeError(f"交易 {message.infno} 不是查询，请发到报送地址")
            if message.fixmedins_code not in allowed:
                raise ForeignInstitutionError("报文头的 fixmedins_code 不是这把密钥所属的机构")
            return message.fixmedins_code, holdings.read_question(self._edition, message.records[0])
        except EnvelopeError as error:
            raise MessageRefusedError(str(error)) from None
