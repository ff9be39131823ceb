"""Replies of XML in the charsets that Chinese services write, whoever says which one it is."""

from __future__ import annotations

import pytest
from lxml import etree

from adapters.services import replies, xmlcharset

BODY = "<r>镕㛃</r>"


@pytest.mark.parametrize(
    ("declared", "header", "written"),
    [
        ("GB18030", "text/xml", "gb18030"),
        ("GB2312", "text/xml", "gb18030"),
        ("gbk", "text/xml; charset=utf-8", "gb18030"),
        ("", "text/xml; charset=gb2312", "gb18030"),
        ("UTF-8", "text/xml; charset=GBK", "gb18030"),
        ("", "text/xml; charset=GBK", "utf-8"),
        ("utf-8", "text/xml", "utf-8"),
        ("utf-16", "text/xml; charset=utf-16", "utf-16"),
        ("no-such", "text/xml; charset=gbk", "gb18030"),
    ],
)
def test_a_reply_is_read_in_the_charset_that_is_meant(declared: str, header: str, written: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    content = (declaration + BODY).encode(written)
    assert etree.fromstring(xmlcharset.in_utf8(content, header)).text == "镕㛃"


def test_bytes_of_which_nobody_says_the_charset_stay_and_are_told() -> None:
    content = f'<?xml version="1.0" encoding="UTF-8"?>{BODY}'.encode("gb18030")
    assert xmlcharset.in_utf8(content, "text/xml") == content
    assert "字符集" in replies.no_xml(content)


@pytest.mark.parametrize("content", [b"", b"<r/>", BODY.encode(), b"\xff\xfe"])
def test_what_needs_nothing_stays_as_it_is(content: bytes) -> None:
    assert xmlcharset.in_utf8(content, "text/xml") == content
