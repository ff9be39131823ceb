"""The machine: Python, drivers, time zone, calendar, key files, disk, the port to listen at."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

from gateway.config import Config
from gateway.diagnosis.finding import Finding, bad, good, notice
from gateway.disk import spoken
from schemas import address, workdays
from schemas.wire import SHANGHAI

_OLDEST, _NEWEST = (3, 11), (3, 13)
#: the module by which each is there; DM's dialect, which brings its driver
_DRIVERS = {
    **{name: name for name in ("psycopg", "pymysql", "oracledb", "pymssql", "ksycopg2")},
    "cx_oracle": "cx_Oracle",
    "dmPython": "dmSQLAlchemy",
}
_SHANGHAI_OFFSET = timedelta(hours=8)


def findings(config: Config, now: datetime) -> Iterator[Finding]:
    """All of them."""
    yield _python()
    yield from _drivers(config)
    yield _zone(now)
    yield _calendar(now.date())
    yield from _secrets(config)
    yield from _disk(config)
    yield from _port(config)


def _python() -> Finding:
    version = platform.python_version()
    if not _OLDEST <= sys.version_info[:2] <= _NEWEST:
        return bad("Python", f"{version}：须为 3.11 至 3.13，请换一个版本的 Python 重装")
    return good("Python", f"{version}，{platform.system()} {platform.machine()}")


def _drivers(config: Config) -> Iterator[Finding]:
    schemes = [
        config.store_url.partition("://")[0],
        *(source.url.drivername for source in config.sources if source.url is not None),
    ]
    for scheme in dict.fromkeys(map(address.driver, schemes)):
        module = _DRIVERS.get(scheme.partition("+")[2], "")
        if module and find_spec(module) is None:
            yield bad("驱动", address.missing_driver(scheme))
        elif module:
            yield good("驱动", f"{scheme} 已安装")


def _zone(now: datetime) -> Finding:
    """Times in messages are of Shanghai, wherever the machine believes to be; its own reports and tasks are not."""
    local = now.astimezone().utcoffset()
    if local != _SHANGHAI_OFFSET:
        return notice("时区", "本机的时区不是东八区：报文里的时间不受影响，但计划任务和别的程序的日志会对不上，建议改为北京时间")
    return good("时区", "东八区")


def _calendar(today: date) -> Finding:
    """Limits in working days need the holidays of this year, and in December those of the next."""
    wanted = (today + timedelta(days=31)).year
    if not workdays.is_known(wanted):
        return notice("节假日", f"程序不知道 {wanted} 年的放假安排，按周末推算：放假安排公布后请升级 chinesecalendar")
    return good("节假日", f"知道 {wanted} 年的放假安排")


def _secrets(config: Config) -> Iterator[Finding]:
    """Only its own account may read a key file. Windows keeps rights elsewhere: there a person looks."""
    files = [path for path in _key_files(config) if path.is_file()]
    if not files:
        return
    if os.name == "nt":
        yield notice("密钥文件", f"{len(files)} 个：请用 icacls 核对只有服务账号和管理员能读")
        return
    open_to_others = [path for path in files if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH)]
    for path in open_to_others:
        yield bad("密钥文件", f"{path} 别的账号也能读：请运行 chmod 600 {path}")
    if not open_to_others:
        yield good("密钥文件", f"{len(files)} 个，只有本账号能读")


def _key_files(config: Config) -> Iterator[Path]:
    """The store's key; secrets of the configuration are found beside it."""
    if isinstance(config.storage.key, Path):
        yield config.storage.key
    place = _store_file(config)
    if place:
        yield Path(f"{place}.key")
    yield from config.secret_files


def _store_file(config: Config) -> Path | None:
    """None where a server keeps the store."""
    scheme, _, rest = config.store_url.partition("://")
    return Path(rest.removeprefix("/").partition("?")[0]) if scheme.partition("+")[0] == "sqlite" else None


def _disk(config: Config) -> Iterator[Finding]:
    place, floor = _store_file(config), config.storage.disk_floor
    if place is None:
        return
    folder = next(each for each in place.absolute().parents if each.exists())
    free = shutil.disk_usage(folder).free
    if free < floor:
        yield bad("磁盘", f"{folder} 只剩 {spoken(free)}，少于 {spoken(floor)}（store.disk_floor），不会再读取：请清理")
    elif free < 2 * floor:
        yield notice("磁盘", f"{folder} 剩 {spoken(free)}，快到下限 {spoken(floor)}")
    else:
        yield good("磁盘", f"{folder} 剩 {spoken(free)}")
    if not os.access(folder, os.W_OK):
        yield bad("本地库", f"文件夹 {folder} 写不进去：请给运行网关的账号写入权限")


def _port(config: Config) -> Iterator[Finding]:
    if config.http is None:
        return
    place = f"{config.http.host}:{config.http.port}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.http.host, config.http.port))
        except OSError:
            yield notice("监听端口", f"{place} 已被占用：gateway serve 正在运行就不用管，否则换一个端口或停掉占用它的程序")
            return
    yield good("监听端口", f"{place} 空着")


def moment() -> datetime:
    """Our clock."""
    return datetime.now(SHANGHAI)
