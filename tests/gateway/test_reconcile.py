"""Unknown outcomes settled by asking, and a restored ledger healed from the platform, on three databases."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.delivery import INSTITUTION, START, Clock, Platform, Rows, prescription

from gateway.errors import NotAdmittedError, NotDeliveredError, OutcomeUnknownError, RefusedError
from gateway.hindrance import Hindrance
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import GRACE, PERSON_WITHIN, State
from gateway.reconcile import Audit, Claim, Mend, audit, mend
from gateway.standing import Extent, Resent, Route
from gateway.store import Store, open_store, turns
from gateway.uploading import upload
from schemas.envelope import Result, Status
from schemas.holdings import Fate, Holding
from schemas.model import Edition, Replay, Violation

LEASE = timedelta(seconds=120)
KEY = "RX00001|1"


@dataclass
class Keeper(Platform):
    """A platform that answers queries and judges versions as ours does."""

    answers_queries: bool = True
    drop: int = 0  #: so many replies are lost after the records were taken
    cut: int = 0  #: so many requests are lost before
    turned_back: dict[tuple[str, int], tuple[str, tuple[Violation, ...]]] = field(default_factory=dict)

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        if self.cut:
            self.cut -= 1
            raise OutcomeUnknownError("没有应答")
        results = super().deliver(institution, dataset, msgid, bodies)
        if self.drop:
            self.drop -= 1
            raise OutcomeUnknownError("没有应答")
        return results

    def _hold(self, record: dict[str, Any], body: bytes) -> Result:
        place = (record["key"], int(record["version"]))
        newest = max((version for key, version in self.held if key == place[0]), default=0)
        held = self.held.setdefault(place, body)
        if orjson.loads(held)["content_hash"] != record["content_hash"]:
            return Result(*place, Status.CONFLICT, held_version=newest)
        return Result(*place, Status.ACCEPTED, held_version=newest if newest > place[1] else 0)

    def _holding(self, asked: Any) -> Holding:
        found = super()._holding(asked)
        digest, reasons = self.turned_back.get((asked.key, asked.version), ("", ()))
        if not reasons or found.fate is Fate.ACCEPTED:
            return found
        return Holding(asked.key, asked_version=asked.version, fate=Fate.REJECTED, asked_hash=digest, reasons=reasons)

    def shows(self) -> dict[str, str]:
        """key -> what its newest version says of the count."""
        newest: dict[str, int] = {}
        for key, version in self.held:
            newest[key] = max(version, newest.get(key, 0))
        return {key: orjson.loads(self.held[key, version])["cnt"] for key, version in newest.items()}


@dataclass
class Desk:
    """The two use cases over one store."""

    store: Store
    edition: Edition
    clock: Clock
    platform: Any
    targets: tuple[str, ...] = ("bureau",)

    def take_in(self, *rows: Any, from_start: bool = False) -> Any:
        judge = Judge(self.edition, "RX01", self.store.rid)
        source = Rows(list(rows))
        return accept(source, judge, self.store, targets=self.targets, clock=self.clock, page_size=100, from_start=from_start)

    def send(self, target: str = "bureau", platform: Any = None) -> Any:
        return upload(self.store, platform or self.platform, target, clock=self.clock, lease=LEASE)

    def after_the_grace(self) -> Any:
        self.clock.move(GRACE.total_seconds() + 1)
        return self.send()

    def states(self, target: str = "bureau") -> dict[State, int]:
        (found,) = self.store.standings([Route("his", "RX01", target)])
        assert found.balanced
        return dict(found.states)

    def version(self, key: str = KEY) -> int:
        return self.store.ledger(INSTITUTION, "RX01", [key])[key].version


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock, Keeper())


@pytest.fixture
def box(tmp_path: Path, edition: Edition, clock: Clock) -> Iterator[Desk]:
    """A store in a SQLite file, which can be put back to what it was."""
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", edition, START)
    desk = Desk(store, edition, clock, Keeper())
    yield desk
    desk.store.close()


def put_back(box: Desk, path: Path, copy: Path) -> None:
    """The operator restores an old file and starts the gateway again."""
    box.store.close()
    for leftover in path.parent.glob("gateway.db-*"):
        leftover.unlink()
    shutil.copy(copy, path)
    box.store = open_store(f"sqlite:///{path}", box.edition, START)


def saved(box: Desk, folder: Path) -> Path:
    """A copy of the file as a backup of a stopped gateway would be."""
    box.store.close()
    copy = folder / "saved.db"
    shutil.copy(folder / "gateway.db", copy)
    box.store = open_store(f"sqlite:///{folder / 'gateway.db'}", box.edition, START)
    return copy


HELD = Holding(KEY, 3, "sha256:c")


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (Claim(3, "sha256:c", 3), Mend.ACCEPTED),
        (Claim(2, "sha256:c", 2), Mend.ACCEPTED),
        (Claim(2, "sha256:x", 2), Mend.NEXT),
        (Claim(3, "sha256:x", 3), Mend.NEXT),
        (Claim(3, "sha256:x", 2), Mend.NEXT),
        (Claim(4, "sha256:x", 4), Mend.AGAIN),
        (Claim(4, "sha256:c", 4), Mend.AGAIN),
        (Claim(4, "sha256:x", 2), Mend.SUPERSEDED),
    ],
)
def test_a_conflict_is_mended_by_the_newest_version_on_either_side(claim: Claim, expected: Mend) -> None:
    assert mend(claim, HELD) is expected


def test_a_reply_lost_after_the_record_was_taken_is_settled_by_asking_without_sending_again(desk: Desk) -> None:
    desk.platform.drop = 1
    desk.take_in(prescription(1), prescription(2))
    desk.send()
    assert desk.states() == {State.UNKNOWN: 2}
    desk.after_the_grace()
    assert desk.states() == {State.ACCEPTED: 2}
    assert len(desk.platform.requests) == 1
    (question,) = desk.platform.asked
    assert {(asked.key, asked.version) for asked in question.asked} == {(KEY, 1), ("RX00002|1", 1)}


def test_a_request_lost_on_its_way_is_sent_again_under_the_same_version(desk: Desk) -> None:
    desk.platform.cut = 1
    desk.take_in(prescription(1))
    desk.send()
    desk.after_the_grace()
    assert desk.states() == {State.ACCEPTED: 1}
    assert list(desk.platform.held) == [(KEY, 1)]


def test_nothing_is_asked_before_the_grace_is_over(desk: Desk) -> None:
    desk.platform.drop = 1
    desk.take_in(prescription(1))
    desk.send()
    desk.send()
    assert desk.platform.asked == []


def test_a_rejection_whose_reply_was_lost_keeps_the_platforms_reasons(desk: Desk) -> None:
    desk.platform.cut = 1
    desk.take_in(prescription(1))
    desk.send()
    digest = desk.store.ledger(INSTITUTION, "RX01", [KEY])[KEY].content_hash
    desk.platform.turned_back[KEY, 1] = (digest, (Violation("cnt", "stock", "数量（cnt）超过库存"),))
    desk.after_the_grace()
    assert desk.states() == {State.REJECTED: 1}
    assert [told.reason for told in desk.store.grievances()] == ["数量（cnt）超过库存"]


def test_a_rejection_of_other_content_does_not_reject_this_one(desk: Desk) -> None:
    desk.platform.cut = 1
    desk.take_in(prescription(1))
    desk.send()
    desk.platform.turned_back[KEY, 1] = ("sha256:other", (Violation("cnt", "stock", "数量（cnt）超过库存"),))
    desk.after_the_grace()
    assert desk.states() == {State.ACCEPTED: 1}


@pytest.mark.parametrize(
    "trouble",
    [
        NotDeliveredError("连不上"),
        OutcomeUnknownError("没有应答"),
        RefusedError("没有这个地址"),
        NotAdmittedError("密钥"),
    ],
)
def test_a_platform_that_cannot_be_asked_leaves_the_outcome_unknown_and_is_asked_later(desk: Desk, trouble: Exception) -> None:
    desk.platform.drop, desk.platform.away = 1, trouble
    desk.take_in(prescription(1))
    desk.send()
    desk.after_the_grace()
    assert desk.states() == {State.UNKNOWN: 1}
    assert "查询平台没有成功" in next(iter(desk.store.queue("bureau").causes))
    desk.send()
    assert len(desk.platform.asked) == 1, "it is not asked again at once"
    desk.platform.away = None
    desk.clock.move(3600)
    desk.send()
    assert desk.states() == {State.ACCEPTED: 1}
    assert len(desk.platform.requests) == 1


def test_an_answer_that_leaves_a_record_out_proves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from schemas.holdings import Answer

    monkeypatch.setattr(Keeper, "holdings", lambda *_: Answer(()))
    desk.platform.drop = 1
    desk.take_in(prescription(1))
    desk.send()
    desk.after_the_grace()
    assert desk.states() == {State.UNKNOWN: 1}
    assert len(desk.platform.requests) == 1


def test_a_newer_version_goes_once_the_older_ones_fate_is_known(desk: Desk) -> None:
    desk.platform.drop = 1
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(prescription(1, cursor=2, cnt=Decimal(9)))
    assert desk.states() == {State.HELD: 1}
    desk.after_the_grace()
    assert [version for _, version in desk.platform.held] == [1, 2]
    assert desk.states() == {State.ACCEPTED: 1}


class TakesBack(Keeper):
    """Answers no query, but takes records back; `refusal` is what it says instead."""

    answers_queries = False
    refusal: Exception | None = None

    def __init__(self) -> None:
        super().__init__(answers_queries=False)
        self.taken_back: list[str] = []

    def withdraws(self, dataset: str) -> bool:
        return dataset == "RX01"

    def withdraw(self, institution: str, dataset: str, body: bytes) -> None:
        if self.refusal:
            raise self.refusal
        record = orjson.loads(body)
        self.taken_back.append(record["key"])
        self.held.pop((record["key"], int(record["version"])), None)


@pytest.fixture
def replaying(tmp_path: Path, edition: Edition, clock: Clock) -> Iterator[Any]:
    """A desk whose RX01 has the replay that the test names."""
    from dataclasses import replace

    opened: list[Store] = []

    def made(replay: Replay, platform: Keeper) -> Desk:
        changed = replace(edition, datasets={**edition.datasets, "RX01": replace(edition.datasets["RX01"], replay=replay)})
        opened.append(open_store(f"sqlite:///{tmp_path / 'replay.db'}", changed, START))
        return Desk(opened[-1], changed, clock, platform)

    yield made
    for store in opened:
        store.close()


def test_without_a_query_a_record_is_taken_back_before_it_is_sent_again(replaying: Any) -> None:
    desk = replaying(Replay.DELETE_AND_RESEND, TakesBack())
    desk.platform.drop = 1
    desk.take_in(prescription(1))
    desk.send()
    desk.after_the_grace()
    assert desk.platform.taken_back == [KEY]
    assert len(desk.platform.requests) == 2
    assert desk.states() == {State.ACCEPTED: 1}


def test_a_withdrawal_that_is_refused_is_not_followed_by_a_resend(replaying: Any) -> None:
    desk = replaying(Replay.DELETE_AND_RESEND, TakesBack())
    desk.platform.drop, desk.platform.refusal = 1, RefusedError("没有可删除的数据")
    desk.take_in(prescription(1))
    desk.send()
    desk.after_the_grace()
    assert desk.states() == {State.UNKNOWN: 1}
    assert len(desk.platform.requests) == 1
    assert "到平台核实" in next(iter(desk.store.queue("bureau").causes))


@pytest.mark.parametrize("replay", [Replay.PERSON, Replay.QUERY, Replay.DELETE_AND_RESEND])
def test_without_query_or_withdrawal_it_is_a_persons_and_never_resent(replaying: Any, replay: Replay) -> None:
    desk = replaying(replay, Keeper(answers_queries=False))
    desk.platform.drop = 1
    desk.take_in(prescription(1))
    desk.send()
    for _ in range(3):
        desk.after_the_grace()
    assert len(desk.platform.requests) == 1
    assert desk.states() == {State.UNKNOWN: 1}


def test_a_persons_case_is_settled_by_itself_once_the_platform_answers_queries(replaying: Any) -> None:
    desk = replaying(Replay.PERSON, Keeper(answers_queries=False))
    desk.platform.drop = 1
    desk.take_in(prescription(1))
    desk.send()
    desk.after_the_grace()
    desk.platform.answers_queries = True
    desk.clock.move(PERSON_WITHIN.total_seconds())
    desk.send()
    assert desk.states() == {State.ACCEPTED: 1}
    assert len(desk.platform.requests) == 1


def forget(desk: Desk, *counts: int) -> None:
    """The platform has seen versions that our ledger knows nothing of."""
    twin = Judge(desk.edition, "RX01", "before")
    for version, count in enumerate(counts, start=1):
        record = {**twin.judge(prescription(1, cnt=Decimal(count)), START).record, "version": str(version)}
        desk.platform.held[KEY, version] = orjson.dumps(record)


def test_a_conflict_goes_out_as_the_version_after_the_platforms_newest(desk: Desk) -> None:
    forget(desk, 5, 6, 7)
    desk.take_in(prescription(1, cnt=Decimal(9)))
    assert desk.send().states == {State.ACCEPTED: 1}
    assert desk.platform.shows() == {KEY: "9"}
    assert sorted(version for _, version in desk.platform.held) == [1, 2, 3, 4]
    sent = orjson.loads(desk.platform.held[KEY, 4])
    assert (sent["version"], sent["rid"], desk.version()) == ("4", desk.store.rid, 4)
    assert desk.states() == {State.ACCEPTED: 1}


def test_content_that_the_platform_already_shows_is_accepted_under_its_number(desk: Desk) -> None:
    forget(desk, 5, 6, 9)
    desk.take_in(prescription(1, cnt=Decimal(9)))
    assert desk.send().states == {}
    assert (desk.version(), desk.states()) == (3, {State.ACCEPTED: 1})
    assert len(desk.platform.requests) == 1
    assert sorted(version for _, version in desk.platform.held) == [1, 2, 3]


def test_a_version_taken_as_history_only_is_sent_again_on_top(desk: Desk) -> None:
    """The platform once showed this content as version 1 and shows something else now: a yes is not enough."""
    forget(desk, 9, 5)
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.send()
    assert desk.platform.shows() == {KEY: "9"}
    assert (desk.version(), desk.states()) == (3, {State.ACCEPTED: 1})


def test_after_a_conflict_the_next_edit_is_simply_the_next_version(desk: Desk) -> None:
    forget(desk, 5, 6)
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.send()
    desk.take_in(prescription(1, cursor=2, cnt=Decimal(10)))
    desk.send()
    assert (desk.version(), desk.platform.shows()) == (4, {KEY: "10"})


def test_an_edit_that_comes_while_the_platform_cannot_be_asked_waits_and_wins(desk: Desk) -> None:
    forget(desk, 5, 6)
    desk.platform.away = NotDeliveredError("连不上")
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.send()
    assert desk.states() == {State.CONFLICT: 1}
    desk.take_in(prescription(1, cursor=2, cnt=Decimal(10)))
    assert desk.states() == {State.HELD: 1}
    desk.platform.away = None
    desk.clock.move(600)
    desk.send()
    assert desk.platform.shows() == {KEY: "10"}
    assert desk.states() == {State.ACCEPTED: 1}
    assert "9" not in {orjson.loads(body)["cnt"] for body in desk.platform.held.values()}


def test_a_conflict_at_a_platform_that_answers_no_query_is_a_persons(desk: Desk) -> None:
    desk.platform.answers_queries = False
    forget(desk, 5, 6)
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.send()
    assert desk.states() == {State.REJECTED: 1}
    assert "须由人核实" in desk.store.grievances()[0].reason


def test_the_other_target_gets_the_new_number_too_and_both_end_alike(desk: Desk) -> None:
    desk.targets = ("bureau", "province")
    province = Keeper()
    forget(desk, 5, 6)
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.send("province", province)
    desk.send()
    desk.send("province", province)
    assert desk.platform.shows() == province.shows() == {KEY: "9"}
    assert desk.states("bureau") == desk.states("province") == {State.ACCEPTED: 1}


@pytest.mark.requirement("J-101")
def test_a_restored_store_with_hundreds_of_conflicts_heals_in_batches_and_then_rests(box: Desk, tmp_path: Path) -> None:
    numbers = range(1, 451)
    box.take_in(*(prescription(number) for number in numbers), from_start=True)
    box.send()
    copy = saved(box, tmp_path)
    for count in (3, 4, 5):  # versions 2 to 4, of which the copy knows nothing
        box.take_in(*(prescription(number, cnt=Decimal(count)) for number in numbers), from_start=True)
        box.send()
    put_back(box, tmp_path / "gateway.db", copy)
    # since: a third as the platform shows it, a third edited, a third back to an older content
    now = {number: (5, 8, 3)[number % 3] for number in numbers}
    rows = [prescription(number, cnt=Decimal(now[number])) for number in numbers]
    before = dict(box.platform.held)
    box.take_in(*rows, from_start=True)
    assert set(box.send().states) == {State.ACCEPTED}
    assert box.platform.shows() == {f"RX{number:05d}|1": str(count) for number, count in now.items()}
    assert {place: box.platform.held[place] for place in before} == before, "no number was used for other content"
    assert box.states() == {State.ACCEPTED: 450}
    assert len(box.platform.asked) <= 12
    quiet = (len(box.platform.requests), len(box.platform.asked))
    box.take_in(*rows, from_start=True)
    box.send()
    assert (len(box.platform.requests), len(box.platform.asked)) == quiet, "once healed, nothing is said twice"


def test_a_healing_that_two_workers_do_at_once_is_done_once(desk: Desk) -> None:
    forget(desk, 5, 6)
    desk.platform.away = NotDeliveredError("连不上")
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.send()
    desk.clock.move(600)
    (doubt,) = desk.store.doubts("bureau", State.CONFLICT, desk.clock(), 0)
    found = [(doubt, Holding(KEY, 2, "sha256:x"))]
    desk.store.rebuild("bureau", found, desk.clock())
    desk.store.rebuild("bureau", found, desk.clock())
    assert (desk.version(), desk.states()) == (3, {State.QUEUED: 1})


def test_another_target_that_was_not_sent_the_old_number_never_sees_it(desk: Desk) -> None:
    desk.targets = ("bureau", "province")
    province = Keeper()
    forget(desk, 5, 6)
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.send()
    desk.send("province", province)
    assert [version for _, version in province.held] == [3]
    assert desk.states("bureau") == desk.states("province") == {State.ACCEPTED: 1}


def back_to_its_old_self(box: Desk, tmp_path: Path) -> Any:
    """Edited after the copy was made, and edited back before the copy was put in place: the ledger calls it unchanged."""
    box.take_in(prescription(1), prescription(2), from_start=True)
    box.send()
    copy = saved(box, tmp_path)
    box.take_in(prescription(1, cnt=Decimal(5)), prescription(2), from_start=True)
    box.send()
    put_back(box, tmp_path / "gateway.db", copy)
    box.take_in(prescription(1), prescription(2), from_start=True)
    box.send()
    assert box.platform.shows()[KEY] == "5", "nothing was sent, so no conflict told of it"


def test_an_audit_finds_what_a_restored_ledger_wrongly_calls_unchanged(box: Desk, tmp_path: Path) -> None:
    back_to_its_old_self(box, tmp_path)
    assert audit(box.store, box.platform, "bureau", box.clock()) == Audit(2, 1, 0, ())
    assert box.states() == {State.CONFLICT: 1, State.ACCEPTED: 1}
    box.send()
    assert box.platform.shows() == {KEY: "2", "RX00002|1": "2"}
    assert box.states() == {State.ACCEPTED: 2}
    assert audit(box.store, box.platform, "bureau", box.clock()) == Audit(2, 0, 0, ())


def test_what_was_shredded_is_taken_over_from_the_platform_and_sent_when_it_is_read_again(box: Desk, tmp_path: Path) -> None:
    back_to_its_old_self(box, tmp_path)
    box.store.shred(timedelta(), box.clock() + timedelta(seconds=1))
    audit(box.store, box.platform, "bureau", box.clock())
    box.send()
    assert (box.version(), box.states()) == (2, {State.ACCEPTED: 2})
    assert box.platform.shows()[KEY] == "5"
    box.take_in(prescription(1), prescription(2), from_start=True)
    box.send()
    assert (box.platform.shows()[KEY], box.version()) == ("2", 3)


def test_what_was_shredded_is_queued_for_no_other_target(desk: Desk) -> None:
    """An item without a body could never leave, and would stop everything behind it."""
    desk.targets = ("bureau", "province")
    province = Keeper()
    desk.take_in(prescription(1))
    desk.send()
    desk.send("province", province)
    desk.store.shred(timedelta(), desk.clock())
    forget(desk, 2, 5, 6)
    audit(desk.store, desk.platform, "bureau", desk.clock())
    desk.send()
    desk.take_in(prescription(2))
    desk.send("province", province)
    assert ("RX00002|1", 1) in province.held
    assert desk.states("province") == {State.ACCEPTED: 2}
    desk.take_in(prescription(1), prescription(2), from_start=True)
    desk.send()
    desk.send("province", province)
    assert desk.platform.shows()[KEY] == province.shows()[KEY] == "2"
    assert desk.states("bureau") == desk.states("province") == {State.ACCEPTED: 2}


def test_a_rebuild_and_an_edit_at_the_same_moment_never_put_a_number_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edit is compared with the ledger of before the rebuild: it must notice, and be the version after."""
    forget(desk, 5, 6, 7, 8)
    desk.platform.away = NotDeliveredError("连不上")
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.send()
    desk.clock.move(600)
    (doubt,) = desk.store.doubts("bureau", State.CONFLICT, desk.clock(), 0)
    renumbered, pass_on = threading.Event(), turns.pass_on

    def slow(*arguments: Any) -> None:
        renumbered.set()
        time.sleep(0.5)  # the edit comes now
        pass_on(*arguments)

    monkeypatch.setattr("gateway.store.ledger.turns.pass_on", slow)
    with ThreadPoolExecutor(1) as pool:
        rebuilding = pool.submit(desk.store.rebuild, "bureau", [(doubt, Holding(KEY, 4, "sha256:x"))], desk.clock())
        assert renumbered.wait(10)
        desk.take_in(prescription(1, cursor=2, cnt=Decimal(10)))
        rebuilding.result()
    monkeypatch.undo()
    assert (desk.version(), desk.states()) == (6, {State.QUEUED: 1})
    desk.platform.away = None
    desk.send()
    assert desk.platform.shows() == {KEY: "10"}


