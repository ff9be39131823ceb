"""Read the site's configuration once; `main` hands the parts on. Unknown keys are errors; secrets are never literal."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway import oversight, rosterfile
from gateway.deadlines import NEVER, WEEKDAYS, Closure
from gateway.fingerprint import Tolerance
from gateway.kindness import Limits
from gateway.lookback import Bounds
from gateway.model import Service
from gateway.oversight import Alerts
from gateway.voiding import Guards
from gateway.windows import Allowance, Hours, hours
from schemas import address, callers, identity, logfile, overlay, yamlfile
from schemas.callers import Callers
from schemas.errors import SpecError
from schemas.logfile import LogFile
from schemas.signature import Credential, sendable
from schemas.wire import SHANGHAI
from schemas.yamlfile import Section

EXAMPLE = "config.example.yaml"
#: sections about reading again and withdrawing; all may be left out
_TIERS = ("tiers", "lookback", "void")
#: each of them is a reason to listen
_ROOMS = ("http", "push", "monitoring", "console")
_SECTIONS = ("store", "edition", "institutions", "targets", "sources", "schedule", *_ROOMS, *_TIERS, "log", "alerts")
_LISTEN = "127.0.0.1:8460"
#: 网络安全法 第二十一条（三）: logs are kept for six months at least
_ACCESS_DAYS = 180
_LAST_HOUR = 23
#: where the rows of a source are
_PLACES = ("url", "service", "inbox")
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Institution:
    """An institution this gateway serves."""

    code: str
    name: str
    admvs: str  #: 就医地医保区划
    closed: Closure = NEVER


class TargetKind(StrEnum):
    """Whether what is sent there counts."""

    TEST = "test"
    PRODUCTION = "production"

    @property
    def word(self) -> str:
        """As a person reads it."""
        return "测试" if self is TargetKind.TEST else "生产"


@dataclass(frozen=True, slots=True)
class Target:
    """A platform that wants the records."""

    name: str
    url: str
    recer_sys_code: str
    connect_timeout: float
    read_timeout: float
    ca_file: Path | None
    query_url: str  #: where it answers QY01; "": it answers no query
    credentials: Mapping[str, Credential]  #: institution code -> credential
    allowance: Allowance
    heartbeat: bool = True  #: whether it takes OP02
    kind: TargetKind = TargetKind.PRODUCTION


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


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often, in seconds."""

    read_every: int
    rescan_every: int  #: of data sets that are read from the start each time
    upload_every: int
    manifest_hour: int = 6  #: of the day, Asia/Shanghai: when the manifests of the day before are made


@dataclass(frozen=True, slots=True)
class Http:
    """Where the gateway listens: for the HIS's pushes, for the browsers of its own people, for the monitoring."""

    host: str
    port: int
    proxy: str  #: address of the reverse proxy whose word counts on who called, and how; "": there is none


