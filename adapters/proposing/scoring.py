"""How well a local column may be what a field asks for, by name, comment, type and content; with the reasons in Chinese.

The figure orders proposals. It is no probability, and nothing is decided by it alone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from adapters.proposing.fitting import fit
from adapters.proposing.labels import best_label, meaning
from adapters.proposing.sides import Offered, Score, Wanted
from adapters.proposing.vocabulary import Slots, Vocabulary, essence, words
from schemas.model import FieldType

#: what says “which kind of value” weighs less than what says “whose”
_HEAD_WEIGHT, _WEIGHT = 0.6, 1.0
#: a word that only the table says
_BY_TABLE = 0.6
#: kinds of value that stand for each other
_ALIKE = ({"id", "code"}, {"date", "time", "month"}, {"type", "status", "flag"})
_OTHER_KIND = 0.5  #: the factor where a name says another kind of value
_NEARLY = 0.9  #: of a kind of value that stands for the one that is asked for
_UNKNOWN = 0.5  #: what an unknown word weighs
_BY_MEANING = 0.85  #: what the field's explanation says, against its label
_BARE = 0.3  #: a column that only says “number” is nobody's
_NAMED = ("姓名", "名称")
_PLAIN = frozenset({"affirmed", "denied"})  #: yes and no fit every flag
_WORTH, _FURTHER = 0.4, 0.08  #: so much more where the explanation bears it out
_INNER_NUMBER = 0.7  #: a number that only this database knows, where a code, a name or the number of a line is asked for
_NEVER_ASIDE = frozenset({"flag", "status", "type", "name", "time", "date", "money"})  #: at the end of a name these say what it is
_CATALOGUES = frozenset({"catalogue_national", "catalogue_own"})
_BY_ASIDE = 0.95  #: what a comment says in brackets, “创建时间（开方日期）”
_DENIED = 0.6  #: of what the name says, where the comment says another kind of value
_ELSEWHEN = 0.5  #: the factor for the day of something that has a field of its own
_MOMENTS_OF = frozenset({"valid", "made", "birth"})
_RECALL = 0.65  #: how much the field's words count against those that the column has beside


def score(one: Wanted, other: Offered, known: Vocabulary, given: frozenset[str] = frozenset()) -> Score:
    """By its words, then by whether type and content can be what the field wants.

    `given` is what the data set is about: in its own table a 数量 is the 销售数量.
    """
    if given:
        other = replace(other, by_table=other.by_table | given)
    said, reasons = _said(one, other, known)
    factor, told = fit(one, other)
    if said >= _WORTH and frozenset().union(*other.by_name, *other.by_comment) & _further(one, known):
        said += _FURTHER
    inner = _kind(one, known) == "code" or "line" in one.concepts
    if other.link and (inner or one.spec.label.endswith("姓名")) and not one.spec.name.endswith("_id"):
        said *= _INNER_NUMBER
    said *= _elsewhen(one, other) * _of_whom(one, other)
    overlap = _codes(one, other)
    if overlap:
        said, reasons = min(1.0, said + 0.25 * overlap), (*reasons, "取值与代码表相符")
    return Score(round(min(said * factor, 1.0), 4), (*reasons, *told))


def _elsewhen(one: Wanted, other: Offered) -> float:
    """The last day of a lot is not the day on which it came in."""
    if one.spec.type not in (FieldType.DATE, FieldType.DATETIME):
        return 1.0
    said = frozenset().union(*other.by_name, *other.by_comment) & _MOMENTS_OF
    return _ELSEWHEN if said and not said & one.concepts.union(*one.meaning) else 1.0


def _of_whom(one: Wanted, other: Offered) -> float:
    """A 姓名 is a person's, a 名称 a thing's: who audited it is not what it was."""
    asked, told = one.spec.label.endswith(_NAMED), essence(other.column.comment).endswith(_NAMED)
    return _DENIED if asked and told and one.spec.label[-2:] != essence(other.column.comment)[-2:] else 1.0


def _further(one: Wanted, known: Vocabulary) -> frozenset[str]:
    """What only the explanation says, e.g. that a doctor's number is the national one."""
    return frozenset().union(*one.meaning) - known.heads - one.concepts


def _kind(one: Wanted, known: Vocabulary) -> str:
    """Which kind of value the label says last."""
    return next((concept for slot in reversed(one.slots) for concept in slot if concept in known.heads), "")


def _said(one: Wanted, other: Offered, known: Vocabulary) -> tuple[float, tuple[str, ...]]:
    by_name = max(_meaning(one, other.by_name, other.by_table, known), _spelling(one, other))
    comment = essence(other.column.comment)
    by_comment = (
        max(_meaning(one, other.by_comment, other.by_table, known), 0.9 * _alike(one.spec.label, comment)) if comment else 0.0
    )
    if other.by_aside:
        by_comment = max(by_comment, _BY_ASIDE * _meaning(one, other.by_aside, other.by_table, known))
    by_name = max(by_name, _explained(one, other.by_name, other.by_table, known, key=other.key))
    if other.by_comment and _other_kind(one.slots, other.by_comment, known):
        by_name *= _DENIED
    reasons = []
    if by_name >= 0.4:
        reasons.append("名称相近")
    if by_comment >= 0.4:
        reasons.append(f"注释“{comment[:20]}”")
    return min(1.0, max(by_name, by_comment) + 0.1 * min(by_name, by_comment)), tuple(reasons)


