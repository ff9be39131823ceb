"""Where rows come from: a database, a service or a folder, by whose profile they are read, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy.engine import URL

from gateway.config.institutions import Institution
from gateway.config.places import address_of, ca_file, database_url, path_of, reachable
from gateway.config.schedule import hours_of
from gateway.config.targets import Target
from gateway.kindness import Limits
from gateway.model import Service
from schemas.wire import SHANGHAI
from schemas.yamlfile import Section

#: where the rows of a source are
_PLACES = ("url", "service", "inbox")


@dataclass(frozen=True, slots=True)
class Source:
    """A local database and the profile that reads it."""

    name: str
    profile: str  #: built-in, e.g. his/openhis, or a folder
    folder: Path  #: where a relative profile counts from
    url: URL | None  #: of a database; else there is a service or an inbox
    institution: str
    datasets: tuple[str, ...]  #: empty: all of the profile
    constants: Mapping[str, str]
    catalogues: Mapping[str, Path]  #: by the column that finds a row; "": of a profile that has just one
    targets: tuple[str, ...]
    page_size: int
    statement_timeout: int  #: seconds
    others: tuple[str, ...]  #: further institutions whose rows it holds; the rows say whose they are
    institution_codes: Mapping[str, str]  #: what the rows say, where that is no institution's code -> its code
    since: datetime | None  #: business time before it is not reported
    until: datetime | None  #: nor business time from here on
    password_from: str  #: the file or the environment variable that the password is in; "": there is none
    service: Service | None = None
    inbox: Path | None = None  #: folder into which files are dropped
    archive_days: int = 60  #: how long files that were taken in are kept
    encoding: str = ""  #: of texts that the database believes to be latin1
    oracle_client: Path | None = None  #: folder of Oracle's own client
    accept_writable: str = ""  #: why its account may be one that can write; "": it may not
    limits: Limits = field(default_factory=Limits)  #: how gently it is read

    @property
    def institutions(self) -> tuple[str, ...]:
        """Everyone whose rows it reports."""
        return (self.institution, *self.others)


def source(section: Section, institutions: Mapping[str, Institution], targets: Mapping[str, Target]) -> Source:
    section.known(
        *("name", "profile", "url", "password", "institution", "datasets", "constants", "catalogue", "targets"),
        *("page_size", "statement_timeout", "institutions", "institution_codes", "since", "until", *_PLACES[1:], "archive_days"),
        *("encoding", "oracle_client", "accept_writable", "load"),
    )
    since, last = _day(section, "since"), _day(section, "until")
    if since and last and last < since:
        raise section.error("不能早于 since", "until")
    constants, codes = section.optional("constants"), section.optional("institution_codes")
    own = _one_of(section, "institution", section.need("institution", str), institutions)
    local = {each: _one_of(codes, each, codes.need(each, str), institutions) for each in codes.data} if codes else {}
    named = _others(section, institutions)
    return Source(
        name=section.need("name", str),
        profile=section.need("profile", str),
        folder=section.file.parent,
        url=_database(section) if _place(section) == "url" else None,
        institution=own,
        datasets=section.texts("datasets"),
        constants={key: constants.need(key, str) for key in constants.data} if constants else {},
        catalogues=_catalogues(section),
        targets=tuple(_one_of(section, "targets", name, targets) for name in section.texts("targets") or tuple(targets)),
        page_size=section.at_least("page_size", 1, 500),
        statement_timeout=section.at_least("statement_timeout", 1, 30),
        others=tuple(code for code in dict.fromkeys((*named, *local.values())) if code != own),
        institution_codes=local,
        since=since,
        until=last + timedelta(days=1) if last else None,
        password_from=_password_from(section),
        service=_service(section.section("service")) if _place(section) == "service" else None,
        inbox=path_of(section, "inbox"),
        archive_days=section.at_least("archive_days", 1, 60),
        encoding=section.text("encoding"),
        oracle_client=path_of(section, "oracle_client"),
        accept_writable=section.text("accept_writable"),
        limits=_limits(section.optional("load")),
    )


def _limits(section: Section | None) -> Limits:
    if section is None:
        return Limits()
    section.known("hot_rows", "warm_rows", "cold_rows", "off_peak", "slower")
    return Limits(
        hot_rows=section.at_least("hot_rows", 0, 0),
        warm_rows=section.at_least("warm_rows", 0, 0),
        cold_rows=section.at_least("cold_rows", 0, 0),
        off_peak=hours_of(section, "off_peak"),
        slower=section.at_least("slower", 0, 3),
    )


def _place(section: Section) -> str:
    """Under which key it stands where the rows are: exactly one."""
    named = [key for key in _PLACES if section.data.get(key) is not None]
    if len(named) != 1:
        raise section.error("url（数据库）、service（SOAP、REST 服务）、inbox（投放文件的文件夹）须且只须写一个")
    return named[0]


def _service(section: Section) -> Service:
    section.known("url", "user", "password", "token", "ca_file", "connect_timeout", "read_timeout", "rate", "allow_plain_http")
    return Service(
        url=reachable(section, "url", section.need("url", str)),
        user=section.text("user"),
        password=section.secret("password") if "password" in section.data else "",
        token=section.secret("token") if "token" in section.data else "",
        ca_file=ca_file(section),
        connect_timeout=float(section.at_least("connect_timeout", 1, 10)),
        read_timeout=float(section.at_least("read_timeout", 1, 30)),
        rate=section.at_least("rate", 0, 0),
    )


def _catalogues(section: Section) -> dict[str, Path]:
    """One file, or several by the column that finds a row."""
    if not isinstance(section.data.get("catalogue"), dict):
        single = path_of(section, "catalogue")
        return {"": single} if single else {}
    named = section.section("catalogue")
    return {key: section.file.parent / named.need(key, str) for key in named.data}


def _others(section: Section, institutions: Mapping[str, Institution]) -> tuple[str, ...]:
    """Further institutions whose rows a source holds: some, or `all` that are configured."""
    if section.data.get("institutions") == "all":
        return tuple(institutions)
    return tuple(_one_of(section, "institutions", code, institutions) for code in section.texts("institutions"))


def _one_of(section: Section, key: str, name: str, known: Mapping[str, object]) -> str:
    if name not in known:
        raise section.error(f"{name} 没有定义，已定义的有：{'、'.join(known) or '无'}", key)
    return name


def _day(section: Section, key: str) -> datetime | None:
    """The midnight at which a day begins in Shanghai; None if none is named."""
    text = section.text(key)
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), SHANGHAI)
    except ValueError:
        raise section.error('应为加引号的日期，例："2026-01-01"', key) from None


def _database(section: Section) -> URL:
    """The source's address; its password comes from a file or the environment, never from this file."""
    url = database_url(section, address_of(section))
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(section.file.parent / url.database))
    return url.set(password=section.secret("password")) if "password" in section.data else url


def address_in(path: Path) -> URL:
    """The database's address that stands in a file of its own, password and all. ConfigError never shows it."""
    section = Section({"url": {"file": path.name}}, path)
    return _database(section)


def _password_from(section: Section) -> str:
    """Where the source's password is taken from, alone or with the whole address."""
    return next((section.origin(key) for key in ("password", "url") if isinstance(section.data.get(key), dict)), "")