@dataclass(frozen=True, slots=True)
class Push:
    """The HIS may say which rows it has just written."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Console:
    """The web pages of the gateway, behind a login."""

    idle: timedelta = timedelta(minutes=30)  #: without a click, and the session is over
    longest: timedelta = timedelta(hours=12)  #: of a session, whatever is clicked
    allow_plain_http: bool = False  #: the site takes it on itself that passwords may be read on their way
    access_days: int = _ACCESS_DAYS  #: lines of the access log are kept so long


@dataclass(frozen=True, slots=True)
class Storage:
    """How the store keeps what it holds."""

    key: str | Path | None = field(repr=False)  #: the keys, or the file they are in; None: a file beside the SQLite store
    keep_days: int  #: bodies are shredded so long after every target took them
    disk_budget: int  #: bytes the store may grow to before a person is told; 0: no such limit
    disk_floor: int  #: free bytes below which nothing more is read in


@dataclass(frozen=True, slots=True)
class Tiers:
    """How often and how far each tier reads, and when what vanished counts as gone."""

    overlap: timedelta
    warm_every: int  #: seconds
    cold_hour: int  #: of the day, Asia/Shanghai
    open_days: int  #: how far back the cold tier reads
    bounds: Bounds
    guards: Guards

    @property
    def tolerance(self) -> Tolerance:
        """What may vanish between two looks is what may be withdrawn at once."""
        return Tolerance(rows=self.guards.rows, percent=self.guards.percent)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    store_url: str = field(repr=False)  #: may hold a password
    storage: Storage
    edition: str | Path  #: for `schemas.overlay.load`
    institutions: Mapping[str, Institution]
    targets: Mapping[str, Target]
    sources: tuple[Source, ...]
    schedule: Schedule
    tiers: Tiers
    http: Http | None = None  #: None: nothing is listened to
    push: Push | None = None
    log: LogFile | None = None  #: beside standard error
    monitoring: Callers = field(default_factory=Callers)
    alerts: Alerts = field(default_factory=Alerts)
    console: Console | None = None
    secret_files: tuple[Path, ...] = ()  #: that passwords and keys are taken from


def load(path: Path) -> Config:
    """Read `path`. SpecError names file, line and key of the first mistake; relative paths count from its folder."""
    section = yamlfile.read(path).known(*_SECTIONS)
    institutions = {each.code: each for each in map(_institution, _listed(section))}
    targets = {name: _target(name, each, institutions) for name, each in section.named("targets").items()}
    sources = tuple(_source(each, institutions, targets) for each in section.sections("sources"))
    for key, found in (("institutions", institutions), ("targets", targets), ("sources", sources)):
        if not found:
            raise section.error("至少要有一项", key)
    _refuse_doubled(section, sources)
    _refuse_unsendable(section, sources, targets)
    return Config(
        store_url=_store(section.section("store")),
        storage=_storage(section.section("store")),
        edition=overlay.named(section),
        institutions=institutions,
        targets=targets,
        sources=sources,
        schedule=_schedule(section.optional("schedule"), section.file),
        tiers=_tiers(section),
        http=_http(section),
        push=_push(section.optional("push")),
        log=logfile.log_file(section.optional("log")),
        monitoring=callers.callers(section.optional("monitoring")),
        alerts=oversight.alerts(section.optional("alerts"), "、".join(each.name for each in institutions.values())[:40]),
        console=_console(section.optional("console")),
        secret_files=tuple(dict.fromkeys(_secret_files(section.data, section.file.parent))),
    )


def _store(section: Section) -> str:
    """A relative SQLite path counts from the configuration's folder, wherever the program is started."""
    section.known("url", "key", "keep_days", "disk_budget", "disk_floor")
    text = _address(section)
    url = _url(section, text)
    if address.in_memory(text):
        raise section.error("不能用内存里的库：程序一停，台账就没有了；请写成 sqlite:///文件", "url")
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(section.file.parent / url.database))
    return url.render_as_string(hide_password=False)


def _storage(section: Section) -> Storage:
    return Storage(
        key=_store_key(section),
        keep_days=section.at_least("keep_days", 1, 60),
        disk_budget=section.at_least("disk_budget", 0, 0) * _MIB,
        disk_floor=section.at_least("disk_floor", 0, 1024) * _MIB,
    )


def _store_key(section: Section) -> str | Path | None:
    """A key file is handed on by its name: a new store makes it. Beside a server there is none to make it beside."""
    inner = section.optional("key")
    if inner is None:
        in_box = make_url(_store(section)).get_backend_name() == "sqlite"
        return None if in_box else section.file.parent / "store.key"
    if set(inner.data) == {"file"}:
        return section.file.parent / inner.need("file", str)
    return section.secret("key")


def _listed(section: Section) -> Iterable[Section]:
    """The institutions, written out or in a table of their own."""
    if not isinstance(section.data.get("institutions"), dict):
        return section.sections("institutions")
    inner = section.section("institutions").known("file")
    return rosterfile.rows(section.file.parent / inner.need("file", str), rosterfile.INSTITUTION_COLUMNS)


