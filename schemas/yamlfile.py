"""Read a YAML file strictly, so that every mistake is told with file, line and key.

Used for the edition, for mappings and for both config files. PyYAML reads `0110` as 72 and `no` as false;
here a number where a text must stand, a doubled key and an unknown key are errors, and the nearest key is named.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from yaml.reader import ReaderError

from schemas.errors import SpecError, file_trouble

T = TypeVar("T")
#: of every file that a person writes: the editor of Windows puts a BOM before UTF-8
ENCODING = "utf-8-sig"
#: what PyYAML lets through instead of an error of its own, e.g. for the date 2026-02-30 or `!!bool maybe`
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
_UNREADABLE_SENTENCE = "值读不出来（日期写错了？）"
_KINDS: dict[type, str] = {str: "文本", int: "整数", bool: "true 或 false", float: "小数", list: "列表", dict: "键值表"}


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """SafeLoader, in C where PyYAML has it, that refuses doubled keys and keeps the line of every mapping."""

    name: str


def _construct_mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[str, Any]:
    pairs = _Lined(node.start_mark.line + 1)
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise SpecError("键不能是列表或键值表", file=loader.name, line=line)
        try:
            key = loader.construct_object(key_node)
            if key in pairs:
                raise SpecError("同一个键写了两次", file=loader.name, line=line, key=str(key))
            pairs[key] = loader.construct_object(value_node, deep=True)
        except _UNREADABLE:
            raise SpecError(_UNREADABLE_SENTENCE, file=loader.name, line=line, key=key_node.value) from None
        pairs.lines[str(key)] = line
    return pairs


class _Lined(dict[str, Any]):
    """A mapping that remembers on which line it begins and on which each of its keys stands."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


