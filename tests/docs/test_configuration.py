"""The example files are the reference of the configuration: they load, and explain every key the programs accept."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import pytest

from compliance import config as bureau_config
from gateway import config as gateway_config
from schemas.yamlfile import Section

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every key that a loader says it knows while it loads."""
    keys: set[str] = set()
    known = Section.known

    def recording(section: Section, *names: str) -> Section:
        keys.update(names)
        return known(section, *names)

    monkeypatch.setattr(Section, "known", recording)
    return keys


def unexplained(example: Path, keys: set[str]) -> set[str]:
    """Keys without a line that has Chinese on it or on the comment above it."""
    lines = ["", *example.read_text(encoding="utf-8").splitlines()]
    explained: set[str] = set()
    for above, line in itertools.pairwise(lines):
        if CHINESE.search(line) or (above.lstrip().startswith(("#", "- #")) and CHINESE.search(above)):
            explained.update(re.findall(r"([A-Za-z_]+):(?: |$)", line))
    return keys - explained


def example_of_the_gateway(root: Path, folder: Path) -> Path:
    """The example beside the files that it names and that are read when it is loaded."""
    (folder / "secrets").mkdir()
    shutil.copy(certifi.where(), folder / "secrets" / "bureau-ca.pem")
    (folder / "secrets" / "H99000100001.token").write_text("synthetic\n", encoding="utf-8")
    return Path(shutil.copy(root / "config.example.yaml", folder / "config.yaml"))


def test_the_gateways_example_loads_and_explains_every_key(root: Path, tmp_path: Path, accepted: set[str]) -> None:
    path = example_of_the_gateway(root, tmp_path)
    assert gateway_config.load(path).sources
    assert {"store", "token", "page_size", "read_every", "env"} <= accepted
    assert unexplained(path, accepted) == set()


def test_the_bureaus_example_loads_and_explains_every_key(root: Path, accepted: set[str]) -> None:
    path = root / "compliance" / "config.example.yaml"
    assert bureau_config.load(path).district
    assert {"district", "listen", "port"} <= accepted
    assert unexplained(path, accepted) == set()


@pytest.mark.parametrize("example", ["config.example.yaml", "compliance/config.example.yaml"])
def test_the_examples_name_every_edition_that_comes_with_the_product(root: Path, example: str) -> None:
    shipped = {path.stem for path in (root / "schemas" / "两定接口" / "overlays").iterdir() if not path.name.startswith(("_", "."))}
    assert len(shipped) >= 3
    (line,) = re.findall(r"^# .*自带的 reference.*$", (root / example).read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name in shipped if name not in line} == set()


@pytest.mark.parametrize("load", [gateway_config.load, bureau_config.load])
def test_a_key_that_is_commented_out_in_the_example_is_a_key_the_program_knows(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Callable[[Path], Any]
) -> None:
    monkeypatch.setenv("HIS_PASSWORD", "synthetic")
    example = root / ("config.example.yaml" if load is gateway_config.load else "compliance/config.example.yaml")
    example_of_the_gateway(root, tmp_path)
    text, shown = re.subn(r"(?m)^( *)# (\w+: (?=\S))", r"\1\2", example.read_text(encoding="utf-8"))
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    assert shown
    load(tmp_path / "config.yaml")
