"""The tables that a data set may come from, and for each of its fields the columns that may be meant, best first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from adapters.introspection.contents import Content
from adapters.introspection.shapes import Shape
from adapters.introspection.tables import Kind, Table
from adapters.proposing.fitting import fit
from adapters.proposing.offers import Offers
from adapters.proposing.proposal import Place, Proposal, TableProposal
from adapters.proposing.scoring import score
from adapters.proposing.sides import Offered, Score, Wanted, wanted
from adapters.proposing.survey import Survey
from adapters.proposing.vocabulary import Slots, Vocabulary, essence, vocabulary
from schemas.model import Edition, Field, FieldType

PROPOSED = 3  #: per field
_LOOKED_AT = 12  #: tables whose rows are looked at before one is chosen
_FARTHEST = 2  #: links between the head table and a column, without the one to what a table has beside it
_PER_LINK = 0.92
_EMPTY_TABLE = 0.6
_TIMELESS = 0.4
_OWN, _STAMP = 0.75, 0.4  #: the factors for what a row says of itself; when it was entered is not when it happened
_REPEATED = 0.5
_MANY, _LINES = 50, 20  #: rows looked at; lines that a document may have on average
_ROW_NUMBER = 0.6
_ROW_KEY = 0.6  #: a table's own key for the key of the data set, whatever they are called
_UNSEEN = 0.8  #: a column of a linked table without a row: the name alone speaks for it
_BEARS = 0.95  #: a content that bears a field out
_OTHER_HALF = 0.99  #: what the other table of a document counts for: of two that tell the same, the one that says it itself
_NEAR_TABLE = 0.7  #: what a linked table counts for when a head table is chosen
_FOREIGN = 0.75  #: the factor for a table that is about something else
_OTHERS = frozenset(
    {
        "patient",
        "doctor",
        "nurse",
        "operator",
        "department",
        "supplier",
        "warehouse",
        "tenant",
        "machine",
        "bed",
        "visit",
        "diagnosis",
    }
)
_BY_NAME, _BY_FIELDS = 0.4, 0.6
#: columns of every table that say something of the row itself, not of what it is about
_HOUSEKEEPING = frozenset({"created", "updated", "deleted", "tenant"})


class Ranking:
    """Proposals for one data set."""

    def __init__(self, survey: Survey, edition: Edition, dataset: str, known: Vocabulary | None = None) -> None:
        self.survey, self.edition, self.dataset = survey, edition, edition.datasets[dataset]
        self._known = known or vocabulary()
        self._offers = Offers(survey, self._known)
        about = (*self._known.of_text(self.dataset.name), *self._known.of_text(self.dataset.scene))
        self._about: frozenset[str] = frozenset().union(*about) - self._known.heads
        named = [each for each in self._known.of_text(self.dataset.name) if each and not each <= self._known.heads]
        self._thing: frozenset[str] = named[-1] if named else frozenset()

    def tables(self, most: int = PROPOSED) -> list[TableProposal]:
        """Best first: by name and comment, then by what its columns cover; only the likeliest are looked into."""
        rough = sorted((self._rough(each) for each in self.survey.tables.values()), key=lambda each: (-each.score, each.table.name))
        exact = [self._exact(each.table) for each in rough[:_LOOKED_AT]]
        return sorted(exact, key=lambda each: (-each.score, each.table.name))[:most]

    def named(self, table: Table) -> bool:
        """Whether a table's name or comment says anything of what the data set is about."""
        return self._named(table) > 0

    def fields(self, head: str, specs: Sequence[Field] | None = None) -> dict[str, list[Proposal]]:
        """Proposals for each single field of the data set, or for those given, from a head table and what it leads to."""
        places = list(self.places(head))
        return {
            spec.name: self._proposals(self._wanted(spec), places)
            for spec in (specs or self.dataset.fields)
            if spec.type is not FieldType.ROWS
        }

    def places(self, head: str) -> Iterator[Place]:
        """The head table and what is reached from it, the nearest first, each table once by its shortest way."""
        seen: set[tuple[str, str]] = set()
        found = [Place(head, head)]
        while found:
            place = found.pop(0)
            yield place
            further = self.survey.links(place.table) if len(place.path) < _FARTHEST else ()
            for link in (*further, *self.survey.extensions(place.table)):
                if (link.column, link.table) not in seen and link.table != head:
                    seen.add((link.column, link.table))
                    found.append(Place(link.table, head, (*place.path, link)))

    def halves(self, one: str, other: str) -> bool:
        """Whether two tables are the head and the lines of one document."""
        return self._offers.halves(one, other)

    def lined(self, one: str, other: str) -> bool:
        """Whether they surely are: one of them is called the lines."""
        return self._offers.lined(one, other)

    def unnamed(self, head: str, spec: Field) -> list[Proposal]:
        """Columns of the head table itself whose content alone could be it: for a field that no name answers.

        Only a moment or a number has a content that says something; what a row says of itself is left out.
        """
        if spec.type not in (FieldType.DATE, FieldType.DATETIME, FieldType.NUMBER):
            return []
        found = []
        for each in self._offers.of(self.survey.tables[head], looked=True):
            factor, told = fit(self._wanted(spec), each)
            sayable = each.content.filled and not (each.key or each.link or each.path or self._housekeeping(each))
            if sayable and factor >= _BEARS:
                found.append(Proposal(Place(head, head), each, Score(0.0, ("名称认不出", *told))))
        return found

    def _wanted(self, spec: Field) -> Wanted:
        return wanted(spec, self.edition.codes.get(spec.codes or ""), self._known)

    def _rough(self, table: Table) -> TableProposal:
        return self._covering(table, self._offers.of(table, looked=False), self._named(table), linked=False)

    def _exact(self, table: Table) -> TableProposal:
        added = self.survey.extensions(table.name)
        near = (place for place in self.places(table.name) if len(place.path) < _FARTHEST and not set(place.path) & set(added))
        offers = [each for place in near for each in self._near(place)]
        found = self._covering(table, offers, self._named(table), linked=True)
        empty = self.survey.empty(table.name)
        return replace(found, score=found.score * (_EMPTY_TABLE if empty else 1.0), empty=empty)

    def _near(self, place: Place) -> Iterable[Offered]:
        return self._offers.of(self.survey.tables[place.table], looked=not place.path)

    def _covering(self, table: Table, offers: Sequence[Offered], named: float, *, linked: bool) -> TableProposal:
        """A table without a business time, its own or a linked one, is a catalogue: it has no records."""
        total = hits = occurred = 0.0
        covered = []
        for spec in self.dataset.fields:
            if not spec.required or spec.type is FieldType.ROWS:
                continue
            asked = self._wanted(spec)
            best = max(
                (self._covers(asked, each, table) for each in offers),
                default=0.0,
            )
            if spec.name == self.dataset.occurred:
                occurred = best
            total, hits = total + 1.0, hits + best
            if best >= 0.5:
                covered.append(spec.label)
        share = hits / total if total else 0.0
        timed = _TIMELESS + (1 - _TIMELESS) * occurred if linked else 1.0
        return TableProposal(table, (_BY_NAME * named + _BY_FIELDS * share) * timed, tuple(covered))

    def _covers(self, asked: Wanted, offered: Offered, table: Table) -> float:
        value = score(asked, offered, self._known, self._given(offered.table, table.name)).value
        if self._housekeeping(offered):
            value *= _STAMP if asked.spec.name == self.dataset.occurred else _OWN
        if offered.table == table.name:
            return value
        return value * (_OTHER_HALF if self._offers.kin(offered.table, table.name) else _NEAR_TABLE)

    def _given(self, table: str, head: str) -> frozenset[str]:
        """What the data set is about is said of the head table, and of the other half of a document, without being said."""
        return self._about if table == head or self._offers.kin(table, head) else frozenset()

    def _role(self, place: Place) -> frozenset[str]:
        """As what a person is named: the user that a seller column names is the operator."""
        if not place.path:
            return frozenset()
        before = place.path[-2].table if len(place.path) > 1 else place.head
        return self.survey.roles(self.survey.tables[before].column(place.path[-1].column))

    def _named(self, table: Table) -> float:
        by_name, by_comment = self._offers.called(table), self._known.of_text(essence(table.comment))
        return max(self._like(by_name), self._like(by_comment))

    def _like(self, slots: Slots) -> float:
        """The last word of the data set's name says what its records are: 门诊处方 is of prescriptions."""
        own: frozenset[str] = frozenset().union(*slots) if slots else frozenset()
        weights = {each: 1.0 if each in self._thing else 0.5 for each in self._about}
        hits = sum(weight for each, weight in weights.items() if each in own)
        used = sum(1 for slot in slots if slot & self._about)
        return 0.5 * hits / sum(weights.values()) + 0.5 * used / len(slots) if hits else 0.0

    def _proposals(self, asked: Wanted, places: Sequence[Place]) -> list[Proposal]:
        found: dict[tuple[str, str, str], Proposal] = {}
        for place in places:
            for each in self._at(asked, place):
                key = (
                    each.offered.table,
                    each.offered.column.name,
                    each.offered.path + (each.clock.column.name if each.clock else ""),
                )
                if key not in found or found[key].score.value < each.score.value:
                    found[key] = each
        ranked = sorted(found.values(), key=lambda each: (-each.score.value, len(each.place.path), each.shown))
        return [each for each in ranked if each.score.value > 0.2][: PROPOSED * 2]

    def _at(self, asked: Wanted, place: Place) -> Iterator[Proposal]:
        table = self.survey.tables[place.table]
        offers = self._offers.of(table, looked=True)
        far = _PER_LINK ** len(place.path)
        for each in offers:
            if place.path and (each.column.name == place.path[-1].target or self._housekeeping(each)):
                continue
            found = score(asked, each, self._known, self._given(place.table, place.head) | self._role(place))
            meant = self._own(each, asked) * self._numbered(each, asked) * _relevant(each, asked, place)
            value = round(found.value * far * meant, 4)
            if place.path and self.survey.empty(place.table):
                found, value = Score(found.value, (*found.reasons, "这张表是空的")), round(value * _UNSEEN, 4)
            if not place.path and self._repeats(each, asked):
                found, value = Score(found.value, (*found.reasons, "有重复")), round(value * _REPEATED, 4)
            if each.key and not place.path and asked.spec.name in self.dataset.key and value < _ROW_KEY:
                found, value = Score(_ROW_KEY, (*found.reasons, "本表主键，逐行唯一")), _ROW_KEY
            yield Proposal(place, each, replace(found, value=value))
        if asked.spec.type is FieldType.DATETIME:
            yield from self._pairs(asked, place, offers, far)

    def _repeats(self, offered: Offered, asked: Wanted) -> bool:
        """The whole key of a record cannot be the same twice; nor are hundreds of lines of a handful of documents."""
        content = offered.content
        if self.dataset.key == (asked.spec.name,):
            return content.distinct < content.filled
        document = asked.spec.name in self.dataset.key and "id" in asked.concepts and "line" not in asked.concepts
        return document and content.filled >= _MANY and content.distinct * _LINES <= content.filled

    def _own(self, offered: Offered, asked: Wanted) -> float:
        """A row's own housekeeping is seldom what a field asks for."""
        return _OWN if self._housekeeping(offered) and not asked.concepts & _HOUSEKEEPING else 1.0

    def _numbered(self, offered: Offered, asked: Wanted) -> float:
        """The number of a row, if it says no more, is the number of nothing else: of no document, settlement or visit."""
        bare = all(slot and slot <= self._known.heads for slot in offered.by_name)
        return _ROW_NUMBER if offered.key and bare and asked.spec.name not in self.dataset.key else 1.0

    def _housekeeping(self, offered: Offered) -> bool:
        return not offered.by_aside and any(slot and slot <= _HOUSEKEEPING for slot in (*offered.by_name, *offered.by_comment))

    def _pairs(self, asked: Wanted, place: Place, offers: Sequence[Offered], far: float) -> Iterator[Proposal]:
        """A day and a wall clock in two columns: the clock says which moment, the day is the likeliest of the table."""
        days = [each for each in offers if _is_day(each) and not self._housekeeping(each)]
        for clock in (each for each in offers if _is_clock(each)):
            if not days:
                return
            whole = replace(clock, column=replace(clock.column, kind=Kind.DATETIME), content=Content())
            said = score(asked, whole, self._known, self._given(place.table, place.head))
            day = max(days, key=lambda each: self._kinship(each, clock, asked))
            told = tuple(reason for reason in said.reasons if not reason.startswith("内容"))
            yield Proposal(place, day, Score(round(said.value * far, 4), (*told, "日期与时刻分两列")), clock)

    def _kinship(self, day: Offered, clock: Offered, asked: Wanted) -> float:
        return score(asked, day, self._known).value + len(set(day.names) & set(clock.names)) * 0.1


def _relevant(offered: Offered, asked: Wanted, place: Place) -> float:
    """The column of a person or thing that the field is not about may well be called the same."""
    about = asked.concepts.union(*asked.meaning)
    return _FOREIGN if place.path and offered.by_table & _OTHERS and not about & offered.by_table else 1.0


def _is_day(offered: Offered) -> bool:
    return offered.column.kind is Kind.DATE or (offered.column.kind is Kind.TEXT and offered.content.share(Shape.DATE) > 0.6)


def _is_clock(offered: Offered) -> bool:
    return offered.column.kind is Kind.TIME or (offered.column.kind is Kind.TEXT and offered.content.share(Shape.CLOCK) > 0.6)