def test_an_audit_tells_what_the_platform_lost_and_whom_it_could_not_ask(desk: Desk) -> None:
    desk.take_in(prescription(1), prescription(2))
    desk.send()
    del desk.platform.held[KEY, 1]
    assert audit(desk.store, desk.platform, "bureau", desk.clock()) == Audit(2, 0, 1, ())
    desk.platform.away = NotDeliveredError("连不上")
    found = audit(desk.store, desk.platform, "bureau", desk.clock())
    assert (found.asked, found.failures) == (2, ("查询平台没有成功：连不上",))
    assert desk.states() == {State.ACCEPTED: 2}


def lose(desk: Desk, *keys: str) -> None:
    """Everything the platform had of these keys is gone."""
    for place in [place for place in desk.platform.held if place[0] in keys]:
        del desk.platform.held[place]


def settle(desk: Desk, **details: Any) -> Audit:
    return audit(desk.store, desk.platform, "bureau", desk.clock(), resend=True, **details)


def test_what_the_platform_lost_is_sent_again_once_under_the_same_version(desk: Desk) -> None:
    desk.take_in(prescription(1), prescription(2))
    desk.send()
    lose(desk, KEY)
    assert settle(desk) == Audit(2, 0, 1, (), Resent(queued=1))
    assert settle(desk).resent == Resent(), "what is on its way is not sent twice"
    assert desk.states() == {State.QUEUED: 1, State.ACCEPTED: 1}
    desk.platform.requests.clear()
    desk.send()
    assert desk.platform.requests == [[KEY]]
    assert sorted(desk.platform.held) == [(KEY, 1), ("RX00002|1", 1)]
    assert settle(desk) == Audit(2, 0, 0, ())


