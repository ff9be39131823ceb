"""POST /api/push: `{"source": "his", "dataset": "HD03", "refs": ["1001", "1002"]}` with `Authorization: Bearer …`."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog
from flask import Blueprint, Response, abort, request

from gateway.errors import SourceError, StoppedError, StoreError
from gateway.http.refusal import refusal
from gateway.pushing import MOST, Pushed, push
from gateway.tiers import Reader

_log = structlog.get_logger()
#: (source, data set) -> what reads it
Readers = Mapping[tuple[str, str], Reader]


def pushes(*, readers: Readers, token: str, taken: Callable[[], None]) -> Blueprint:
    """The room for the HIS. `taken` is called when a push brought something to send."""
    room = Blueprint("push", __name__)
    room.add_url_rule("/api/push", "post", Push(readers, token, taken).post, methods=["POST"])
    for kind in (SourceError, StoppedError, StoreError):
        room.register_error_handler(kind, _later)
    return room


class Push:
    """Takes the rows that the HIS names and answers what became of each."""

    def __init__(self, readers: Readers, token: str, taken: Callable[[], None]) -> None:
        self._readers, self._expected, self._taken = readers, f"Bearer {token}".encode(), taken

    def post(self) -> Response:
        """200 judged; 400 not understood; 401; 404 no such data set; 503 the source or the store is away."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._expected):
            return _reply(401, {"err_msg": "推送的密钥不对"})
        place, refs = _asked(request.get_data(cache=False))
        reader = self._readers.get(place)
        if reader is None:
            known = "、".join(" ".join(each) for each in self._readers)
            return _reply(404, {"err_msg": f"没有来源 {place[0]} 的 {place[1]}，能推送的有：{known or '无'}"})
        pushed = push(reader, refs)
        if pushed.tally.queued or pushed.tally.voided:
            self._taken()
        return _reply(200, _told(pushed))


def _later(error: Exception) -> Response:
    _log.error("push_failed", kind=type(error).__name__, cause=str(error))
    return refusal(503, str(error))


def _asked(body: bytes) -> tuple[tuple[str, str], list[str]]:
    """Which data set and rows; 400 with a sentence otherwise."""
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        abort(400, "请求不是合法的 JSON")
    source, dataset, refs = (raw.get(name) for name in ("source", "dataset", "refs")) if isinstance(raw, dict) else (None,) * 3
    if not (isinstance(source, str) and isinstance(dataset, str)):
        abort(400, "请求应有 source（来源的名字）和 dataset（数据集编号）")
    if not (isinstance(refs, list) and refs and all(isinstance(ref, str) and ref for ref in refs)):
        abort(400, "请求应有 refs：本地行号的列表，每个都是文本")
    if len(refs) > MOST:
        abort(400, f"一次最多推送 {MOST} 行，实为 {len(refs)} 行")
    return (source, dataset), refs


def _told(pushed: Pushed) -> dict[str, Any]:
    tally = pushed.tally
    troubles = [{"ref": each.ref, "state": str(each.state), "reasons": list(each.reasons)} for each in pushed.troubles]
    counts = {"read": tally.read, "queued": tally.queued, "unchanged": tally.unchanged, "voided": tally.voided}
    return {**counts, "absent": list(pushed.absent), "aside": troubles}


def _reply(status: int, said: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(said), status, content_type="application/json")
