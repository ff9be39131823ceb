"""What others wrote is cleaned once, before anybody sees it: no person's number, no control character, no endless text."""

from __future__ import annotations

from dataclasses import replace

import pytest
import structlog
from support.delivery import START, prescription

from gateway import main, redaction
from gateway.judging import Judge
from schemas.envelope import message_id
from schemas.model import Edition, Violation
from schemas.wire import decode_datetime


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("人员990000199003070010不存在", "人员***不存在"),
        ("psn_no=99000019900307001x", "psn_no=***"),
        ("SFZ990000199003070010", "SFZ***"),
        ("9900\x00001990\u200b03070011", "***"),
        ("旧证990000900307001", "旧证***"),
        ("手机13800000000，或+86 138-0000-0000", "手机***，或***"),
        ("卡6222020000000000000", "卡***"),
        ("卡6222 0200 0000 0000 000", "卡***"),
        ("全角１３８００００００００", "全角***"),
    ],
)
def test_what_looks_like_the_number_of_a_person_is_masked(text: str, seen: str) -> None:
    assert redaction.shown(text) == seen


@pytest.mark.parametrize(
    "text",
    [
        *("机构 H13800000000 的密钥不对", "2026-11-25 08:00:00 起", "报文太大：4194304 字节，平台最多收 1048576 字节"),
        message_id("H13800000000", decode_datetime("2026-11-25 08:00:00"), 7),
        "sha256:3f1c00aa9b7d",
        "000000202611250800000000000001",
    ],
)
def test_our_own_numbers_stay(text: str) -> None:
    assert redaction.shown(text) == text


def test_control_characters_go_and_lines_become_one() -> None:
    assert redaction.shown("坏\x1b[31m\x07了\r\n第二行\u202e\x85 ") == "坏[31m了 第二行"


def test_a_text_is_cut_after_it_was_masked() -> None:
    """Cut first, half a number would stand at the end and look like none."""
    cut = redaction.shown("长" * (redaction.LONGEST - 10) + "990000199003070010" + "尾" * 1000)
    assert len(cut) == redaction.LONGEST
    assert not any(mark.isdigit() for mark in cut)
    assert cut.endswith("…")


def test_a_reason_is_cleaned_in_every_part_and_stays_itself_where_nothing_is_to_clean() -> None:
    clean = Violation("rx_id", "code", "处方号（rx_id）不在代码表内")
    assert redaction.reason(clean) is clean
    dirty = redaction.reason(Violation("rx\x00_id", "co\nde", "值 990000199003070010 不对"))
    assert dirty == Violation("rx_id", "co de", "值 *** 不对")


def test_a_log_line_is_cleaned_whatever_it_was_given() -> None:
    line = {
        "event": "failed",
        "cause": "13800000000\x1b",
        "rows": 3,
        "found": ("13800000000", {"卡": b"990000199003070010"}),
        "error": ValueError("990000199003070010"),
        "exception": 'Traceback:\n  File "x"\nValueError: 990000199003070010',
    }
    assert redaction.log_processor(None, "error", dict(line)) == {
        "event": "failed",
        "cause": "***",
        "rows": 3,
        "found": ["***", {"卡": "b'***'"}],
        "error": "***",
        "exception": 'Traceback:\n  File "x"\nValueError: ***',
    }


def test_the_log_of_the_service_goes_through_it(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        main._log_lines()
        structlog.get_logger().warning("not_delivered", cause="13800000000")
    finally:
        structlog.reset_defaults()
    assert '"cause": "***"' in capsys.readouterr().err


def test_a_local_value_in_a_reason_is_cleaned_before_the_row_is_set_aside(edition: Edition) -> None:
    fault = Violation("patn_id", "unmapped_code", "患者（patn_id）本地代码 990000199003070010\x1b[2J 没有对照")
    row = replace(prescription(1), faults=(fault,))
    (reason,) = Judge(edition, "RX01", "rid").judge(row, START).reasons
    assert reason == Violation("patn_id", "unmapped_code", "患者（patn_id）本地代码 ***[2J 没有对照")
