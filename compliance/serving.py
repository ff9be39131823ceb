"""Configuration -> running service, without the command line: what `main`, the demo and tests start the bureau with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Self

from flask import Flask

from compliance import board as boards
from compliance import reporting, thresholds
from compliance.authentication import Authenticator
from compliance.board import Asked, BoardReport
from compliance.config import Config
from compliance.coverage import CoverageReport
from compliance.credentials import Keyring
from compliance.errors import ComplianceError, ConfigError
from compliance.holdings import Holdings
from compliance.http import Exchange, create_app
from compliance.receiving import Receiver
from compliance.store import database
from compliance.store.archive import StoredArchive
from compliance.store.beats import StoredBeats
from compliance.store.database import Database
from compliance.store.holdings import StoredShelf
from compliance.store.nonces import StoredNonces
from compliance.store.roll import StoredRoll
from compliance.store.standing import StoredStanding
from compliance.store.watch import StoredWatch
from jobs import listening
from jobs.listening import ListeningError
from schemas import lint, overlay
from schemas.errors import SpecError
from schemas.model import Edition
from schemas.wire import SHANGHAI

#: beyond this many times the edition's body limit the connection is cut before the application can answer
_HARD_LIMIT = 16


def now() -> datetime:
    """The real clock."""
    return datetime.now(SHANGHAI)


def edition_of(config: Config) -> Edition:
    """The edition this bureau works by. ConfigError if its files are wrong."""
    try:
        edition = overlay.load(config.edition)
    except SpecError as error:
        raise ConfigError(f"接口规范有误：{error}") from None
    if found := lint.told(edition):
        raise ConfigError(found, file=str(config.edition), key="edition")
    return edition


def build(config: Config, clock: Callable[[], datetime] = now) -> Flask:
    """The bureau's application. The store must have been created (`compliance init`, or `Database.create`)."""
    edition = edition_of(config)
    store = database.connect(config.store)
    store.check()
    authenticator = Authenticator(Keyring(config.credentials), StoredNonces(store), config.tolerance)
    return create_app(
        exchange=Exchange(authenticator, edition, config.admdvs, clock),
        receiver=Receiver(edition, StoredArchive(store), config.fencing),
        held=Holdings(edition, StoredShelf(store)),
        alive=store.check,
        body_limit=edition.body_limit,
        callers=config.monitoring,
    )


def coverage(config: Config, store: Database, as_of: datetime) -> CoverageReport:
    """The coverage report of this bureau as of a cut-off."""
    return reporting.coverage(
        edition_of(config),
        StoredRoll(store),
        StoredStanding(store),
        credentialed=Keyring(config.credentials).institutions(),
        district=config.district,
        as_of=as_of,
    )


def board(config: Config, store: Database, asked: Asked, institution: str = "") -> BoardReport:
    """The board of this bureau, or of one institution. ComplianceError if there is none of that code."""
    credentialed = Keyring(config.credentials).institutions()
    known = StoredRoll(store).institutions()
    listed = reporting.listed(known, {*credentialed, *StoredBeats(store).institutions()})
    chosen = tuple(each for each in listed if institution in {"", each.code})
    if not chosen:
        raise ComplianceError(f"没有编码为 {institution} 的机构，请用 compliance roster code 绑定")
    return boards.report(edition_of(config), chosen, StoredWatch(store), thresholds.shipped(), asked, config.district)


class Server(listening.Server):
    """Runs the bureau's application, from `with` to its end. Port 0 takes a free one. ComplianceError if it cannot."""

    def __init__(self, app: Flask, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(app, host, port, body_limit=_HARD_LIMIT * (app.config["MAX_CONTENT_LENGTH"] or 1 << 22))

    def __enter__(self) -> Self:
        try:
            return super().__enter__()
        except ListeningError as error:
            raise ComplianceError(str(error)) from None