def _institution(section: Section) -> Institution:
    section.known("code", "name", "admvs", "closed")
    code, admvs = section.need("code", str), section.need("admvs", str)
    for key, fault in (("code", identity.institution_fault(code)), ("admvs", identity.district_fault(admvs))):
        if fault:
            raise section.error(fault, key)
    return Institution(code, section.need("name", str), admvs, _closed(section))


def _closed(section: Section) -> Closure:
    words = section.texts("closed")
    weekdays = frozenset(WEEKDAYS.index(word) for word in words if word in WEEKDAYS)
    if len(weekdays) == len(WEEKDAYS):
        raise section.error("不能天天休业", "closed")
    return Closure(frozenset(_date(section, "closed", word) for word in words if word not in WEEKDAYS), weekdays)


def _date(section: Section, key: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise section.error('应为加引号的日期或周几，例："2026-10-01"、"周日"', key) from None


def _target(name: str, section: Section, institutions: Mapping[str, Institution]) -> Target:
    section.known(
        *("url", "recer_sys_code", "connect_timeout", "read_timeout", "ca_file", "credentials"),
        *("answers_queries", "query_url", "allow_plain_http", "window", "rate", "heartbeat", "kind"),
    )
    url = _reachable(section, "url", section.need("url", str))
    credentials = _credentials(section)
    for code in credentials:
        if code not in institutions:
            raise section.error(f"机构 {code} 不在 institutions 里", "credentials")
    return Target(
        name=name,
        url=url,
        recer_sys_code=section.text("recer_sys_code", "99"),
        connect_timeout=float(section.at_least("connect_timeout", 1, 5)),
        read_timeout=float(section.at_least("read_timeout", 1, 60)),
        ca_file=_ca_file(section),
        query_url=_query_url(section, url),
        credentials=credentials,
        allowance=Allowance(_hours(section, "window"), section.at_least("rate", 0, 0)),
        heartbeat=bool(section.get("heartbeat", bool, True)),
        kind=_kind(section),
    )


def _kind(section: Section) -> TargetKind:
    """Production where nothing is said: a mistake must not be taken for a trial."""
    text = section.text("kind", TargetKind.PRODUCTION)
    if text not in list(TargetKind):
        raise section.error("只能是 test（测试）或 production（生产）", "kind")
    return TargetKind(text)


def _secret_files(data: Any, folder: Path) -> Iterator[Path]:
    """Files that a secret is taken from: `{file: …}` anywhere but where a table of institutions is named."""
    for key, value in data.items():
        found = value if isinstance(value, list) else [value]
        for each in found:
            if isinstance(each, dict) and set(each) == {"file"} and key != "institutions":
                yield folder / str(each["file"])
            elif isinstance(each, dict):
                yield from _secret_files(each, folder)


def _hours(section: Section, key: str) -> tuple[Hours, ...]:
    try:
        return tuple(map(hours, section.texts(key)))
    except ValueError:
        raise section.error('应为时段的列表，例：["08:00-12:00", "14:00-22:00"]；跨零点写 "22:00-06:00"', key) from None


def _query_url(section: Section, url: str) -> str:
    """Our own platform answers queries beside the address for reports; another one must be said not to."""
    if not section.get("answers_queries", bool, True):
        return ""
    return _reachable(section, "query_url", section.text("query_url", urljoin(url, "query")))


def _reachable(section: Section, key: str, url: str) -> str:
    """An address that records may be posted to. Over plain HTTP anybody on the way reads them: only where the site says so."""
    if fault := address.web_fault(url):
        raise section.error(fault, key)
    if address.in_plain_sight(url) and not section.get("allow_plain_http", bool, False):
        raise section.error("http:// 不加密，报文在路上能被看到；请改用 https://，确属医保专网直连的写 allow_plain_http: true", key)
    return url


def _ca_file(section: Section) -> Path | None:
    path = _path(section, "ca_file")
    if path is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # ssl.SSLError is one
        raise section.error(f"证书文件 {path} 读不出来（须为 PEM 格式的证书）", "ca_file") from None
    return path


def _credentials(section: Section) -> dict[str, Credential]:
    """By institution: each with its token elsewhere, or all in one table that is as secret as they are."""
    inner = section.optional("credentials")
    if inner is None or set(inner.data) != {"file"}:
        named = section.named("credentials")
        return {code: _credential(each.known("paasid", "token"), each.secret("token")) for code, each in named.items()}
    path = section.file.parent / inner.need("file", str)
    rows = rosterfile.rows(path, rosterfile.CREDENTIAL_COLUMNS)
    return {each.need("code", str): _credential(each, each.need("token", str)) for each in rows}


def _credential(section: Section, token: str) -> Credential:
    paasid = section.need("paasid", str)
    if not sendable(paasid):
        raise section.error("应用编号只能是英文字母、数字和半角符号，不含空格和中文", "paasid")
    return Credential(paasid, token)


def _source(section: Section, institutions: Mapping[str, Institution], targets: Mapping[str, Target]) -> Source:
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
        inbox=_path(section, "inbox"),
        archive_days=section.at_least("archive_days", 1, 60),
        encoding=section.text("encoding"),
        oracle_client=_path(section, "oracle_client"),
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
        off_peak=_hours(section, "off_peak"),
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
        url=_reachable(section, "url", section.need("url", str)),
        user=section.text("user"),
        password=section.secret("password") if "password" in section.data else "",
        token=section.secret("token") if "token" in section.data else "",
        ca_file=_ca_file(section),
        connect_timeout=float(section.at_least("connect_timeout", 1, 10)),
        read_timeout=float(section.at_least("read_timeout", 1, 30)),
        rate=section.at_least("rate", 0, 0),
    )


