"""The source fails while it is read: a lock, a restart."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from support import line as lines
from support.faultsize import Conclude
from support.line import Line, real_time, wait_until
from support.sites import Writer

from adapters.databases.sql import SqlSource
from gateway import config as configuration
from gateway.errors import SourceError
from gateway.model import Page
from gateway.tiers import Tier
from gateway.wiring import opened


def test_a_source_locked_by_another_program_is_read_later(line: Line, conclude: Conclude) -> None:
    line.source.insert(30)
    engine = create_engine(line.source.url)
    with engine.connect() as connection:
        for statement in ("PRAGMA journal_mode=DELETE", "PRAGMA locking_mode=EXCLUSIVE", "BEGIN EXCLUSIVE"):
            connection.exec_driver_sql(statement)
        with opened(configuration.load(line.config), real_time) as working, pytest.raises(SourceError):
            working.read(working.feeds[0])
        connection.exec_driver_sql("ROLLBACK")
    engine.dispose()
    line.settle()
    conclude(line)


@dataclass
class Cluster:
    """A PostgreSQL server of the test's own, started and ended by its own pid."""

    folder: Path
    port: int
    programs: Path

    def start(self) -> None:
        self._do("pg_ctl", "-D", str(self.folder), "-w", "-l", str(self.folder / "log"), "-o", self._options, "start")

    def restart(self) -> None:
        """Every connection is cut at once, as when somebody restarts the service."""
        self._do("pg_ctl", "-D", str(self.folder), "-w", "-l", str(self.folder / "log"), "-m", "immediate", "restart")

    def stop(self) -> None:
        self._do("pg_ctl", "-D", str(self.folder), "-w", "-m", "fast", "stop")

    def create(self) -> None:
        self._do("initdb", "-D", str(self.folder), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def _options(self) -> str:
        return f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"

    def _do(self, program: str, *words: str) -> None:
        user = "postgres" if os.getuid() == 0 else None
        subprocess.run(
            [self.programs / program, *words],
            user=user,
            check=True,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Skips where PostgreSQL's own programs are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        pytest.skip("PostgreSQL is not installed here")
    folder.mkdir(mode=0o700)
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Cluster(folder, port, found[-1].parent)
    made.create()
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def server(room: Path) -> Iterator[Cluster]:
    room.chmod(0o755)
    with cluster(room / "site") as made:
        yield made


@pytest.fixture
def served(server: Cluster, room: Path, seed: int) -> Iterator[Line]:
    """A line whose source is that server."""
    with lines.build(room / "line", seed, source_url=server.url) as line:
        yield line
        line.source.engine.dispose()


def test_the_source_database_is_restarted_while_it_is_read(server: Cluster, served: Line, conclude: Conclude) -> None:
    served.source.insert(400)
    with lines.serving_gateway(served) as process:
        for count in (50, 120):
            wait_until(lambda count=count: served.receiver.count() >= count, 60, "rows at the receiver")  # type: ignore[misc]
            server.restart()
            with Writer(served.source, 60):
                pass
        assert process.poll() is None
    served.settle()
    conclude(served)


def test_the_text_of_a_broken_connection_is_one_sentence(server: Cluster, served: Line) -> None:
    served.source.insert(30)
    with opened(configuration.load(served.config), real_time) as working:
        pages = working.feeds[0].source.pages(None, 7)
        next(pages)
        server.restart()
        with pytest.raises(SourceError, match=r"断开|连接"):
            list(pages)
    with served.source.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM rx_line")).scalar_one() == 30


@pytest.mark.requirement("J-099")
def test_a_look_that_a_restart_interrupts_withdraws_nothing(
    server: Cluster, served: Line, monkeypatch: pytest.MonkeyPatch, conclude: Conclude
) -> None:
    """Otherwise all that it had not come to would be taken for gone."""
    whole = SqlSource.window

    def interrupted(source: SqlSource, *span: Any) -> Iterator[Page]:
        for page in whole(source, *span):
            yield page
            server.restart()

    served.source.insert(40)
    served.settle()
    served.source.delete(3)
    served.look(Tier.COLD)
    for _ in range(2):
        with monkeypatch.context() as patch, pytest.raises(SourceError):
            patch.setattr(SqlSource, "window", interrupted)
            served.look(Tier.COLD)
        served.age(hours=1)
    served.settle()
    assert served.verdict().zeros == (0, 0, 3)
    served.close_the_books()
    assert served.verdict().withdrawn == 3
    conclude(served)
