"""The databases of real products, loaded from ../shared/targets into databases of the session's own, dropped afterwards.

Skipped with the reason when the dumps, a server or its client are not on this machine.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text
from support.databases import database
from support.deployment import Deployment, deployed

from adapters import profile
from adapters.databases.sql import SqlSource
from adapters.profile import Site
from demo import his, pos, story
from demo.district import DISTRICT
from gateway.model import SourceRow
from schemas import loader

DUMPS = Path(__file__).parents[3] / "shared" / "targets"
INSTITUTION = "H41000000001"


@dataclass(frozen=True)
class Target:
    """A site on which a profile is tried, with all that it can declare."""

    profile: str
    url: URL
    constants: dict[str, str] = field(default_factory=dict)
    catalogues: dict[str, Path] = field(default_factory=dict)
    institution_codes: dict[str, str] = field(default_factory=dict)

    def sources(self, *, declared: bool = True) -> dict[str, SqlSource]:
        """The profile's sources by data set; `declared=False`: the site has said nothing yet."""
        site = self.site if declared else replace(self.site, constants={}, catalogues={}, institution_codes={})
        opened = profile.open_sources(profile.load(self.profile), site, loader.reference())
        return {source.dataset: source for source in opened}

    @property
    def site(self) -> Site:
        """What the configuration makes of it."""
        said = {"constants": self.constants, "catalogues": self.catalogues, "institution_codes": self.institution_codes}
        return Site("样例", self.url, INSTITUTION, **said)

    @property
    def entry(self) -> dict[str, Any]:
        """What the site writes under `sources`; the address is in the file `database.url`."""
        catalogues = {"catalogue": {key: str(path) for key, path in self.catalogues.items()}} if self.catalogues else {}
        codes = {"institution_codes": dict(self.institution_codes)} if self.institution_codes else {}
        place = {"profile": self.profile, "url": {"file": "database.url"}, "accept_writable": "测试用库的主人读取"}
        return {**place, "constants": dict(self.constants), **catalogues, **codes}

    @property
    def address(self) -> str:
        """The database's address in full."""
        return self.url.render_as_string(hide_password=False)

    def execute(self, statement: str) -> int:
        """Change the product's database as its users would; how many rows."""
        with create_engine(self.url, poolclass=NullPool).begin() as connection:
            return connection.execute(text(statement)).rowcount

    def rows(self, dataset: str, size: int = 1000, *, declared: bool = True) -> list[SourceRow]:
        """Everything one source yields."""
        return [row for page in self.sources(declared=declared)[dataset].pages(None, size) for row in page.rows]


@contextmanager
def loaded(kind: str, dump: str, folder: Path) -> Iterator[URL]:
    path = DUMPS / dump
    if not path.is_file():
        pytest.skip(f"no dump {dump} beside the repository")
    with database(kind, folder) as text:
        url = make_url(text)
        _run(_postgresql(url, path) if kind == "postgresql" else _mariadb(url), path)
        yield url


def _postgresql(url: URL, path: Path) -> list[str]:
    place = f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}"
    return ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={place}", f"--file={path}"]


def _mariadb(url: URL) -> list[str]:
    return [
        "mariadb",
        f"--user={url.username}",
        f"--socket={url.query['unix_socket']}",
        "--default-character-set=utf8mb4",
        str(url.database),
    ]


