"""In which charset a reply is written: a platform of another edition than ours still has to be understood when it refuses us."""

from __future__ import annotations

import codecs
from email.message import Message

#: each is a part of the next, and they are named for each other
_CHINESE = frozenset({"gb2312", "gbk", "gb18030"})


def of_reply(content_type: str, body: bytes, own: str) -> str:
    """As the reply says, else UTF-8, else `own`, the charset of our edition: the first in which its bytes can be read."""
    for charset in (_declared(content_type), own if body.isascii() else "", "utf-8"):
        if charset and _reads(body, charset):
            return codecs.lookup(charset).name
    return own


def same(one: str, other: str) -> bool:
    """Whether two names of charsets that exist mean the same one."""
    return _plain(one) == _plain(other)


def widened(content_type: str) -> str:
    """The same with the widest of the Chinese charsets, of which the one that it names is a part."""
    name = _declared(content_type)
    return "text/plain; charset=gb18030" if name in _CHINESE else content_type


def _declared(content_type: str) -> str:
    message = Message()
    message["content-type"] = content_type
    return message.get_content_charset("")


def _reads(body: bytes, charset: str) -> bool:
    try:
        body.decode(charset)
    except (LookupError, UnicodeError):  # a name that stands for no text encoding; bytes of another one
        return False
    return True


def _plain(charset: str) -> str:
    name = codecs.lookup(charset).name
    return "gb18030" if name in _CHINESE else name
