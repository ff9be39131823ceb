"""What holds persons or tokens is readable by its owner only, and two who issue keys at once lose none."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from compliance import credentials
from compliance.store import database

posix = pytest.mark.skipif(os.name != "posix", reason="Windows goes by the rights of the folder")
CODES = [f"H990001{number:05d}" for number in range(8)]
ISSUE = (
    "import sys; from pathlib import Path; from compliance import credentials; credentials.issue(Path(sys.argv[1]), sys.argv[2])"
)


def mode(place: Path) -> int:
    return stat.S_IMODE(place.stat().st_mode)


@posix
def test_a_new_store_and_what_sqlite_puts_beside_it_are_the_owners_only(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        store = database.connect(f"sqlite:///{tmp_path / 'compliance.db'}")
        store.create()
        with store.read():
            modes = {place.name: mode(place) for place in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(mask)
    assert modes.pop("compliance.db") == 0o600
    assert set(modes.values()) <= {0o600}


@posix
def test_a_store_of_an_older_program_is_closed_to_others_when_it_is_opened(tmp_path: Path) -> None:
    place = tmp_path / "compliance.db"
    store = database.connect(f"sqlite:///{place}")
    store.create()
    store.close()
    place.chmod(0o644)
    store = database.connect(f"sqlite:///{place}")
    store.check()
    store.close()
    assert mode(place) == 0o600


def test_keys_issued_at_the_same_moment_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "credentials.yaml"
    credentials.create(path)
    running = [subprocess.Popen([sys.executable, "-c", ISSUE, str(path), code]) for code in CODES]
    assert [process.wait(60) for process in running] == [0] * len(CODES)
    held = {each.institutions[0]: each.credential for each in credentials.read(path)}
    assert sorted(held) == CODES
    for code, credential in held.items():
        assert path.with_name(f"ld-{code}.token").read_text(encoding="utf-8").strip() == credential.token
