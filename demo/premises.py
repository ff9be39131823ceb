"""What each party would have on its own machine: databases, configuration files, keys. All below one folder."""

from __future__ import annotations

import csv
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from compliance import config as bureau_config
from compliance import credentials, roster
from compliance.config import Config as BureauConfig
from compliance.store import database
from compliance.store.roll import StoredRoll
from demo import his, pos
from demo.district import DISTRICT, Institution
from gateway.store import sealing

#: what the demo's pharmacy declares: over-the-counter lines have no prescriber
_CONSTANTS = {"pos/demo_pos": {"otc_prescriber": "无"}}
_CREATE = {"his/demo_his": his.create, "pos/demo_pos": pos.create}


class PremisesError(Exception):
    """The demo cannot have its folder; one sentence says which file is in the way."""


@dataclass(frozen=True, slots=True)
class Premises:
    """Where everything lies."""

    folder: Path
    bureau: BureauConfig
    gateways: dict[str, Path]  #: institution code -> its config.yaml
    databases: dict[str, Path]  #: `his:<code>` or `pos:<code>` -> its file

    @property
    def workbook(self) -> Path:
        """The coverage workbook."""
        return _workbook(self.folder)


def build(folder: Path) -> Premises:
    """A fresh set; what an earlier demo left in `folder` is removed, and nothing else. PremisesError if that cannot be."""
    _clear(folder)
    try:
        return _built(folder)
    except OSError:
        raise PremisesError(f"{folder} 里写不进去，请检查文件夹权限和磁盘空间，再运行演示") from None


def _clear(folder: Path) -> None:
    """Remove what a demo makes, the workbook first: if Excel holds it, the rest still stands."""
    if folder.exists() and not folder.is_dir():
        raise PremisesError(f"{folder} 是文件，不是文件夹：演示要用这个名字，请把它改名或移走，再运行演示")
    for place in (_workbook(folder), folder / "bureau", *(folder / each.code for each in DISTRICT.connected)):
        try:
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        except OSError:
            raise PremisesError(f"上次演示留下的 {place} 删不掉，请关闭正打开它的程序（如 Excel、WPS），再运行演示") from None


def _workbook(folder: Path) -> Path:
    return folder / f"{DISTRICT.name}覆盖与报送情况.xlsx"


def _built(folder: Path) -> Premises:
    bureau = _bureau(folder / "bureau")
    _register(folder / "bureau" / "roster.csv", bureau)
    gateways: dict[str, Path] = {}
    databases: dict[str, Path] = {}
    for institution in DISTRICT.connected:
        site = folder / institution.code
        site.mkdir(parents=True)
        databases[institution.database] = site / "local.db"
        _CREATE[institution.profile](site / "local.db")
        gateways[institution.code] = _gateway(site, institution, bureau)
    return Premises(folder, bureau, gateways, databases)


def _bureau(folder: Path) -> BureauConfig:
    folder.mkdir(parents=True)
    path = folder / "compliance.yaml"
    settings = {
        "district": DISTRICT.name,
        "admdvs": DISTRICT.division,
        "store": "sqlite:///compliance.db",
        "listen": {"host": "127.0.0.1", "port": _free_port()},
        "credentials": "credentials.yaml",
    }
    _write(path, settings)
    config = bureau_config.load(path)
    store = database.connect(config.store)
    store.create()
    store.close()
    credentials.create(config.credentials)
    return config


def _register(path: Path, config: BureauConfig) -> None:
    """The roster as a bureau has it: a CSV file, imported by the product itself."""
    scenes = ("门诊", "血透", "康复理疗", "住院", "购药")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(["序号", "医疗机构名称", *(f"{scene}场景" for scene in scenes), "缓建", "医药机构编码"])
        for number, each in enumerate(DISTRICT.institutions, 1):
            planned = [int(scene in each.scenes) for scene in scenes]
            table.writerow([number, each.name, *planned, int(each.deferred), each.code])
    store = database.connect(config.store)
    roster.load(path, StoredRoll(store))
    store.close()


def _gateway(folder: Path, institution: Institution, bureau: BureauConfig) -> Path:
    paasid, handover = credentials.issue(bureau.credentials, institution.code)
    shutil.move(handover, folder / "token.txt")
    sealing.at(folder / "store.key", create=True)
    path = folder / "config.yaml"
    target = {
        "url": f"http://{bureau.host}:{bureau.port}/api/upload",
        "kind": "test",
        "credentials": {institution.code: {"paasid": paasid, "token": {"file": "token.txt"}}},
    }
    source = {
        "name": institution.profile.partition("/")[0],
        "profile": institution.profile,
        "url": "sqlite:///local.db",
        "institution": institution.code,
        "datasets": list(institution.datasets),
        "constants": _CONSTANTS.get(institution.profile, {}),
    }
    settings = {
        "store": {"url": "sqlite:///gateway.db", "key": {"file": "store.key"}},
        "institutions": [{"code": institution.code, "name": institution.name, "admvs": DISTRICT.division}],
        "targets": {"bureau": target},
        "sources": [source],
    }
    _write(path, settings)
    return path


def _write(path: Path, settings: Mapping[str, object]) -> None:
    path.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, default_style='"'), encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
