"""The roster in the store: `compliance.ports.Roll`, its import and the binding of a code."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, delete, insert, select, update

from compliance.errors import ComplianceError
from compliance.model import Institution
from compliance.store.database import Database
from compliance.store.tables import institution, scene_plan

_ROOM = "roster"


class StoredRoll:
    """Roll over the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def institutions(self) -> tuple[Institution, ...]:
        """All, in roster order."""
        with self._database.read() as connection:
            return RollPage(connection).institutions()

    @contextmanager
    def writing(self) -> Iterator[RollPage]:
        """One transaction, alone with the roster."""
        with self._database.write(_ROOM) as connection:
            yield RollPage(connection)

    def bind(self, name: str, code: str) -> None:
        """Give the institution of that name its code. ComplianceError if there is none, or the code is another's."""
        with self.writing() as page:
            known = page.institutions()
            if name not in {each.name for each in known}:
                near = difflib.get_close_matches(name, [each.name for each in known], n=1, cutoff=0.4)
                hint = f"，是否指 {near[0]}？" if near else ""
                raise ComplianceError(f"名册中没有 {name}{hint}")
            owner = next((each.name for each in known if each.code == code), name)
            if owner != name:
                raise ComplianceError(f"编码 {code} 已绑定给 {owner}")
            page.set_code(name, code)


class RollPage:
    """The roster inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def institutions(self) -> tuple[Institution, ...]:
        """All, in roster order."""
        scenes: dict[int, list[str]] = {}
        for row in self._connection.execute(select(scene_plan).order_by(scene_plan.c.scene)):
            scenes.setdefault(row.institution_id, []).append(row.scene)
        rows = self._connection.execute(select(institution).order_by(institution.c.number, institution.c.id))
        return tuple(
            Institution(row.number, row.name, row.code or "", row.deferred, tuple(scenes.get(row.id, ())), row.source)
            for row in rows
        )

    def set_code(self, name: str, code: str) -> None:
        """Bind a code to a name that is on the roster."""
        self._connection.execute(update(institution).where(institution.c.name == name).values(code=code or None))

    def rename(self, old: str, new: str) -> None:
        """The same institution under a new name."""
        self._connection.execute(update(institution).where(institution.c.name == old).values(name=new))

    def put(self, rows: Sequence[Institution]) -> None:
        """Insert these or overwrite those of the same name."""
        for row in rows:  # codes first let go, then taken: two rows may have swapped theirs
            self.set_code(row.name, "")
        for row in rows:
            self._put(row)

    def _put(self, row: Institution) -> None:
        values = {
            "number": row.number,
            "name": row.name,
            "code": row.code or None,
            "deferred": row.deferred,
            "source": row.source,
        }
        known = self._connection.execute(select(institution.c.id).where(institution.c.name == row.name)).scalar()
        if known is None:
            known = self._connection.execute(insert(institution).values(values).returning(institution.c.id)).scalar_one()
        else:
            self._connection.execute(update(institution).where(institution.c.id == known).values(values))
            self._connection.execute(delete(scene_plan).where(scene_plan.c.institution_id == known))
        if row.scenes:
            plan = [{"institution_id": known, "scene": scene} for scene in row.scenes]
            self._connection.execute(insert(scene_plan), plan)
