"""Tie configuration, adapters, store and platform together. Entry points use it; nothing else knows all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from adapters import profile, unfinished
from adapters.profile import Site
from adapters.watching import Watch as RowWatch
from gateway import skew
from gateway.bureau.client import Account, BureauClient, Endpoint
from gateway.calls import Call, Watch, log
from gateway.config import Config, Source, Target
from gateway.deadlines import Closure
from gateway.errors import ConfigError
from gateway.kindness import Kindness, now
from gateway.model import Tally
from gateway.observing import Observations
from gateway.ports import SweptSource
from gateway.standing import Route
from gateway.store import Store, open_store
from gateway.telling import tell
from gateway.tiers import Reader
from gateway.uploading import Delivery, upload
from gateway.windows import Gate
from schemas import lint, overlay
from schemas.envelope import Sender
from schemas.model import Edition

#: a lease outlives the whole HTTP exchange by this much
_LEASE_MARGIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Feed:
    """One data set of one source, with where it goes."""

    source: SweptSource
    targets: tuple[str, ...]
    page_size: int
    kindness: Kindness = field(default_factory=Kindness)  #: of its source, all of whose data sets share it


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway ready to work."""

    config: Config
    edition: Edition
    store: Store
    feeds: tuple[Feed, ...]
    clients: dict[str, BureauClient]
    clock: Callable[[], datetime]
    gates: dict[str, Gate]
    seen: Observations = field(default_factory=Observations)  #: by this process

    def read(self, feed: Feed, *, from_start: bool = False, stop: Callable[[], bool] = lambda: False) -> Tally:
        """Take in what is new of one feed, until `stop` says so: StoppedError."""
        tally = self.reader(feed, stop).hot(from_start=from_start)
        self.seen.read(feed.source.name, feed.source.dataset, tally, self.clock())
        return tally

    def reader(self, feed: Feed, stop: Callable[[], bool] = lambda: False) -> Reader:
        """Reads one feed in every tier."""
        parts = (feed.source, self.edition, self.store, feed.targets, feed.page_size, self.config.tiers, self.clock, stop)
        return Reader(*parts, self.closures, feed.kindness)

    def send(
        self, target: str, progress: Callable[[int], None] = lambda done: None, stop: Callable[[], bool] = lambda: False
    ) -> Delivery:
        """Deliver what is due for one target, until `stop` says so."""
        settings = self.config.targets[target]
        lease = timedelta(seconds=settings.connect_timeout + settings.read_timeout) + _LEASE_MARGIN
        client = self.clients[target]
        gate = self.gates[target]
        delivery = upload(self.store, client, target, clock=self.clock, lease=lease, progress=progress, stop=stop, gate=gate)
        self.store.note_clock(target, client.heard(), self.clock())
        return delivery

    def gate_lines(self) -> list[str]:
        """A sentence for every platform that may not be called just as we like."""
        found = ((name, gate.allowance, gate.closed()) for name, gate in self.gates.items())
        return [cause or f"平台 {name} {allowance}，现在可以调用" for name, allowance, cause in found if str(allowance)]

    def clock_lines(self) -> list[str]:
        """A sentence for every platform whose clock is far from ours."""
        found = ((target, self.store.platform_clock(target)) for target in self.clients)
        return [skew.sentence(target, clock) for target, clock in found if clock and clock.off]

    @property
    def closures(self) -> dict[str, Closure]:
        """When each institution is closed."""
        return {code: each.closed for code, each in self.config.institutions.items()}

    def datasets_of(self, institution: str) -> tuple[str, ...]:
        """What is reported of an institution; () of one that nothing is read of."""
        sources = {source.name for source in self.config.sources if institution in source.institutions}
        return tuple(dict.fromkeys(feed.source.dataset for feed in self.feeds if feed.source.name in sources))

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every data set of every source to every target."""
        return tuple(Route(feed.source.name, feed.source.dataset, target) for feed in self.feeds for target in feed.targets)


def edition_of(config: Config) -> Edition:
    """The edition the site is configured for. ConfigError if its files do not fit each other: no record could be judged by it."""
    edition = overlay.load(config.edition)
    if found := lint.told(edition):
        raise ConfigError(found, file=str(config.edition), key="edition")
    return edition


def feeds_of(
    config: Config, edition: Edition, watch: RowWatch | None = None, clock: Callable[[], datetime] = now
) -> tuple[Feed, ...]:
    """Open every source's data sets; nothing is connected yet. SpecError or ConfigError if a profile is wrong.

    `watch` is shown every row as it is read, beside what became of it.
    """
    return tuple(feed for source in config.sources for feed in _feeds(source, edition, watch, Kindness(source.limits, clock)))


def unfinished_of(config: Config, edition: Edition, only: str | None = None) -> list[str]:
    """What a person has still to say in the profiles that were drafted; [] if nothing may hold up reporting."""
    sources = (source for source in config.sources if only in (None, source.name))
    return list(dict.fromkeys(sentence for source in sources for sentence in _unfinished(source, edition)))


def _unfinished(source: Source, edition: Edition) -> Iterator[str]:
    made = profile.load(_folder(source))
    yield from unfinished.sentences(made, [profile.mapping(made, code, edition) for code in source.datasets or made.mappings])


def _refuse_unfinished(config: Config, edition: Edition) -> None:
    """A draft that nobody has looked at would report whatever a program took for right."""
    if found := unfinished_of(config, edition):
        raise ConfigError("；".join(found) + "。草稿只能 check 和 preview，不能报送")


@contextmanager
def opened(config: Config, clock: Callable[[], datetime]) -> Iterator[Gateway]:
    """A working gateway, closed at the end."""
    edition = edition_of(config)
    feeds = feeds_of(config, edition, clock=clock)
    _refuse_unfinished(config, edition)
    store = open_store(config.store_url, edition, clock(), config.storage.key, config.storage.disk_floor)
    tell(store.news)
    gates = {name: Gate(name, target.allowance, store, clock) for name, target in config.targets.items()}
    seen = Observations()

    def watch(call: Call) -> None:
        log(call)
        seen.called(call, clock())

    clients = {name: _client(config, target, edition, clock, gates[name], watch) for name, target in config.targets.items()}
    try:
        yield Gateway(config, edition, store, feeds, clients, clock, gates, seen)
    finally:
        for client in clients.values():
            client.close()
        store.close()


def _feeds(source: Source, edition: Edition, watch: RowWatch | None, kindness: Kindness) -> Iterator[Feed]:
    site = Site(
        name=source.name,
        url=source.url,
        institution=source.institution,
        constants=source.constants,
        catalogues=source.catalogues,
        datasets=source.datasets,
        statement_timeout=source.statement_timeout,
        since=source.since,
        until=source.until,
        others=source.others,
        institution_codes=source.institution_codes,
        password_from=source.password_from,
        service=source.service,
        inbox=source.inbox,
        archive_days=source.archive_days,
        encoding=source.encoding,
        oracle_client=source.oracle_client,
    )
    for opened_source in profile.open_sources(profile.load(_folder(source)), site, edition, watch):
        yield Feed(opened_source, source.targets, source.page_size, kindness)


def _folder(source: Source) -> str | Path:
    """A built-in profile by its name, else a folder that counts from the configuration's own."""
    return source.profile if source.profile in profile.discover() else source.folder / source.profile


def _client(
    config: Config, target: Target, edition: Edition, clock: Callable[[], datetime], gate: Gate, watch: Watch
) -> BureauClient:
    accounts = {
        code: Account(
            Sender(code, config.institutions[code].name, config.institutions[code].admvs, target.recer_sys_code), credential
        )
        for code, credential in target.credentials.items()
    }
    endpoint = Endpoint(target.name, target.url, target.connect_timeout, target.read_timeout, target.ca_file, target.query_url)
    return BureauClient(endpoint, accounts, edition, clock, gate.admit, watch)
