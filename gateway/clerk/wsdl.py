"""`gateway profile wsdl`: save the WSDL of a SOAP service, with all that it names, into a profile."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from adapters.services.webclient import WebClient, basic
from gateway.errors import ConfigError, SourceError
from gateway.layout import say
from gateway.model import Service
from gateway.telling import told
from schemas import address
from schemas.commandline import Command
from schemas.errors import file_trouble
from schemas.yamlfile import Section

_FILE = click.Path(path_type=Path, dir_okay=False)
_SUCCESS = 200
#: what a client that belongs to no source is called, and is not called in its sentences
_NAME = "wsdl"


@click.command(name="wsdl", cls=Command, help="存下 SOAP 服务的 WSDL 和它引用的全部文件：运行时不到网上去取，须随适配包带着。")
@click.argument("url", metavar="WSDL的地址")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="写到哪个新文件夹，例：profile/wsdl")
@click.option("--user", default="", help="登录以后才给看的：用户名（HTTP basic）")
@click.option("--password-from", default=None, type=_FILE, help="写着密码的文件，一行")
@click.option("--ca-file", default=None, type=_FILE, help="自建 CA 的证书，同配置里的 service.ca_file")
def wsdl(*, url: str, out: Path, user: str, password_from: Path | None, ca_file: Path | None) -> None:
    """Write them to a new folder, all or none; tell what may be called."""
    console = Console(highlight=False, markup=False)
    with told():
        if fault := address.web_fault(url):
            raise ConfigError(f"WSDL 的地址{fault}")
        if out.exists() and any(out.iterdir()):
            raise ConfigError(f"文件夹 {out} 不是空的，请换一个，免得盖掉已经改好的")
        if find_spec("lxml") is None:
            raise ConfigError(address.missing_library("SOAP 服务", "soap"))
        password = Section({"password": {"file": password_from.name}}, password_from).secret("password") if password_from else ""
        files, operations = _fetched(Service(url, user, password, ca_file=ca_file))
        _write(out, files)
    for name in files:
        say(console, f"已写 {out / name}")
    say(console, f"manifest.yaml 里写 wsdl: {out.name}/{next(iter(files))}；操作有：{'、'.join(operations)}")


def _fetched(service: Service) -> tuple[Mapping[str, bytes], list[str]]:
    from adapters.services import wsdlcopy  # lxml comes with the extra `soap`

    client = WebClient(_NAME, service)

    def fetch(url: str) -> bytes:
        try:
            reply = client.call("GET", url, **(basic(service) if service.user else {}))
        except SourceError as error:
            raise SourceError(str(error).removeprefix(f"数据源 {_NAME} 的")) from None
        if reply.status_code != _SUCCESS:
            raise SourceError(f"{wsdlcopy.shown(url)} 没有给出文件（HTTP {reply.status_code}）：请核对地址；要登录的写 --user")
        return reply.content

    files = wsdlcopy.copied(service.url, fetch)
    return files, wsdlcopy.operations(files)


def _write(out: Path, files: Mapping[str, bytes]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise ConfigError(f"文件夹 {out} 写不进去：{file_trouble(error)}") from None
