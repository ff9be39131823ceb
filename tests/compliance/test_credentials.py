"""The credentials file: owner-readable, whole, and strict."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.bureau import INSTITUTION

from compliance import credentials
from compliance.errors import ConfigError

posix = pytest.mark.skipif(os.name != "posix", reason="Windows keeps no mode bits")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_what_is_issued_is_readable_by_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "credentials.yaml"
    _, handover = credentials.issue(path, INSTITUTION)
    assert (mode(path), mode(handover)) == (0o600, 0o600)
    assert credentials.warnings(path) == ()
    path.chmod(0o644)
    (warning,) = credentials.warnings(path)
    assert "chmod 600" in warning


def test_issuing_again_changes_the_token_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "credentials.yaml"
    credentials.issue(path, "H00000000002")
    first, _ = credentials.issue(path, INSTITUTION)
    old = {each.credential.paasid: each for each in credentials.read(path)}
    second, handover = credentials.issue(path, INSTITUTION)
    new = {each.credential.paasid: each for each in credentials.read(path)}
    assert first == second
    assert old.keys() == new.keys()
    assert new["ld-H00000000002"] == old["ld-H00000000002"]
    assert new[second].credential.token != old[first].credential.token
    assert handover.read_text(encoding="utf-8").strip() == new[second].credential.token


def test_a_code_that_looks_like_a_number_survives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "credentials.yaml"
    credentials.issue(path, "01100110")
    assert credentials.Keyring(path).institutions() == {"01100110"}


def test_a_token_is_in_no_representation(tmp_path: Path) -> None:
    path = tmp_path / "credentials.yaml"
    credentials.issue(path, INSTITUTION)
    (issued,) = credentials.read(path)
    assert issued.credential.token not in repr(issued)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('credentials: [{paasid: "a", token: "b"}]', "institutions"),
        ('credentials: [{paasid: "a", token: 5, institutions: ["c"]}]', "token"),
        ('credentials: [{paasid: "a", tokn: "b", institutions: ["c"]}]', "是否想写 token"),
        ('credentials: [{paasid: "a", token: "b", institutions: ["c"]}, {paasid: "a", token: "d", institutions: ["e"]}]', "两次"),
        ('credentials: [{paasid: "a", token: "b", institutions: ["c"]}, {paasid: "d", token: "e", institutions: ["c"]}]', "两次"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "credentials.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        credentials.read(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="文件不存在"):
        credentials.Keyring(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("token", ["", "   "])
def test_an_empty_token_is_refused_for_anybody_could_sign_with_it(tmp_path: Path, token: str) -> None:
    path = tmp_path / "credentials.yaml"
    path.write_text(f'credentials:\n  - {{paasid: "ld-x", token: "{token}", institutions: ["{INSTITUTION}"]}}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="密钥是空的"):
        credentials.read(path)
