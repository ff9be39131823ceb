"""What a page is made of: a template, and the same frame for one that says what went wrong."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from gateway import redaction
from gateway.http.refusal import refusal
from schemas.wire import SHANGHAI

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
#: in which anything can have been reported
_YEARS = range(1990, 2200)
#: said once after something was done, by its code in the address
DONE = {
    "resumed": "已解除暂停；{count} 条不再等待，马上发送",
    "released": "已放行，下一轮读取时照做",
    "nothing": "没有停下来的事，可能已经有人放行，或已自动解除",
    "unlocked": "已解锁，可以马上再登录",
    "disabled": "已停用，登录随即失效",
    "enabled": "已启用",
    "changed": "密码已改，请用新密码登录",
    "left": "已退出",
    "noted": "已保存",
    "unchanged": "没有改动",
    "right": "这一行现在合格了，已排队报送",
    "requeued": "平台退回的已按原版本重新排队，马上再报",
    "wrong": "再查过了，仍然不合格，原因见下",
    "absent": "本地库里没有查到这一行：还没有保存，或已经删除",
}
#: of them, those after which something is still to be done
_STILL = frozenset({"nothing", "unchanged", "wrong", "absent"})


def page(template: str, /, **content: Any) -> str:
    """A template of this room."""
    count = request.args.get("count", "")
    done = DONE.get(request.args.get("done", ""), "").format(count=count if count.isdecimal() else "")
    still = request.args.get("done") in _STILL
    return render_template(f"console/{template}.html", done=done, still=still, **content)


def done(endpoint: str, code: str, **values: Any) -> Answer:
    """Back to a page that says so: a reload does nothing twice."""
    return redirect(url_for(f"console.{endpoint}", done=code, **values), 303)


def trouble(status: int, sentence: str) -> Response:
    """One sentence in the frame of a page."""
    answer = make_response(render_template("console/trouble.html", status=status, sentence=sentence), status)
    answer.headers.update(HEADERS)
    if status == 503:
        answer.headers["Retry-After"] = "30"
    return answer


def refuse(status: int, sentence: str) -> Response:
    """A page for a browser, JSON for everybody else."""
    wants_page = "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/api/")
    return trouble(status, sentence) if wants_page else refusal(status, sentence)


def day_of(text: str) -> date | None:
    """A day that somebody asked for; None of what is none, or lies so far off that no calendar page could be made of it."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def moment(at: datetime | None) -> str:
    """To the minute, as a person reads it."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if at else ""


def instant(at: datetime | None) -> str:
    """To the second, where two are held against each other."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if at else ""


def shown(text: object, longest: int = redaction.LONGEST) -> str:
    """Text of others."""
    return redaction.shown(text, longest)
