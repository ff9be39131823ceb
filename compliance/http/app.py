"""The Flask application: every dependency is passed in, so a demo can run simulated days and a test its own store."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path

import orjson
import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from compliance.errors import StoreError
from compliance.holdings import Holdings
from compliance.http.exchange import Exchange
from compliance.http.monitoring import monitoring
from compliance.http.query import Query
from compliance.http.upload import Upload
from compliance.receiving import Receiver
from schemas.callers import Callers

_log = structlog.stdlib.get_logger()
_JSON = "application/json"
_LONGEST_PATH = 80
_NUMBER = re.compile(r"\d(?:[ +-]?\d){5,}[Xx]?")
_SENTENCES = {
    404: "没有这个地址",
    405: "这个地址不接受这种请求方法",
    413: "报文过大：一个报文最多 {limit} 字节，请减少每批的条数",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def create_app(
    *,
    exchange: Exchange,
    receiver: Receiver,
    held: Holdings,
    alive: Callable[[], None],
    body_limit: int,
    callers: Callers | None = None,
) -> Flask:
    """The bureau's application. `alive` raises StoreError when the store cannot be read; `callers` may ask for `/metrics`."""
    app = Flask("compliance")
    app.config["MAX_CONTENT_LENGTH"] = body_limit
    app.add_url_rule("/api/upload", "upload", Upload(exchange, receiver).post, methods=["POST"])
    app.add_url_rule("/api/query", "query", Query(exchange, held).post, methods=["POST"])
    app.add_url_rule("/healthz", "healthz", lambda: _health(alive))
    app.register_blueprint(monitoring(exchange.meter, alive, callers or Callers()))
    app.after_request(_guard)
    _answer_errors(app, exchange, body_limit)
    return app


def _health(alive: Callable[[], None]) -> Response:
    """For a supervisor's probe; says nothing about anyone."""
    alive()
    return Response('{"status":"ok"}', content_type=_JSON)


def _guard(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


def _answer_errors(app: Flask, exchange: Exchange, body_limit: int) -> None:
    """Whatever goes wrong is answered by one Chinese sentence and no detail.

    Our own failure (5xx) carries no infcode: that would say the message was refused, and it should be sent again.
    """

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status, now = error.code or 500, exchange.clock()
        sentence = _SENTENCES.get(status, "请求无法处理").format(limit=body_limit)
        exchange.meter.turned_away(status)
        _log.warning("turned away", status=status, method=request.method, path=_path())
        return exchange.refusal(status, exchange.reference(now), now, sentence)

    @app.errorhandler(StoreError)
    def _store(error: StoreError) -> Response:
        _log.error("store unavailable", path=request.path, sentence=str(error))
        return _failure(503, "平台暂时不能接收，请稍后重发")

    @app.errorhandler(Exception)
    def _bug(error: Exception) -> Response:
        # neither message nor values: a driver's text may quote a person
        frames = reversed(traceback.extract_tb(error.__traceback__)[-5:])
        where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
        _log.error("unexpected", kind=type(error).__name__, where=where)
        return _failure(500, "平台内部错误，已记录，请稍后重发")


def _path() -> str:
    """Which address was asked for, without its query: what is no address of ours is cut and keeps no number of a person."""
    path = _NUMBER.sub("…", "".join(each if each.isprintable() else "?" for each in request.path))
    return path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…"


def _failure(status: int, sentence: str) -> Response:
    body = orjson.dumps({"err_msg": sentence})
    return Response(body, status, content_type=_JSON, headers={"Retry-After": "30"})
