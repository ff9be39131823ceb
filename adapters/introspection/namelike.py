"""Words of a site's data that may name a person: told by their shape alone, where no column says so."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d{6,}")
_NAME = re.compile(r"[\u4e00-\u9fff·]{2,4}")
_WORD = re.compile(r"[\u4e00-\u9fff·]+")
#: 百家姓 by frequency (2020 年全国姓名报告, the first hundred): a short Chinese word that begins so may be a name
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段漕钱汤尹黎易常武乔贺赖龚文"
)


def may_be_someone(word: str) -> bool:
    """Whether a word may be a person's name or number: then it is not shown."""
    return bool(_NUMBER.search(word) or _is_name(word))


def masked(text: str) -> str:
    """The text with every word by itself that may be a name cut to its first character."""
    return _WORD.sub(lambda found: f"{found[0][0]}***" if _is_name(found[0]) else found[0], text)


def _is_name(word: str) -> bool:
    return bool(_NAME.fullmatch(word)) and word[0] in _SURNAMES
