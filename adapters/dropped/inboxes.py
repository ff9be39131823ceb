"""What is wrong with a drop folder that no reading tells: no right to write, names that nobody takes, what nobody has mended."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from adapters.dropped.filenames import Naming
from adapters.dropped.files import FileSource
from schemas.errors import file_trouble

_SHOWN = 3
#: what stands beside a file that is read, and is none by itself
_BESIDE = {".ok", ".dbt", ".fpt"}


def unusable(inbox: Path) -> str:
    """Why the gateway cannot work there; "" if it can. An empty file is written, and taken away at once."""
    try:
        if not inbox.is_dir():
            raise FileNotFoundError
        with tempfile.NamedTemporaryFile(dir=inbox, prefix=".gateway-"):
            return ""
    except OSError as error:
        return (
            f"投放文件夹 {inbox} 不能写：{file_trouble(error)}。读过的文件要移到其中的 archive，请核对路径和运行网关的账号的写权限"
        )


def unclaimed(sources: Iterable[object]) -> Iterator[str]:
    """Files that stand where none of the data sets looks for its own: one letter in another case is another name."""
    names: defaultdict[Path, list[Naming]] = defaultdict(list)
    for source in _of_files(sources):
        names[source.folder.inbox].extend(source.folder.arrivals.names)
    for inbox, taken in names.items():
        if lost := sorted(path.name for path in _inside(inbox) if path.is_file() and not _is_taken(path, taken)):
            more = f" 等 {len(lost)} 份" if len(lost) > _SHOWN else ""
            yield (
                f"投放文件夹 {inbox} 里有文件没有数据集读：{'、'.join(lost[:_SHOWN])}{more}。"
                "核对适配包 manifest.yaml 里文件的名字（字母的大小写也要一样）和来源的 datasets；正在写的临时文件不用管"
            )


def bare(sources: Iterable[object]) -> Iterator[str]:
    """Heads without lines that the last reading met."""
    for source in _of_files(sources):
        yield from (f"{source.name} · {source.dataset}：{sentence}" for sentence in source.left_bare())


def unmended(sources: Iterable[object]) -> Iterator[str]:
    """What was put aside and still stands there: the reading told it once."""
    for source in _of_files(sources):
        if count := sum(path.suffix.lower() not in {".txt", *_BESIDE} for path in _inside(source.folder.bad)):
            yield (
                f"{source.folder.bad} 里有 {count} 份没有读入的还没有处理：照旁边写的原因改好放回，或请厂商重新导出；"
                "处理好的从那里删掉"
            )


def _of_files(sources: Iterable[object]) -> Iterator[FileSource]:
    return (each for each in sources if isinstance(each, FileSource))


def _is_taken(path: Path, names: Sequence[Naming]) -> bool:
    return path.suffix.lower() in _BESIDE or any(each.takes(path.name) for each in names)


def _inside(folder: Path) -> list[Path]:
    """None of a folder that is not there or cannot be opened: the reading tells that."""
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