@dataclass(frozen=True, slots=True)
class Section:
    """One mapping of a YAML file with the place it stands at. SpecError if one of its keys is no text: 3505 and "3505" are two."""

    data: Mapping[str, Any]
    file: Path
    key: str = ""

    def __post_init__(self) -> None:
        for key in self.data:
            if not isinstance(key, str):
                raise self.error("键须为文本（请加引号）", str(key))

    def error(self, message: str, key: str = "") -> SpecError:
        """An error that points at `key` of this section."""
        line = self.data.lines.get(key, self.data.line) if isinstance(self.data, _Lined) else 0
        return SpecError(message, file=self.file, line=line, key=self._path(key))

    def known(self, *keys: str) -> Section:
        """Refuse any key that is not among `keys`; name the nearest one."""
        for key in self.data:
            if key not in keys:
                near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
                hint = f"，是否想写 {near[0]}？" if near else f"，可用的键：{'、'.join(keys)}"
                raise self.error(f"不认识的键{hint}", key)
        return self

    def get(self, key: str, kind: type[T], default: T | None = None) -> T | None:
        """The value of `key` if present and of `kind`, else `default`; a wrong kind is an error."""
        value = self.data.get(key)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            quotes = "（请加引号）" if kind is str else ""
            raise self.error(f"应为{_kind(kind)}{quotes}，实为{_kind(type(value))}", key)
        return value

    def need(self, key: str, kind: type[T]) -> T:
        """The value of `key`; absent is an error."""
        value = self.get(key, kind)
        if value is None:
            raise self.error("缺少必填的键", key)
        return value

    def at_least(self, key: str, least: int, default: int | None = None) -> int:
        """A whole number that is not below `least`; without a default it must be there."""
        number = self.need(key, int) if default is None else self.get(key, int, default)
        if number is None or number < least:
            raise self.error(f"应不小于 {least}", key)
        return number

    def text(self, key: str, default: str = "") -> str:
        """An optional text."""
        return self.get(key, str, default) or default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; absent means empty."""
        values = self.get(key, list, []) or []
        for value in values:
            if not isinstance(value, str):
                raise self.error(f"列表中的 {value!r} 应为文本（请加引号）", key)
        return tuple(values)

    def section(self, key: str) -> Section:
        """The mapping under `key`; absent is an error."""
        return Section(self.need(key, dict), self.file, self._path(key))

    def optional(self, key: str) -> Section | None:
        """The mapping under `key`, or None."""
        return self.section(key) if self.data.get(key) is not None else None

    def sections(self, key: str) -> tuple[Section, ...]:
        """A list of mappings; absent means empty."""
        values: Iterable[Any] = self.get(key, list, []) or []
        return tuple(self._item(key, index, value) for index, value in enumerate(values))

    def named(self, key: str) -> dict[str, Section]:
        """A mapping of name -> mapping; absent means empty."""
        inner = self.optional(key)
        return {name: inner.section(name) for name in inner.data} if inner else {}

    def secret(self, key: str) -> str:
        """A value that must not stand in the file: `{file: path}` or `{env: NAME}`. No error shows what was found."""
        if isinstance(self.data.get(key), str):
            raise self.error("不得写在文件里：请写 {file: 文件} 或 {env: 环境变量}", key)
        inner = self.section(key).known("file", "env")
        if len(inner.data) != 1:
            raise self.error("file 与 env 须且只须写一个", key)
        name = inner.get("env", str)
        value = os.environ.get(name, "") if name else inner._file("file")
        if not value:
            raise inner.error(f"环境变量 {name} 没有设置" if name else "文件是空的", "env" if name else "file")
        return value

    def origin(self, key: str) -> str:
        """Where the secret under `key` is; never what it is."""
        inner = self.section(key)
        name = inner.text("env")
        return f"环境变量 {name}" if name else f"文件 {self.file.parent / inner.need('file', str)}"

    def _file(self, key: str) -> str:
        path = self.file.parent / self.need(key, str)
        try:
            return path.read_text(encoding=ENCODING).strip()
        except FileNotFoundError:
            raise self.error(f"文件 {path} 不存在", key) from None
        except (OSError, UnicodeDecodeError) as error:
            raise self.error(f"文件 {path} 读不出来（须为 UTF-8 文本）：{file_trouble(error)}", key) from None

    def _item(self, key: str, index: int, value: Any) -> Section:
        if not isinstance(value, dict):
            raise self.error(f"第 {index + 1} 项应为键值表", key)
        return Section(value, self.file, f"{self._path(key)}[{index}]")

    def _path(self, key: str) -> str:
        return ".".join(part for part in (self.key, key) if part)


def _kind(kind: type) -> str:
    return _KINDS.get(kind, "日期" if issubclass(kind, date) else kind.__name__)


def of_line(values: Mapping[str, Any], file: Path, line: int) -> Section:
    """A row of a table that stands for a mapping of a YAML file: its mistakes are told with the number of the row."""
    data = _Lined(line)
    data.update(values)
    return Section(data, file)


def read(path: Path) -> Section:
    """Read `path` as one mapping. SpecError names file and line of whatever is wrong."""
    try:
        text = path.read_text(encoding=ENCODING)
    except FileNotFoundError:
        raise SpecError("文件不存在", file=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"文件读不出来（须为 UTF-8 文本）：{file_trouble(error)}", file=path) from None
    return parse(text, path)


def parse(text: str, path: Path) -> Section:
    """Parse YAML `text` that came from `path`."""
    try:
        data = _construct(text, path)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise SpecError(f"YAML 语法错误，多半是括号、引号或缩进不对（{error.problem}）", file=path, line=line) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpecError("含有 YAML 不允许的控制字符", file=path, line=line) from None
    except _UNREADABLE:
        raise SpecError(_UNREADABLE_SENTENCE, file=path) from None
    except RecursionError:
        raise SpecError("括号或缩进嵌套得太深", file=path) from None
    if not isinstance(data, dict):
        raise SpecError("内容应为键值表", file=path)
    return Section(data, path)


def _construct(text: str, path: Path) -> Any:
    loader = _StrictLoader(text)
    loader.name = str(path)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