def _catalogues(section: Section) -> dict[str, Path]:
    """One file, or several by the column that finds a row."""
    if not isinstance(section.data.get("catalogue"), dict):
        single = _path(section, "catalogue")
        return {"": single} if single else {}
    named = section.section("catalogue")
    return {key: section.file.parent / named.need(key, str) for key in named.data}


def _others(section: Section, institutions: Mapping[str, Institution]) -> tuple[str, ...]:
    """Further institutions whose rows a source holds: some, or `all` that are configured."""
    if section.data.get("institutions") == "all":
        return tuple(institutions)
    return tuple(_one_of(section, "institutions", code, institutions) for code in section.texts("institutions"))


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
    url = _url(section, _address(section))
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


def _address(section: Section) -> str:
    """What stands under `url`. One that holds a password must come from elsewhere as a whole."""
    if isinstance(section.data.get("url"), dict):
        return section.secret("url")
    text = section.need("url", str)
    if address.holds_secret(text):
        raise section.error("密码不得写在配置文件里，请把整个地址写成 {file: …} 或 {env: …}，来源也可以另写 password", "url")
    return text


def _url(section: Section, text: str) -> URL:
    try:
        url = make_url(text)
        url = url.set(drivername=address.driver(url.drivername))
        url.get_dialect()  # NoSuchModuleError is an ArgumentError
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        raise section.error("数据库地址写得不对，例：postgresql+psycopg://用户@地址:端口/库名", "url") from None
    if url.port is not None and not 0 < url.port <= address.LAST_PORT:
        raise section.error(f"端口应为 1 至 {address.LAST_PORT}", "url")
    return url


def _schedule(section: Section | None, file: Path) -> Schedule:
    section = section or Section({}, file, "schedule")
    section.known("read_every", "rescan_every", "upload_every", "manifest_hour")
    read_every = section.at_least("read_every", 1, 2)
    hour = section.at_least("manifest_hour", 0, 6)
    if hour > _LAST_HOUR:
        raise section.error("应为 0 至 23", "manifest_hour")
    return Schedule(
        read_every=read_every,
        rescan_every=section.at_least("rescan_every", 1, max(300, read_every)),
        upload_every=section.at_least("upload_every", 1, 2),
        manifest_hour=hour,
    )


