"""The Flask application: one listener with a room for each kind of caller. Every dependency is passed in."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import structlog
from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException

from gateway.errors import GatewayError
from gateway.http.refusal import refusal

#: what one kind of caller asks for
Room = Blueprint
#: answers a status with a sentence: in JSON for a program, as a page for a browser
Refuse = Callable[[int, str], Response]

_log = structlog.get_logger()
_BODY_LIMIT = 1 << 20
_SENTENCES = {404: "没有这个地址", 405: "这个地址不接受这种请求方法", 413: f"请求过大，最多 {_BODY_LIMIT} 字节"}
#: what a room sets itself stands
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def create_app(*rooms: Room, refuse: Refuse = refusal) -> Flask:
    """The application of one gateway: `pushes`, `monitoring`, `console` and whatever comes, as far as the site wants them."""
    app = Flask("gateway", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_LIMIT
    for room in rooms:
        app.register_blueprint(room)
    app.after_request(_guard)
    _answer_errors(app, refuse)
    return app


def _guard(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _said(error: HTTPException) -> str:
    """What we said ourselves; "" where it is werkzeug's own English."""
    own = error.description and error.description != type(error).description
    return str(error.description) if own and not str(error.description).isascii() else ""


def _answer_errors(app: Flask, refuse: Refuse) -> None:
    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = error.code or 500
        return refuse(status, _said(error) or _SENTENCES.get(status, "请求无法处理"))

    @app.errorhandler(GatewayError)
    def _later(error: GatewayError) -> Response:
        _log.error("request_failed", kind=type(error).__name__, cause=str(error))
        return refuse(503, str(error))

    @app.errorhandler(Exception)
    def _bug(error: Exception) -> Response:
        # neither message nor values: a driver's text may quote a person
        where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-5:]]
        _log.error("unexpected", kind=type(error).__name__, where=where)
        return refuse(500, "网关内部错误，已记录；这些行由轮询照常读取")
