"""What the README says the product can do is what the programs offer; what it says is missing is missing."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from compliance.errors import MessageRefusedError, OtherEditionError
from gateway.main import cli as gateway
from gateway.model import BrakeKind

ABLE, UNABLE = "\n能做：\n", "\n还不能（以后的版本）：\n"


@pytest.fixture
def lists(readme: str) -> tuple[str, str]:
    """能做, and 还不能."""
    able, _, rest = readme.partition(ABLE)[2].partition(UNABLE)
    return able, rest.partition("\n## ")[0]


def test_every_command_is_told_as_something_the_product_can_do(readme: str) -> None:
    told = set(re.findall(r"\bgateway (?:--config \S+ )?([a-z]+)", readme))
    assert set(gateway.list_commands(click.Context(gateway))) - told == set()


@pytest.mark.parametrize("key", ["push", "since", "until", "window", "rate", "institutions"])
def test_what_can_be_configured_for_a_site_is_among_what_it_can_do(lists: tuple[str, str], key: str) -> None:
    assert f"`{key}`" in lists[0]


def test_nothing_that_is_said_to_be_missing_is_a_key_of_the_configuration(lists: tuple[str, str], root: Path) -> None:
    example = (root / "config.example.yaml").read_text(encoding="utf-8")
    keys = set(re.findall(r"^[ #-]*([a-z_]+):(?: |$)", example, re.MULTILINE))
    assert {"void", "push", "since"} <= keys
    assert {word.rstrip(":") for word in re.findall(r"`([^`]+)`", lists[1])} & keys == set()


def test_no_known_harm_to_good_records_is_told_that_the_product_prevents(lists: tuple[str, str]) -> None:
    """Another edition is refused whole with a sentence of its own, and mass marks wait for a person."""
    assert issubclass(OtherEditionError, MessageRefusedError)
    assert BrakeKind.MARKED in BrakeKind
    assert "误伤" not in lists[1]
    assert "没有数量刹车" not in lists[1]