def _http(section: Section) -> Http | None:
    """None where nobody wants to be listened to. `push.listen` is how 0.1 said it, and a site that is upgraded still may."""
    if all(section.data.get(name) is None for name in _ROOMS):
        return None
    http, push = (section.optional(name) or Section({}, section.file, name) for name in ("http", "push"))
    http.known("listen", "proxy")
    if "listen" in http.data and "listen" in push.data:
        raise push.error("监听的地址只写在 http.listen 里，请删去这一行", "listen")
    proxy = http.text("proxy")
    if proxy and not address.is_ip(proxy):
        raise http.error("应为反向代理的 IP 地址，例：127.0.0.1", "proxy")
    return Http(*_host_and_port(push if "listen" in push.data else http), proxy)


def _host_and_port(section: Section) -> tuple[str, int]:
    host, _, port = section.text("listen", _LISTEN).rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= address.LAST_PORT:
        raise section.error(f"应写成 地址:端口，例：{_LISTEN}", "listen")
    return host, int(port)


def _push(section: Section | None) -> Push | None:
    return Push(section.known("listen", "token").secret("token")) if section else None


def _console(section: Section | None) -> Console | None:
    if section is None:
        return None
    section.known("idle_minutes", "session_hours", "allow_plain_http", "access_days")
    return Console(
        idle=timedelta(minutes=section.at_least("idle_minutes", 1, 30)),
        longest=timedelta(hours=section.at_least("session_hours", 1, 12)),
        allow_plain_http=bool(section.get("allow_plain_http", bool, False)),
        access_days=section.at_least("access_days", _ACCESS_DAYS, _ACCESS_DAYS),
    )


def _tiers(section: Section) -> Tiers:
    tiers, reach, void = (section.optional(name) or Section({}, section.file, name) for name in _TIERS)
    tiers.known("overlap", "warm_every", "cold_hour", "open_days")
    reach.known("floor_days", "cap_days")
    void.known("sweeps", "rows", "percent")
    floor, cap = reach.at_least("floor_days", 1, 3), reach.at_least("cap_days", 1, 31)
    if floor > cap:
        raise reach.error("应不大于 cap_days", "floor_days")
    hour = tiers.at_least("cold_hour", 0, 2)
    if hour > _LAST_HOUR:
        raise tiers.error("应为 0 至 23", "cold_hour")
    return Tiers(
        overlap=timedelta(seconds=tiers.at_least("overlap", 0, 120)),
        warm_every=tiers.at_least("warm_every", 10, 300),
        cold_hour=hour,
        open_days=tiers.at_least("open_days", 1, 45),
        bounds=Bounds(timedelta(days=floor), timedelta(days=cap)),
        guards=Guards(void.at_least("sweeps", 1, 2), void.at_least("rows", 1, 20), void.at_least("percent", 0, 1)),
    )


def _path(section: Section, key: str) -> Path | None:
    text = section.get(key, str)
    return section.file.parent / text if text else None


def _one_of(section: Section, key: str, name: str, known: Mapping[str, object]) -> str:
    if name not in known:
        raise section.error(f"{name} 没有定义，已定义的有：{'、'.join(known) or '无'}", key)
    return name


def _refuse_unsendable(section: Section, sources: tuple[Source, ...], targets: Mapping[str, Target]) -> None:
    """Without a key for it, an institution's rows would be read in and wait for ever."""
    for source in sources:
        for target in source.targets:
            for code in source.institutions:
                if code not in targets[target].credentials:
                    told = f"来源 {source.name} 把机构 {code} 的数据报送到目标 {target}，但目标 {target} 没有机构 {code} 的密钥"
                    raise section.section("targets").section(target).error(told, "credentials")


def _refuse_doubled(section: Section, sources: tuple[Source, ...]) -> None:
    names = [source.name for source in sources]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SpecError(f"来源名称重复：{'、'.join(doubled)}", file=section.file, key="sources")
