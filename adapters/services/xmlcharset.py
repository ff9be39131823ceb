"""The charset of a reply of XML: what it says of itself, or what its header says, as Chinese services mean it.

Many write `GB2312` and mean GBK or GB18030, of which it is a part; a parser that takes the word literally stops at the first 镕.
"""

from __future__ import annotations

import re

from gateway.web import charset

_DECLARED = re.compile(rb"""^\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*\?>""")


def in_utf8(content: bytes, content_type: str) -> bytes:
    """The reply in UTF-8, without a declaration that says otherwise; as it is where it is that already, or nobody says what."""
    if charset.of_reply("", content, "") == "utf-8" or content.isascii():
        return content
    declaration = _DECLARED.match(content)
    said = declaration[1].decode("ascii") if declaration else ""
    for name in (f"text/xml; charset={said}", content_type):
        found = charset.of_reply(charset.widened(name), content, "")
        if found and found != "utf-8":
            return _DECLARED.sub(b"", content.decode(found).encode())
    return content
