"""The console's room of the application: its pages, its guard, its frame."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g

from gateway.console import ASIDE_WORDS, STATE_WORDS
from gateway.http.console.desk import Desk
from gateway.http.console.guard import Guard
from gateway.http.console.pages import Page, pages
from gateway.http.console.paper import instant, moment, refuse, shown
from gateway.http.console.tokens import form_token

__all__ = ["console", "refuse"]


def console(desk: Desk) -> Blueprint:
    """All pages of the table, and the style sheet."""
    room = Blueprint("console", "gateway.http", template_folder="templates", static_folder="static")
    table = pages(desk)
    for each in table:
        room.add_url_rule(each.rule, each.name, each.view, methods=[each.method])
    guard = Guard(desk, {f"console.{each.name}": each for each in table}, "console.static")
    room.before_request(guard.before)
    room.after_request(guard.after)
    titles = {each.name: each.title for each in table}
    names = {code: dataset.name for code, dataset in desk.gateway.edition.datasets.items()}
    always = {"titles": titles, "names": names, "site": _site(desk), "manifest_hour": desk.gateway.config.schedule.manifest_hour}
    room.app_context_processor(lambda: {**_frame([each for each in table if each.menu]), **always})
    for rule in (moment, instant, shown):
        room.add_app_template_filter(rule, rule.__name__)
    room.add_app_template_global(STATE_WORDS, "STATE_WORDS")  # type: ignore[arg-type]
    room.add_app_template_global(ASIDE_WORDS, "ASIDE_WORDS")  # type: ignore[arg-type]
    return room


def _site(desk: Desk) -> str:
    """Whose gateway this is."""
    names = [each.name for each in desk.gateway.config.institutions.values()]
    return names[0] if len(names) == 1 else f"{len(names)} 家机构"


def _frame(menu: list[Page]) -> dict[str, Any]:
    """What stands on every page: who is logged in, and what that person may open."""
    operator = g.get("operator")
    allowed = [each for each in menu if operator and not operator.must_change and (each.needs is None or operator.may(each.needs))]
    home = allowed[0].name if allowed else "password" if operator else "login"
    return {"operator": operator, "menu": allowed, "home": home, "form_token": form_token}
