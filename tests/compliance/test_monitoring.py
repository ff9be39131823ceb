"""The bureau's figures: how messages are received, without an institution; only this machine and whom the site names may ask."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from support.bureau import INSTITUTION, Caller, Maker

from compliance import config as configuration
from compliance.errors import ConfigError


def figures(caller: Caller) -> str:
    return requests.get(f"{caller.url}/metrics", timeout=10).text


def test_what_is_received_refused_and_turned_away_is_counted(caller: Caller, maker: Maker) -> None:
    good, bad = maker.records(count=2)
    caller.post(maker.message([good, {**bad, "machine_no": ""}]))
    caller.post(maker.message([good]))
    caller.post(b"no envelope")
    requests.post(f"{caller.url}/api/upload", data=b"{}", timeout=10)
    requests.get(f"{caller.url}/nowhere", timeout=10)
    found = figures(caller)
    for line in (
        'liangding_compliance_records_total{dataset="HD03",result="accepted"} 1.0',
        'liangding_compliance_records_total{dataset="HD03",result="duplicate"} 1.0',
        'liangding_compliance_records_total{dataset="HD03",result="rejected"} 1.0',
        'liangding_compliance_request_seconds_count{action="received",outcome="received"} 2.0',
        'liangding_compliance_request_seconds_count{action="received",outcome="refused"} 1.0',
        'liangding_compliance_request_seconds_count{action="received",outcome="unauthenticated"} 1.0',
        'liangding_compliance_turned_away_total{status="404"} 1.0',
        "liangding_compliance_store_up 1.0",
    ):
        assert line in found, found
    assert INSTITUTION not in found


def test_who_may_ask_and_where_the_log_goes_are_configured(tmp_path: Path) -> None:
    path = tmp_path / "compliance.yaml"
    text = "district: 示例市\nstore: sqlite:///x.db\ncredentials: keys.yaml\n"
    path.write_text(f'{text}monitoring: {{allow: ["10.1.2.0/24"]}}\nlog: {{file: logs/x.log, megabytes: 5}}\n', encoding="utf-8")
    config = configuration.load(path)
    assert config.monitoring.admits("10.1.2.3", "")
    assert config.monitoring.admits("127.0.0.1", "")
    assert not config.monitoring.admits("10.1.3.3", "Bearer ")
    assert config.log is not None
    assert (config.log.path, config.log.megabytes, config.log.copies) == (tmp_path / "logs" / "x.log", 5, 10)
    path.write_text(f"{text}monitoring: {{allow: [everybody]}}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="网段的列表"):
        configuration.load(path)