def _run(command: list[str], dump: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    with dump.open("rb") as text:
        done = subprocess.run(command, stdin=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")


JSHERP_CONSTANTS = {
    "unaudited_counts": "yes",
    "manu_lotnum": "L-TEST",
    "manu_date": "2019-01-01",
    "expy_end": "2030-01-01",
    "aprvno": "A-TEST",
    "prodentp_name": "测试厂",
    "purc_invo_no": "F-TEST",
    "purc_retn_opter_name": "测试采购员",
    "sel_retn_opter_name": "测试销售员",
    "prsc_dr_name": "测试医师",
    "phar_name": "测试药师",
    "phar_prac_cert_no": "Z-TEST",
    "mdtrt_setl_type": "2",
}


@contextmanager
def product(name: str, folder: Path) -> Iterator[Target]:
    """The database of that product, freshly loaded, with all that its site can declare."""
    kind, dump = _DUMPS[name]
    with loaded(kind, dump, folder) as url:
        yield replace(_DECLARED[name], url=url, catalogues=_catalogues(name, folder))


def _catalogues(name: str, folder: Path) -> dict[str, Path]:
    """What the site knows and the product does not: made up here, but for the one that lies beside the dumps."""
    made = {key: folder / f"{key}.csv" for key in _MADE_UP.get(name, {})}
    for key, path in made.items():
        path.write_text(_MADE_UP[name][key], encoding="utf-8")
    return {**made, **_LYING.get(name, {})}


_MADE_UP = {
    "dialysis_room": {
        "drug_name": "drug_name,drug_codg\n重组人促红素注射液,TEST-D-1\n左卡尼汀注射液,TEST-D-2\n",
        "primary_diagnosis": "primary_diagnosis,diag_codg\n慢性肾脏病5期,TEST-N18\n",
    }
}
_LYING = {"jsherp": {"bar_code": DUMPS / "jsherp-catalogue.csv"}}


_DUMPS = {
    "openhis": ("postgresql", "openhis.pg.sql"),
    "dialysis_room": ("postgresql", "dialysis-room.pg.sql"),
    "jsherp": ("mariadb", "jsherp.mariadb.sql"),
    "rehab": ("mariadb", "rehab.mariadb.sql"),
}
_NOWHERE = URL.create("sqlite")
_DECLARED = {
    "openhis": Target("his/openhis", _NOWHERE),
    "dialysis_room": Target(
        "his/dialysis_room", _NOWHERE, {"dialysis_item_codg": "TEST-HD-1", "stoout_time_is": "entered", "stas_date_is": "updated"}
    ),
    "jsherp": Target("pos/jsherp", _NOWHERE, JSHERP_CONSTANTS),
    "rehab": Target("his/rehab", _NOWHERE, {"treat_item_codg": "TEST-RH-1"}, {}, {"12": INSTITUTION, "32": INSTITUTION}),
}


@pytest.fixture(scope="session")
def openhis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with product("openhis", tmp_path_factory.mktemp("openhis")) as target:
        yield target


@pytest.fixture(scope="session")
def dialysis_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with product("dialysis_room", tmp_path_factory.mktemp("dialysis")) as target:
        yield target


@pytest.fixture(scope="session")
def jsherp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with product("jsherp", tmp_path_factory.mktemp("jsherp")) as target:
        yield target


@pytest.fixture(scope="session")
def rehab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with product("rehab", tmp_path_factory.mktemp("rehab")) as target:
        yield target


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[[str], Target]]:
    """The database of a product for this test alone, which may change it."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(product(name, tmp_path))


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Gateway and bureau for a product's database, as a site installs them."""
    with ExitStack() as stack:
        yield lambda target, **entry: stack.enter_context(
            deployed(tmp_path / "site", INSTITUTION, {**target.entry, **entry}, {"database.url": target.address})
        )


@pytest.fixture(scope="session")
def demo_his(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return _demonstration("his/demo_his", tmp_path_factory.mktemp("demo") / "his.db")


@pytest.fixture(scope="session")
def demo_pos(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return _demonstration("pos/demo_pos", tmp_path_factory.mktemp("demo") / "pos.db")


def _demonstration(name: str, path: Path) -> Target:
    """Two days of the demonstration's story at one institution."""
    kind = name.partition("/")[0]
    (pos if kind == "pos" else his).create(path)
    place = next(each.database for each in DISTRICT.connected if each.database.startswith(f"{kind}:"))
    told = (change for change in story.changes(7, date(2026, 10, 21), 2) if change.database == place)
    with closing(sqlite3.connect(path)) as connection:
        assert story.play(connection, told) > 0
    return Target(name, URL.create("sqlite", database=str(path)), dict.fromkeys(profile.load(name).constants, "测试"))
