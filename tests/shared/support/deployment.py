"""Both deployables as they are installed: the gateway's configuration file, key and store, and the bureau's service over HTTP."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import NullPool, create_engine, select

from compliance import config as bureau_config
from compliance import credentials, serving
from compliance.config import Config as BureauConfig
from compliance.store import database
from compliance.store.tables import record
from gateway import config as configuration
from gateway.main import cli, now
from gateway.standing import Grievance, Standing
from gateway.tiers import Tier
from gateway.wiring import opened

TARGET = "bureau"


@dataclass
class Deployment:
    """One institution's gateway and the bureau that it reports to."""

    config: Path  #: of the gateway
    bureau: BureauConfig
    env: dict[str, str] = field(default_factory=lambda: {"COLUMNS": "80"})

    def run(self, *words: str) -> Result:
        """`gateway …`, as an operator types it."""
        return CliRunner(env=self.env).invoke(cli, ["--config", str(self.config), *words])

    def send(self) -> Result:
        """One round that must end well."""
        result = self.run("run", "--once")
        assert result.exit_code == 0, result.output
        return result

    def admit(self, institution: str) -> None:
        """Let the gateway report for one more institution, with a key of its own."""
        paasid, token = credentials.issue(self.bureau.credentials, institution)
        shutil.move(token, self.config.parent / f"{institution}.txt")
        settings = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        settings["institutions"].append({"code": institution, "name": "另一家", "admvs": "410000"})
        settings["targets"][TARGET]["credentials"][institution] = {"paasid": paasid, "token": {"file": f"{institution}.txt"}}
        _write(self.config, settings)

    def sweep(self, at: datetime) -> None:
        """The nightly look over the open period, as of that time."""
        with opened(configuration.load(self.config), lambda: at) as gateway:
            for feed in gateway.feeds:
                gateway.reader(feed).sweep(Tier.COLD)

    def held(self, dataset: str) -> dict[str, list[dict[str, Any]]]:
        """What the receiver's database holds: key -> every version, oldest first."""
        engine = create_engine(self.bureau.store, poolclass=NullPool)
        query = select(record.c.key, record.c.body).where(record.c.dataset == dataset).order_by(record.c.key, record.c.version)
        found: dict[str, list[dict[str, Any]]] = {}
        with engine.connect() as connection:
            for key, body in connection.execute(query):
                found.setdefault(key, []).append(orjson.loads(body))
        return found

    def newest(self, dataset: str) -> list[dict[str, Any]]:
        """The newest version of every key, those withdrawn too."""
        return [versions[-1] for versions in self.held(dataset).values()]

    def account(self, dataset: str) -> Standing:
        """The gateway's own account of the data set."""
        with opened(configuration.load(self.config), now) as gateway:
            (found,) = (each for each in gateway.store.standings(gateway.routes) if each.route.dataset == dataset)
        return found

    def grievances(self) -> list[Grievance]:
        """What the gateway asks a person to mend."""
        with opened(configuration.load(self.config), now) as gateway:
            return list(gateway.store.grievances())


@contextmanager
def deployed(folder: Path, institution: str, source: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[Deployment]:
    """Install both and start the bureau. `source` is the entry under `sources`; `secrets` are files beside the configuration."""
    bureau = _bureau(folder / "bureau")
    token = credentials.issue(bureau.credentials, institution)
    config = _gateway(folder / "gateway", institution, token, bureau, source)
    for name, text in secrets.items():
        (config.parent / name).write_text(text, encoding="utf-8")
    with serving.Server(serving.build(bureau), bureau.host, bureau.port):
        yield Deployment(config, bureau)


def _bureau(folder: Path) -> BureauConfig:
    folder.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {
        "district": "示例区",
        "admdvs": "410000",
        "store": "sqlite:///compliance.db",
        "listen": {"host": "127.0.0.1", "port": port},
        "credentials": "credentials.yaml",
    }
    _write(folder / "compliance.yaml", settings)
    config = bureau_config.load(folder / "compliance.yaml")
    store = database.connect(config.store)
    store.create()
    store.close()
    credentials.create(config.credentials)
    return config


def _gateway(folder: Path, institution: str, token: tuple[str, Path], bureau: BureauConfig, source: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True)
    shutil.move(token[1], folder / "token.txt")
    target = {
        "url": f"http://{bureau.host}:{bureau.port}/api/upload",
        "credentials": {institution: {"paasid": token[0], "token": {"file": "token.txt"}}},
    }
    settings = {
        "store": {"url": "sqlite:///gateway.db", "disk_floor": 0},
        "institutions": [{"code": institution, "name": "测试机构", "admvs": "410000"}],
        "targets": {TARGET: target},
        "sources": [{"name": "local", "institution": institution, **source}],
    }
    _write(folder / "config.yaml", settings)
    return folder / "config.yaml"


def _write(path: Path, settings: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(settings), allow_unicode=True, sort_keys=False), encoding="utf-8")