def _meaning(one: Wanted, slots: Slots, by_table: frozenset[str], known: Vocabulary) -> float:
    """The field's words that are found in the column's or its table's; less for words that the field does not have."""
    if not one.slots or not slots:
        return 0.0
    asked, own = one.concepts, frozenset().union(*slots)
    total = hits = 0.0
    whose = False  #: whether more than the kind of value is said
    for slot in one.slots:
        weight, found = _hit(slot, own, by_table, known)
        total, hits = total + weight, hits + found
        whose = whose or (found > 0 and not slot <= known.heads)
    used = sum(1.0 for slot in slots if slot & asked or _alike_heads(slot, asked))
    if not used:
        return 0.0
    bare = all(slot <= known.heads for slot in one.slots)
    precision = used / sum(1.0 if slot else _UNKNOWN for slot in slots) * (1.0 if whose or bare else _BARE)
    found = _RECALL * hits / total + (1 - _RECALL) * precision
    return found * (_OTHER_KIND if _other_kind(one.slots, slots, known) else 1.0)


def _explained(one: Wanted, slots: Slots, by_table: frozenset[str], known: Vocabulary, *, key: bool) -> float:
    """Whether the column says the kind of value, and it or its table one of the things, that the explanation names.

    Only where the label itself names none: 医疗目录名称 is the name of a drug or an item.
    """
    things = {concept for slot in one.meaning for concept in slot} - known.heads - _CATALOGUES
    kinds = [slot for slot in one.slots if slot and slot <= known.heads]
    own: frozenset[str] = frozenset().union(*slots) if slots else frozenset()
    if not things or not kinds or one.concepts - known.heads - _CATALOGUES or not things & (own | by_table):
        return 0.0
    loosely = not key and "catalogue_national" not in one.concepts and _alike_heads(kinds[-1], own)
    others = (own & known.heads) - kinds[-1].union(*(group for group in _ALIKE if group & kinds[-1]))
    if not (kinds[-1] & own or loosely) or others or own - known.heads - things:
        return 0.0
    return _BY_MEANING * (0.7 if frozenset() in slots else 1.0)


def _hit(slot: frozenset[str], own: frozenset[str], by_table: frozenset[str], known: Vocabulary) -> tuple[float, float]:
    """What one word of the field weighs, and how much of that the column says."""
    weight = _UNKNOWN if not slot else _HEAD_WEIGHT if slot <= known.heads else _WEIGHT
    if slot & own:
        return weight, weight
    if slot <= known.heads and _alike_heads(slot, own):
        return weight, _NEARLY * weight
    if any(known.near.get(each, frozenset()) & own for each in slot):
        return weight, _BY_TABLE * weight
    return weight, _BY_TABLE * weight if slot & by_table else 0.0


def _alike_heads(slot: frozenset[str], concepts: frozenset[str]) -> bool:
    return any(slot & group and concepts & group for group in _ALIKE)


def _other_kind(asked: Slots, slots: Slots, known: Vocabulary) -> bool:
    """Whether both say which kind of value they are, and it is not the same: a drug's name is not its code."""
    kinds = [slot & known.heads for slot in asked if slot & known.heads]
    gives = frozenset().union(*(slot & known.heads for slot in slots))
    if not kinds or not gives:
        return False
    wants = kinds[-1]
    last = next(slot & known.heads for slot in reversed(slots) if slot & known.heads)
    if last <= _NEVER_ASIDE and not last & wants.union(*(group for group in _ALIKE if group & wants)):
        return True
    return not gives & wants.union(*(group for group in _ALIKE if group & wants))


def _spelling(one: Wanted, other: Offered) -> float:
    """The interface's own words, or the label in pinyin."""
    plain = "".join(words(other.path.rpartition(".")[2] or other.column.name))
    if plain in one.spellings:
        return 0.95
    if one.names and one.names == other.names:
        return 1.0
    shared = {each for each in one.names & other.names if len(each) > 2}
    return 0.6 * len(shared) / len(one.names | other.names) if shared else 0.0


@lru_cache(maxsize=65536)
def _alike(one: str, other: str) -> float:
    """Pairs of characters in common."""
    left, right = _pairs(one), _pairs(other)
    return 2 * len(left & right) / (len(left) + len(right)) if left and right else float(one == other)


def _pairs(text: str) -> frozenset[str]:
    return frozenset(text[index : index + 2] for index in range(len(text) - 1))


def _codes(one: Wanted, other: Offered) -> float:
    """The share of local codes that say a label of the field's code table, by their comment or by themselves."""
    if one.table is None:
        return 0.0
    local = other.labels or other.content.codes
    hits = [each for each in local if not meaning(each) & _PLAIN and best_label(each, one.table)]
    return len(hits) / len(local) if local and len(hits) > 1 else 0.0
