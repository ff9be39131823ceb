"""Every command and option is in the manual or the README; the commands these show exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from compliance.main import cli as compliance
from gateway.main import cli as gateway


def spoken(command: click.Command, name: str) -> Iterator[str]:
    """The command as it is typed, and its options."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield parameter.opts[0]
    if not isinstance(command, click.Group):
        yield name
        return
    context = click.Context(command)
    for inner in command.list_commands(context):
        child = command.get_command(context, inner)
        assert child is not None
        yield from spoken(child, f"{name} {inner}")


@pytest.mark.parametrize(("program", "name"), [(gateway, "gateway"), (compliance, "compliance")])
def test_every_command_and_option_is_documented(program: click.Group, name: str, manual: str, readme: str) -> None:
    wanted = set(spoken(program, name))
    assert {"--config", f"{name} serve"} <= wanted
    assert {each for each in wanted if each not in manual + readme} == set()


@pytest.mark.parametrize(("program", "name"), [(gateway, "gateway"), (compliance, "compliance")])
def test_every_command_the_documents_show_exists(program: click.Group, name: str, manual: str, readme: str) -> None:
    shown = re.findall(rf"^{name} ([a-z]+)|`{name} ([a-z]+)", manual + readme, re.MULTILINE)
    words = {first or second for first, second in shown}
    assert words
    assert words <= set(program.list_commands(click.Context(program)))


def test_every_make_command_of_the_readme_is_a_target(root: Path, readme: str) -> None:
    targets = set(re.findall(r"^(\w+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = set(re.findall(r"(?:^|`)make (\w+)", readme, re.MULTILINE))
    assert {"demo", "test"} <= shown <= targets


def test_the_sample_output_of_the_readme_adds_up(readme: str) -> None:
    """读到 = 已收 + 排除 + 未完成 + 待改正, as the sample itself says."""
    rows = re.findall(r"^ +\w{4} +(\d+) +(\d+) +\d+ +\d+ +\d+ +(\d+) +(\d+) +(\d+) +平", readme, re.MULTILINE)
    assert rows
    assert [row for row in rows if int(row[0]) != sum(map(int, row[1:]))] == []
