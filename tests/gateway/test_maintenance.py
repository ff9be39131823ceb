"""`gateway backup`, `restore` and `disk` as a person types them, and the daily upkeep."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs
from support.databases import KEY
from support.delivery import INSTITUTION, START, Clock, Platform, Rows, prescription

from gateway import config as configuration
from gateway import maintenance
from gateway.config import Storage
from gateway.intake import accept
from gateway.judging import Judge
from gateway.main import cli
from gateway.store import Store, open_store
from gateway.uploading import upload
from schemas.errors import SpecError
from schemas.model import Edition

CONFIG = f"""
store: {{url: "%s"%s}}
institutions: [{{code: "{INSTITUTION}", name: "示例医院", admvs: "990001"}}]
targets:
  bureau:
    url: "https://127.0.0.1:9/api/upload"
    credentials: {{"{INSTITUTION}": {{paasid: "{INSTITUTION}", token: {{env: "TEST_TOKEN"}}}}}}
sources:
  - {{name: "his", profile: "his/demo_his", url: "sqlite:///his.db", institution: "{INSTITUTION}"}}
"""
SQLITE = "sqlite:///data/gateway.db"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configured site without a store yet."""
    monkeypatch.setenv("TEST_TOKEN", "synthetic")
    (tmp_path / "config.yaml").write_text(CONFIG % (SQLITE, ""), encoding="utf-8")
    return tmp_path


def gateway(site: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(site / "config.yaml"), *words])


def storage(site: Path, keys: str, url: str = SQLITE) -> Storage:
    (site / "config.yaml").write_text(CONFIG % (url, keys), encoding="utf-8")
    return configuration.load(site / "config.yaml").storage


def test_backup_and_restore_as_a_person_types_them(site: Path) -> None:
    made = gateway(site, "backup", "--to", str(site / "copy.db"))
    assert (made.exit_code, "完整性正常" in made.output, "密钥不在备份里" in made.output) == (0, True, True)
    assert str(site / "data" / "gateway.db.key") in made.stderr  # made with the store just now
    again = gateway(site, "backup", "--to", str(site / "copy.db"))
    assert (again.exit_code, "已经存在" in again.stderr, "已生成" in again.stderr) == (1, True, False)
    put_back = gateway(site, "restore", "--from", str(site / "copy.db"))
    assert (put_back.exit_code, "另存为" in put_back.output, "gateway reconcile" in put_back.output) == (0, True, True)
    absent = gateway(site, "restore", "--from", str(site / "absent.db"))
    assert (absent.exit_code, "不存在" in absent.stderr) == (1, True)


def test_a_person_can_say_that_the_clock_is_right(site: Path, edition: Edition) -> None:
    fine = gateway(site, "clock")
    assert (fine.exit_code, "到期的照常清除" in fine.output) == (0, True)
    store = open_store(f"sqlite:///{site / 'data' / 'gateway.db'}", edition, datetime.now(UTC))
    store.beat("clock", datetime.now(UTC) - timedelta(days=40))
    store.close()
    doubted = gateway(site, "clock")
    assert (doubted.exit_code, "晚了 40 天" in doubted.output) == (1, True)
    said = gateway(site, "clock", "--right")
    assert (said.exit_code, "到期的照常清除" in said.output) == (0, True)
    assert gateway(site, "clock").exit_code == 0


def test_disk_ends_with_1_when_a_person_should_act(site: Path) -> None:
    calm = gateway(site, "disk")
    assert (calm.exit_code, calm.stdout.startswith("本地库 ")) == (0, True)
    storage(site, f", disk_floor: {10**9}")  # a pebibyte
    short = gateway(site, "disk")
    assert (short.exit_code, "已停止读取，报送照常" in short.output) == (1, True)


def test_what_the_configuration_says_of_the_store(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    server = "postgresql+psycopg://gateway@127.0.0.1/gateway"
    assert storage(site, "") == Storage(key=None, keep_days=60, disk_budget=0, disk_floor=1 << 30)
    assert storage(site, ', key: {file: "secrets/store.key"}').key == site / "secrets" / "store.key"
    assert storage(site, ", key: {env: TEST_KEY}").key == KEY
    assert storage(site, "", server).key == site / "store.key"
    assert KEY not in repr(storage(site, ", key: {env: TEST_KEY}"))


def test_bodies_are_kept_for_as_long_as_a_deleted_row_may_still_be_noticed(site: Path) -> None:
    storage(site, "")
    assert maintenance.retention_lines(configuration.load(site / "config.yaml")) == []
    assert "keep_days" not in gateway(site, "status").output
    storage(site, ", keep_days: 30")
    (told,) = maintenance.retention_lines(configuration.load(site / "config.yaml"))
    assert all(part in told for part in ("只保留 30 天", "45 天前", "不小于 55"))
    assert "不小于 55" in gateway(site, "status").output


@pytest.mark.parametrize("keys", [", keep_days: 0", ", disk_floor: -1", ", key: {}", ', key: {file: "a", env: "b"}', ", keys: 1"])
def test_a_mistake_in_the_store_section_is_told(site: Path, keys: str) -> None:
    with pytest.raises(SpecError, match="store"):
        storage(site, keys)


def test_a_key_file_named_in_the_configuration_is_made_for_a_new_store(site: Path) -> None:
    storage(site, ', key: {file: "secrets/store.key"}')
    assert gateway(site, "disk").exit_code == 0
    assert (site / "secrets" / "store.key").is_file()
    assert not (site / "data" / "gateway.db.key").exists()
    (site / "secrets" / "store.key").write_text(base64.b64encode(os.urandom(32)).decode(), encoding="utf-8")
    wrong = gateway(site, "disk")
    assert (wrong.exit_code, "另一把密钥" in wrong.stderr) == (1, True)


def working(store: Store, keep_days: int, clock: Clock) -> Any:
    """As much of a gateway as upkeep looks at."""
    settings = Storage(key=None, keep_days=keep_days, disk_budget=1, disk_floor=0)
    config = SimpleNamespace(storage=settings, console=None)
    return SimpleNamespace(store=store, clock=clock, config=config, clients={"bureau": None})


def test_upkeep_shreds_and_warns_of_the_disk_once_a_day(tmp_path: Path, edition: Edition, clock: Clock) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", edition, START, KEY)
    accept(Rows([prescription(1)]), Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)
    upload(store, Platform(), "bureau", clock=clock, lease=timedelta(seconds=120))
    clock.move(3 * 24 * 60 * 60)
    (job,) = maintenance.upkeep(working(store, 2, clock))
    with capture_logs() as lines:
        job.do()
    told = {line["event"]: line for line in lines}
    assert told["shredded"]["bodies"] == 1
    assert told["disk"]["log_level"] == "warning"  # over its budget of one byte
    for hours, again in ((1, False), (22, False), (1, True)):
        clock.move(hours * 60 * 60)
        with capture_logs() as lines:
            job.do()
        assert any(line["event"] == "shredded" for line in lines) is again
    store.close()
