"""What a page is made of: a template, and the same frame for one that says what went wrong."""

from __future__ import annotations

from datetime import datetime
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
}


def page(template: str, /, **content: Any) -> str:
    """A template of this room."""
    count = request.args.get("count", "")
    done = DONE.get(request.args.get("done", ""), "").format(count=count if count.isdecimal() else "")
    return render_template(f"console/{template}.html", done=done, **content)


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


def moment(at: datetime | None) -> str:
    """To the minute, as a person reads it."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if at else ""


def instant(at: datetime | None) -> str:
    """To the second, where two are held against each other."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if at else ""


def shown(text: object) -> str:
    """Text of others."""
    return redaction.shown(text)
