"""Log in, log out, change the password."""

from __future__ import annotations

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from gateway.errors import GatewayError, StoreError
from gateway.http.console import tokens
from gateway.http.console.desk import Desk
from gateway.http.console.paper import done, page
from gateway.login import TurnedAwayError
from gateway.operators import Operator, nameable
from gateway.roles import Permission

#: the first page of whoever may not see the figures
_HOMES = ((Permission.FIGURES, "today"), (Permission.TASKS, "tasks"))


class Door:
    """The pages for those who are not logged in yet, and for everybody."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> ResponseReturnValue:
        """The form; how to make the first account where there is none."""
        if g.operator:
            return redirect(self._home(g.operator))
        return page("login", nobody=not self._desk.people.operators(), next=request.args.get("next", ""))

    def enter(self) -> ResponseReturnValue:
        """401 for a wrong name or password, 429 while one must wait; a new session otherwise, whatever there was before."""
        name, password = request.form.get("name", "").strip().lower(), request.form.get("password", "")
        g.who = name if nameable(name) else "?"
        asked = request.form.get("next", "")
        try:
            made = self._desk.login.enter(name, password, tokens.address())
        except TurnedAwayError as error:
            return page("login", sentence=str(error), name=name, next=asked), 429 if error.locked else 401
        self._desk.login.leave(tokens.token())
        found = self._desk.login.whose(made)
        home = self._home(found.operator) if found else url_for("console.login")
        answer = redirect(self._wanted(asked) or home, 303)
        tokens.hand_out(answer, made)
        return answer

    def leave(self) -> ResponseReturnValue:
        """The session is over in the store, not only in the browser."""
        self._desk.login.leave(tokens.token())
        answer = done("login", "left")
        tokens.take_back(answer)
        return answer

    def password(self) -> ResponseReturnValue:
        """The form."""
        return page("password")

    def change_password(self) -> ResponseReturnValue:
        """400 where the new one will not do."""
        old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
        if new != again:
            return page("password", sentence="两次输入的新密码不一样"), 400
        try:
            self._desk.login.change_password(g.operator, old, new, tokens.address())
        except StoreError:
            raise
        except TurnedAwayError as error:
            return page("password", sentence=str(error)), 429 if error.locked else 400
        except GatewayError as error:
            return page("password", sentence=str(error)), 400
        answer = done("login", "changed")
        tokens.take_back(answer)
        return answer

    def _wanted(self, name: str) -> str:
        """The page that was asked for before: by its name in our own table, so that nobody is led elsewhere."""
        return url_for(f"console.{name}") if name in _NAMES else ""

    def _home(self, operator: Operator) -> str:
        name = next((name for permission, name in _HOMES if operator.may(permission)), "password")
        return url_for(f"console.{name}")


#: pages that one may be sent on to after logging in
_NAMES = frozenset({"today", "queue", "tasks", "where", "manifests", "declarations", "users", "access"})
