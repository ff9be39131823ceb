"""The `compliance` command. Every failure is one Chinese sentence.

Exit codes: 0 all well · 1 something needs a person or a later try · 2 configuration or credentials are wrong.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from compliance import boardview, closures, credentials, reporting, roster, serving, thresholds, upkeep
from compliance import config as configuration
from compliance.config import Config
from compliance.errors import ConfigError
from compliance.model import EpochState
from compliance.store import database
from compliance.store.epochs import StoredEpochs
from compliance.store.roll import StoredRoll
from compliance.store.tables import SCHEMA_VERSION
from compliance.telling import checked, opened, told
from compliance.workbook import coverage as workbook
from jobs import loglines
from jobs.loglines import Lines, LogFileError
from schemas import wire
from schemas.commandline import Group
from schemas.logfile import LogFile

_FILE = click.Path(path_type=Path, dir_okay=False)
_EPOCH_WORDS = {EpochState.ACTIVE: "报送中", EpochState.WAITING: "待批准", EpochState.FENCED: "已停用"}


@click.group(cls=Group, help="医保局智能场景监控合规平台：接收机构报送，统计覆盖与时效。")
@click.option("--config", "path", type=_FILE, default=Path("compliance.yaml"), help="配置文件，默认 compliance.yaml")
@click.pass_context
def cli(context: click.Context, path: Path) -> None:
    """Entry point of every command."""
    context.obj = path


for command in (*boardview.COMMANDS, *closures.COMMANDS, *upkeep.COMMANDS):
    cli.add_command(command)


@cli.command(help="建立存储；已建立的不动，旧版的升级（先备份）。")
@click.pass_obj
def init(path: Path) -> None:
    """Make the tables and an empty credentials file, or bring an older store to this version."""
    with told(path):
        config = configuration.load(path)
        serving.edition_of(config)
        store = database.connect(config.store)
        created, before = store.create(), store.upgrade()
        if not config.credentials.exists():
            credentials.create(config.credentials)
            click.echo(f"密钥文件已建立：{config.credentials}")
        upgraded = f"存储已从第 {before} 版升级到第 {SCHEMA_VERSION} 版" if before < SCHEMA_VERSION else "存储早已建立，没有改动"
        click.echo("存储已建立" if created else upgraded)


@cli.command(help="启动接收服务，收到停止信号后处理完手上的报文再退出。")
@click.pass_obj
def serve(path: Path) -> None:
    """Run until told to stop."""
    with told(path):
        config = configuration.load(path)
        app = serving.build(config)
        _warn(config)
        lines = _log_json(config.log)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
        with serving.Server(app, config.host, config.port) as server:
            click.echo(f"{config.district}接收服务已启动：{server.url}/api/upload")
            keeping = upkeep.Upkeep(config)
            while not stop.wait(1):  # a wait without end would not let Windows see the signal
                lines.tick()
                keeping.turn()
            keeping.close()
        lines.close()
        click.echo("接收服务已停止")


@cli.group("roster", help="机构名册：导入、绑定编码。")
def roster_group() -> None:
    """Commands on the roster."""


@roster_group.command("import", help="从 CSV 或 Excel 导入名册；有一处不对就全部不导入。")
@click.argument("file", type=_FILE, metavar="文件")
@click.pass_obj
def roster_import(path: Path, file: Path) -> None:
    """Import a roster file and tell what changed."""
    with told(path), opened(path) as (_, store):
        done = roster.load(file, StoredRoll(store))
        click.echo(f"名册已导入：新增 {len(done.added)} 家，更新 {len(done.updated)} 家，改名 {len(done.renamed)} 家")
        click.echo(f"文件中规划建设 {done.planned} 个场景，不含缓建 {done.assessed} 个")
        for old, new in done.renamed:
            click.echo(f"改名：{old} → {new}")
        for name in done.missing:
            click.echo(f"提示：{name} 不在这份文件里，名册中仍保留")
        for column in done.ignored:
            click.echo(f"提示：列 {column} 没有用到")


@roster_group.command("code", help="给名册中的机构绑定定点医药机构编码。")
@click.argument("name", metavar="机构名称")
@click.argument("code", metavar="编码")
@click.pass_obj
def roster_code(path: Path, name: str, code: str) -> None:
    """Bind a code to a name."""
    with told(path), opened(path) as (_, store):
        StoredRoll(store).bind(name, checked(code))
        click.echo(f"{name} 的编码为 {code}")


@cli.group("key", help="机构密钥。")
def key_group() -> None:
    """Commands on credentials."""


@key_group.command("issue", help="给机构发放密钥；已有的作废并换新。")
@click.argument("code", metavar="编码")
@click.pass_obj
def key_issue(path: Path, code: str) -> None:
    """Create or rotate the credential of an institution. The token goes into a file, never onto the screen."""
    with told(path), opened(path) as (config, store):
        paasid, handover = credentials.issue(config.credentials, checked(code))
        click.echo(f"paasid：{paasid}")
        click.echo(f"密钥写在 {handover}（仅本人可读）；交给机构后请删除这个文件")
        if reporting.off_roster(StoredRoll(store).institutions(), (code,)):
            click.echo(f"提示：名册中没有编码 {code}，请用 compliance roster code 绑定")


@cli.group("epoch", help="机构的网关：一家机构同时只许一套网关报送。")
def epoch_group() -> None:
    """Commands on the gateways of an institution."""


@epoch_group.command("list", help="列出报送过的网关；“待批准”的是被拒收的另一套。")
@click.pass_obj
def epoch_list(path: Path) -> None:
    """Every installation ever seen, and whether it may report."""
    with told(path), opened(path) as (_, store):
        found = StoredEpochs(store).all()
        for institution, epoch in found:
            seen = f"首次 {wire.encode_datetime(epoch.first_seen)}　最近 {wire.encode_datetime(epoch.last_seen)}"
            click.echo(f"{institution}　{_EPOCH_WORDS[epoch.state]}　{epoch.rid}　{seen}")
        if not found:
            click.echo("还没有网关报送过")


@epoch_group.command("approve", help="批准一套网关报送，同一机构的其他网关从此拒收。")
@click.argument("institution", metavar="机构编码")
@click.argument("rid", metavar="安装号")
@click.pass_obj
def epoch_approve(path: Path, institution: str, rid: str) -> None:
    """Let one installation report and fence the others."""
    with told(path), opened(path) as (_, store):
        StoredEpochs(store).approve(institution, rid, serving.now())
        click.echo(f"{institution} 今后由安装号 {rid} 的网关报送，其他网关一律拒收")


@cli.group("export", help="导出报表。")
def export_group() -> None:
    """Commands that write workbooks."""


@export_group.command("coverage", help="导出覆盖与报送情况（Excel）。")
@click.option("--out", type=_FILE, required=True, help="写到哪个 .xlsx 文件")
@click.pass_obj
def export_coverage(path: Path, out: Path) -> None:
    """Write the coverage workbook and tell who is not on the roster."""
    with told(path), opened(path) as (config, store):
        report = serving.coverage(config, store, serving.now())
        asked = boardview.asked(None, report.as_of, thresholds.shipped().matrix_days)
        workbook.write(report, out, serving.board(config, store, asked))
        click.echo(f"已写出 {out}：应建 {report.assessed} 个场景，接收中 {report.receiving} 个")
        known = StoredRoll(store).institutions()
        for code in reporting.off_roster(known, [row.code for row in report.institutions if row.code]):
            click.echo(f"提示：{code} 有密钥或报送记录，但不在名册中，已附在表后")


def _warn(config: Config) -> None:
    for sentence in credentials.warnings(config.credentials):
        click.echo(f"提示：{sentence}", err=True)


def _log_json(file: LogFile | None = None) -> Lines:
    """One JSON line per event on standard error; what comes from outside cannot forge a second line."""
    try:
        return loglines.configure(file)
    except LogFileError as error:
        raise ConfigError(str(error), key="log.file") from None
