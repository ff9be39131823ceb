"""click in Chinese, for both commands: headings of the help and mistakes of the one who types."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

_HEADINGS = {"Options": "选项", "Commands": "命令", "Arguments": "参数"}


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


class Group(Command, click.Group):
    """A group whose help and mistakes are Chinese. A mistake in typing ends with exit code 1."""

    command_class = Command
    group_class = type

    def main(self, *args: Any, **extra: Any) -> Any:
        """As click's own, but for the sentence and the exit code of a usage error."""
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except click.UsageError as error:
            click.echo(_sentence(error), err=True)
            sys.exit(1)
        except click.Abort:
            click.echo("已中断", err=True)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def _sentence(error: click.UsageError) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx:
        return error.ctx.get_help()
    command = error.ctx.command_path if error.ctx else Path(sys.argv[0]).name
    return f"{_cause(error)}；用法见 {command} --help"


def _cause(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption):
        return f"没有选项 {error.option_name}"
    if isinstance(error, click.MissingParameter) and error.param:
        return f"缺少 {error.param.metavar or '、'.join(error.param.opts)}"
    if isinstance(error, click.BadParameter) and error.param:
        return f"{error.param.metavar or '、'.join(error.param.opts)} 的值不能用"
    return "没有这个命令，或参数写多了"