def test_the_newest_version_is_sent_again_where_the_platform_fell_back_to_an_older_one(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(prescription(1, cursor=2, cnt=Decimal(5)))
    desk.send()
    del desk.platform.held[KEY, 2]
    assert settle(desk).resent == Resent(queued=1)
    desk.send()
    assert desk.platform.shows() == {KEY: "5"}
    assert desk.version() == 2


def test_an_edit_that_comes_while_the_platform_is_asked_goes_instead_of_what_was_lost(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    lose(desk, KEY)
    (doubt,) = desk.store.settled("bureau", 0)
    desk.take_in(prescription(1, cursor=2, cnt=Decimal(5)))
    assert desk.store.resend([doubt], desk.clock()) == Resent()
    assert desk.states() == {State.QUEUED: 1}
    desk.send()
    assert sorted(desk.platform.held) == [(KEY, 2)]


def test_two_that_send_the_lost_again_at_once_queue_each_once(desk: Desk) -> None:
    rows = [prescription(number) for number in range(1, 31)]
    desk.take_in(*rows)
    desk.send()
    doubts = desk.store.settled("bureau", 0)
    desk.platform.held.clear()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: desk.store.resend(doubts, desk.clock()), range(2)))
    assert sum(each.queued for each in found) == 30
    desk.platform.requests.clear()
    desk.send()
    assert sorted(key for request in desk.platform.requests for key in request) == sorted(each.item.key for each in doubts)


