"""The words of medical software: English, abbreviations, Chinese and pinyin lead to the same concept (vocabulary.yaml)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pypinyin import Style, lazy_pinyin

from schemas import yamlfile
from schemas.yamlfile import Section

_FILE = Path(__file__).with_name("vocabulary.yaml")
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_CHINESE = re.compile(r"[\u4e00-\u9fff/]+")
_ASIDE = re.compile(r"[（(].*?[)）]|[:：].*|\d+\s*[=＝、.-].*")
_SORTS, _NUMBERS = frozenset({"type", "status"}), frozenset({"id", "code"})  #: the code of a kind says which kind, of nobody
_BRACKETS = re.compile(r"[（(]([\u4e00-\u9fff]{2,12}(?:时间|日期|编码|编号|单号|名称|姓名|数量))[)）]")
_SHORTEST = 2  #: letters of initials that say anything
#: the words of a name in order; each may mean any of its concepts, an unknown one none
Slots = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words to concepts."""

    chinese: Mapping[str, str]
    english: Mapping[str, frozenset[str]]
    pinyin: Mapping[str, frozenset[str]]  #: initials, and whole words as they are spelt
    heads: frozenset[str]  #: concepts that say what kind of value it is
    idle: frozenset[str]  #: concepts that say nothing
    near: Mapping[str, frozenset[str]]  #: concepts that other systems mean by it
    units: Mapping[str, Mapping[str, str]]  #: unit of a field's name -> local unit -> factor
    longest: int  #: characters of the longest Chinese word

    def of_text(self, text: str) -> Slots:
        """The words of a Chinese label or comment, the longest first; what kind of value it is, by how it ends."""
        slots: list[frozenset[str]] = []
        for run in _CHINESE.findall(text):
            position = 0
            while position < len(run):
                size = next((size for size in range(self.longest, 0, -1) if run[position : position + size] in self.chinese), 0)
                slots.append(frozenset({self.chinese[run[position : position + size]]}) if size else frozenset())
                position += size or 1
            slots.extend(self._last(run))
        slots.extend(self.english[word] for word in words(text) if word in self.english)
        return self._told(slots)

    def _told(self, slots: Iterable[frozenset[str]]) -> Slots:
        """Each once, without the idle ones; several unknown characters or words in a row are one."""
        kept = dict.fromkeys(each for each in slots if not each or not each <= self.idle)
        sorts = any(each & _SORTS and each <= self.heads for each in kept)
        return tuple(each for each in kept if not (sorts and each and each <= _NUMBERS))

    def _last(self, run: str) -> Iterator[frozenset[str]]:
        """A 医疗目录编码 is a code."""
        for size in range(min(self.longest, len(run)), 0, -1):
            if self.chinese.get(run[-size:]) in self.heads:
                yield frozenset({self.chinese[run[-size:]]})
                return

    def of_name(self, name: str) -> Slots:
        """The words of a column's or a table's name: English, else pinyin."""
        slots: list[frozenset[str]] = []
        for word in self._joined(words(name)):
            known = self.english.get(word) or self.english.get(word.removesuffix("s"))
            slots.extend((known,) if known else self._spelt(word) or (frozenset(),))
        return self._told((*slots, *self.of_text(name)))

    def _joined(self, found: Sequence[str]) -> Iterator[str]:
        """Two words that only mean something together are one."""
        rest = list(found)
        while rest:
            word = rest.pop(0)
            pair = f"{word}_{rest[0]}" if rest else ""
            if pair in self.english:
                rest.pop(0)
                word = pair
            yield word

    def _spelt(self, word: str) -> Slots:
        """A word made of initials or syllables, cut into the fewest known parts; none if a letter is left over."""
        best: list[Slots | None] = [(), *([None] * len(word))]
        for end in range(1, len(word) + 1):
            for start in range(end):
                known, before = self.pinyin.get(word[start:end]), best[start]
                found = best[end]
                if known and before is not None and (found is None or len(before) + 1 < len(found)):
                    best[end] = (*before, known)
        return best[-1] or () if len(word) >= _SHORTEST else ()


def words(name: str) -> list[str]:
    """`patientName`, `PATIENT_NAME` and `patient_name` are two words; numbers say nothing."""
    return [word.lower() for word in _WORD.findall(name) if not word.isdigit()]


def essence(comment: str) -> str:
    """What a comment names, without its asides and its list of codes: “状态，0未审核、1已审核” is 状态."""
    return re.split(r"[，,；;。]", _ASIDE.sub("", comment), maxsplit=1)[0].strip()


def aside(comment: str) -> str:
    """What a comment names in brackets, where that is one plain Chinese name: “创建时间（开方日期）” is 开方日期."""
    found = _BRACKETS.search(comment)
    return found[1] if found else ""


@cache
def spelt(text: str) -> tuple[str, str]:
    """A Chinese text in whole pinyin and in initials, e.g. chufanghao and cfh."""
    chinese = "".join(_CHINESE.findall(text)).replace("/", "")
    return "".join(lazy_pinyin(chinese)), "".join(lazy_pinyin(chinese, style=Style.FIRST_LETTER))


@cache
def vocabulary() -> Vocabulary:
    """The one that ships with the product."""
    return read(_FILE)


def read(path: Path) -> Vocabulary:
    """SpecError names file and key of what is wrong."""
    chinese: dict[str, str] = {}
    english: defaultdict[str, set[str]] = defaultdict(set)
    pinyin: defaultdict[str, set[str]] = defaultdict(set)
    heads: set[str] = set()
    idle: set[str] = set()
    file = yamlfile.read(path).known("near", "units", "concepts")
    for concept, section in file.named("concepts").items():
        section.known("zh", "en", "py", "head", "idle")
        for word in section.texts("zh"):
            chinese.setdefault(word, concept)
        for word in section.texts("en"):
            english[word].add(concept)
        for word in _spellings(section.texts("zh"), section.texts("py")):
            pinyin[word].add(concept)
        if section.get("head", bool, False):
            heads.add(concept)
        if section.get("idle", bool, False):
            idle.add(concept)
    return Vocabulary(
        chinese=chinese,
        english=_frozen(english),
        pinyin=_frozen(pinyin),
        heads=frozenset(heads),
        idle=frozenset(idle),
        near=_near(file),
        units={name: {unit: each.need(unit, str) for unit in each.data} for name, each in file.named("units").items()},
        longest=max(map(len, chinese)),
    )


def _near(section: Section) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for group in section.get("near", list, []) or []:
        for concept in group:
            found[concept] |= set(group) - {concept}
    return _frozen(found)


def _spellings(chinese: Iterable[str], initials: Iterable[str]) -> Iterator[str]:
    yield from initials
    yield from (whole for whole, _ in map(spelt, chinese) if len(whole) > _SHORTEST)


def _frozen(found: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {word: frozenset(concepts) for word, concepts in found.items()}
