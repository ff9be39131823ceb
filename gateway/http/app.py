"""The Flask application; every dependency is passed in."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import orjson
import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from gateway.errors import SourceError, StoppedError, StoreError
from gateway.http.push import Push, Readers

_log = structlog.get_logger()
_BODY_LIMIT = 1 << 20
_SENTENCES = {404: "没有这个地址", 405: "这个地址不接受这种请求方法", 413: f"请求过大，最多 {_BODY_LIMIT} 字节"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def create_app(*, readers: Readers, token: str, taken: Callable[[], None]) -> Flask:
    """The application of one gateway. `taken` is called when a push brought something to send."""
    app = Flask("gateway")
    app.config["MAX_CONTENT_LENGTH"] = _BODY_LIMIT
    app.add_url_rule("/api/push", "push", Push(readers, token, taken).post, methods=["POST"])
    app.after_request(_guard)
    _answer_errors(app)
    return app


def refusal(status: int, sentence: str) -> Response:
    """One Chinese sentence for the HIS vendor's log."""
    headers = {"Retry-After": "30"} if status == 503 else {}
    return Response(orjson.dumps({"err_msg": sentence}), status, content_type="application/json", headers=headers)


def _guard(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = error.code or 500
        return refusal(status, error.description if status == 400 else _SENTENCES.get(status, "请求无法处理"))  # type: ignore[arg-type]

    @app.errorhandler(SourceError)
    @app.errorhandler(StoppedError)
    @app.errorhandler(StoreError)
    def _later(error: Exception) -> Response:
        _log.error("push_failed", kind=type(error).__name__, cause=str(error))
        return refusal(503, str(error))

    @app.errorhandler(Exception)
    def _bug(error: Exception) -> Response:
        # neither message nor values: a driver's text may quote a person
        where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-5:]]
        _log.error("unexpected", kind=type(error).__name__, where=where)
        return refusal(500, "网关内部错误，已记录；这些行由轮询照常读取")
