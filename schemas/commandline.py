"""click in Chinese, for both commands: headings of the help and mistakes of the one who types."""

from __future__ import annotations

import difflib
import importlib
import io
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

#: what click says of a value -> what we say
_FAULTS = {
    "is a directory": "应为文件，这是文件夹",
    "is a file": "应为文件夹，这是文件",
    "does not exist": "不存在",
    "is not readable": "读不了，请检查权限",
    "is not writable": "写不了，请检查权限",
    "does not match the format": "应写作 yyyy-MM-dd，例：2026-11-24",
    "is out of all calendars": "年份应在 1990 到 2199 之间，例：2026-11-24",
    "is not a valid integer": "应为整数",
    "is not in the range": "超出范围",
}
#: in which anything can have been reported: sums of days near the ends of the calendar cannot be written
_YEARS = range(1990, 2200)
_HEADINGS = {"Options": "选项", "Commands": "命令", "Arguments": "参数"}


class CalendarDay(click.DateTime):
    """A day as it is typed; a slip of its year is told as one."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click."""
        found = super().convert(value, param, ctx)
        if found.year not in _YEARS:
            self.fail(f"{value!r} is out of all calendars.", param, ctx)
        return found


class _Formatter(click.HelpFormatter):
    """Chinese headings."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line of a help."""
        super().write_usage(prog, args.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 [参数]…"), "用法：")

    def write_heading(self, heading: str) -> None:
        """A heading inside a help."""
        super().write_heading(_HEADINGS.get(heading, heading))


class _Context(click.Context):
    formatter_class = _Formatter


class Command(click.Command):
    """A command whose help is Chinese."""

    context_class = _Context

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """--help, explained in Chinese."""
        option = super().get_help_option(ctx)
        if option:
            option.help = "显示帮助"
        return option

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's own, which does not always say in which command the mistake was made."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class Group(Command, click.Group):
    """A group whose help and mistakes are Chinese. A mistake in typing ends with exit code 2: trying again does not help."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, later: Mapping[str, str] | None = None, **extra: Any) -> None:
        """`later`: name of a command -> the module whose COMMANDS hold it, imported only when it is asked for.

        What a person types once a month must not cost every run the time and memory of its libraries.
        """
        super().__init__(*args, **extra)
        self._later = dict(later or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those that are not imported yet too."""
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it first, if that was put off."""
        if module := self._later.get(cmd_name):
            found: Iterable[click.Command] = importlib.import_module(module).COMMANDS
            return next(each for each in found if each.name == cmd_name)
        return super().get_command(ctx, cmd_name)

    def main(self, *args: Any, **extra: Any) -> Any:
        """As click's own, but for the sentence of a usage error, and for a console that cannot write Chinese."""
        _forgive(sys.stdout, sys.stderr)
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except click.UsageError as error:
            click.echo(_sentence(error), err=True)
            sys.exit(2)
        except click.Abort:
            click.echo("已中断", err=True)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's own, but for the sentence about a command that there is not."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchOption:
            raise
        except click.UsageError as error:
            raise _MistypedError(f"没有命令 {args[0]}{_nearest(args[0], self.list_commands(ctx))}", ctx) from error


class _MistypedError(click.UsageError):
    """Its message is Chinese already."""


def _forgive(*streams: object) -> None:
    """A character that the code page lacks is shown as a question mark; the work goes on."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _sentence(error: click.UsageError) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx:
        return error.ctx.get_help()
    command = error.ctx.command_path if error.ctx else Path(sys.argv[0]).name
    return f"{_cause(error)}；用法见 {command} --help"


def _cause(error: click.UsageError) -> str:
    match error:
        case _MistypedError():
            return error.message
        case click.NoSuchOption():
            return f"没有选项 {error.option_name}{_nearest(error.option_name, _options(error.ctx))}"
        case click.BadOptionUsage():
            return f"选项 {error.option_name} {'缺少值' if 'requires' in error.message else '不能带值'}"
        case click.MissingParameter() if error.param:
            return f"缺少 {_name(error.param)}"
        case click.BadParameter() if error.param:
            return f"{_name(error.param)} {_fault(error)}"
    extra = re.search(r"\((.*)\)$", error.message)
    return f"多写了 {extra[1]}" if extra else "命令写错了"


def _name(parameter: click.Parameter) -> str:
    return parameter.metavar or "、".join(parameter.opts)


def _options(context: click.Context | None) -> list[str]:
    return [name for each in context.command.get_params(context) for name in each.opts] if context else []


def _nearest(typed: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(typed, list(known), 1)
    return f"，是否想写 {found[0]}" if found else ""


def _fault(error: click.BadParameter) -> str:
    """What is wrong with a value, by the words of click."""
    told = next((said for sign, said in _FAULTS.items() if sign in error.message), "的值不能用")
    typed = re.search(r"'([^']*)'", error.message)
    return f"{told}：{typed[1]}" if typed else told
