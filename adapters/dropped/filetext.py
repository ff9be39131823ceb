"""Bytes of a dropped file -> text, strictly: what would be read as other characters than were written is refused, never guessed.

GBK takes nearly any bytes for characters, so a UTF-8 file that was cut or damaged would turn into others without an error.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Encoding(StrEnum):
    """What a manifest may say of a file's characters."""

    UTF8 = "utf-8"
    GBK = "gbk"
    GB18030 = "gb18030"
    DETECT = "detect"


class BadFileError(Exception):
    """The whole file is not taken in; the message is for the people who wrote it, in Chinese."""


_BOM = b"\xef\xbb\xbf"
#: a Chinese character in UTF-8
_THREE = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}")
#: so many in a row are no chance in GBK
_SURE = 3
#: what replaced a character that could not be read, and what that becomes when it is read as GBK
_REPLACED = ("\ufffd", "锟斤拷")


def decode(content: bytes, encoding: Encoding) -> str:
    """The text. BadFileError says what is wrong with it."""
    text = _decoded(content, encoding)
    if "\0" in text:
        raise BadFileError(f"第 {_line(text, text.index(chr(0)))} 行含有空字符（NUL），文件多半已损坏")
    for mark in _REPLACED:
        if mark in text:
            told = "有被替换掉的字（乱码）：导出时字符集就弄错了，请重新导出"
            raise BadFileError(f"第 {_line(text, text.index(mark))} 行{told}")
    return text


def _decoded(content: bytes, encoding: Encoding) -> str:
    if content.startswith(_BOM):
        if encoding in (Encoding.GBK, Encoding.GB18030):
            raise BadFileError(f"文件是 UTF-8（带 BOM），不是适配包写的 {encoding}")
        return _strict(content[len(_BOM) :], Encoding.UTF8)
    if encoding is Encoding.DETECT:
        encoding = _detected(content)
    elif encoding is not Encoding.UTF8 and not content.isascii() and _is_utf8(content) and len(_THREE.findall(content)) >= _SURE:
        raise BadFileError(f"文件是 UTF-8，不是适配包写的 {encoding}")
    return _strict(content, encoding)


def _strict(content: bytes, encoding: Encoding) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadFileError(f"第 {line} 行有不是 {encoding} 的字节：字符集不对，或文件已损坏、没有写完") from None


def _detected(content: bytes) -> Encoding:
    """UTF-8 or GB18030. BadFileError where it could be either, or a damaged one."""
    if content.isascii():
        return Encoding.UTF8
    chinese = len(_THREE.findall(content))
    if _is_utf8(content):
        if chinese:
            return Encoding.UTF8
        raise BadFileError("分不清是 UTF-8 还是 GBK（字太少），请在 manifest.yaml 写明 encoding")
    broken = content.decode("utf-8", "replace").count("\ufffd")
    if chinese >= _SURE and chinese > broken:
        raise BadFileError("像是 UTF-8，但有损坏或没有写完的字节")
    return Encoding.GB18030


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