def test_what_was_shredded_cannot_be_sent_again_and_is_told(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    desk.clock.move(86400 * 2)
    assert desk.store.shred(timedelta(days=1), desk.clock()) == 1
    lose(desk, KEY)
    assert settle(desk) == Audit(1, 0, 1, (), Resent(shredded=1))
    assert desk.states() == {State.ACCEPTED: 1}


def test_only_the_day_and_the_data_set_that_are_meant_are_asked_for(desk: Desk) -> None:
    desk.take_in(prescription(1), prescription(2, rx_time=START - timedelta(days=3)))
    desk.send()
    desk.platform.held.clear()
    day = (START - timedelta(hours=8), START + timedelta(hours=16))
    assert settle(desk, extent=Extent("HD03")).asked == 0
    assert settle(desk, extent=Extent("RX01", day)) == Audit(1, 0, 1, (), Resent(queued=1))
    assert settle(desk).asked == 1


def test_a_lost_record_that_is_late_by_that_is_charged_to_the_platform(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    lose(desk, KEY)
    desk.clock.move(86400)
    settle(desk)
    desk.clock.move(60)
    desk.send()
    (track,) = desk.store.tracks("bureau", START - timedelta(days=1), START + timedelta(days=1))
    assert [span.kind for span in track.history.own] == [Hindrance.LOST]
