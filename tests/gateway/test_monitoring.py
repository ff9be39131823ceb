"""What a supervisor and Prometheus see of a running gateway, who may ask, and that no label is a key or an institution."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from support.delivery import Clock
from support.district import bureau, lived

from demo.premises import Premises
from gateway import config as configuration
from gateway import pulse, serving, watching
from gateway.breaker import Report, Signal
from gateway.calls import Call, CameTo
from gateway.errors import StoreError
from gateway.http import Sight, create_app, monitoring
from gateway.main import now
from gateway.observing import Observations
from gateway.watching import Watch
from gateway.wiring import Gateway, opened
from schemas.callers import Callers, callers
from schemas.errors import SpecError
from schemas.yamlfile import Section

HOSPITAL = "H99000100001"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    return lived(tmp_path / "district", days=2)


@contextmanager
def monitored(district: Premises, clock: Any = now, **settings: Any) -> Iterator[tuple[Gateway, FlaskClient]]:
    config = configuration.load(district.gateways[HOSPITAL])
    with opened(config, clock) as gateway:
        watch, store = Watch(gateway), gateway.store
        sight = Sight(watch.situation, gateway.seen.seen, store.notices, store.failing_channels, store.made, gateway.clock)
        yield gateway, create_app(monitoring(sight, Callers(**settings))).test_client()


def scraped(client: FlaskClient) -> Samples:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    families = text_string_to_metric_families(response.text)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for family in families for sample in family.samples}


def value(found: Samples, name: str, **labels: str) -> float:
    return found[f"liangding_gateway_{name}", frozenset(labels.items())]


def test_figures_of_a_gateway_that_read_and_sent(district: Premises) -> None:
    clock = Clock(now())
    with bureau(district), monitored(district, clock) as (gateway, client):
        tallies = {feed.source.dataset: gateway.read(feed) for feed in gateway.feeds}
        before = scraped(client)
        queued = sum(each.queued for each in tallies.values())
        assert value(before, "queue_rows", target="bureau", state="queued") <= queued
        assert value(before, "rows_total", source="his", dataset="HD03", fate="queued") == tallies["HD03"].queued
        for dataset, tally in tallies.items():
            for state in ("excluded", "not_ready", "quarantined"):
                labels = frozenset({"source": "his", "dataset": dataset, "state": state}.items())
                assert before.get(("liangding_gateway_aside_rows", labels), 0) == getattr(tally, state)
        assert value(before, "overdue_rows", target="bureau") > 0
        gateway.send("bureau")
        assert value(scraped(client), "store_bytes") == value(before, "store_bytes"), "the store is not asked twice in a moment"
        clock.now += timedelta(seconds=11)
        after = scraped(client)
        held = sum(number for (name, _), number in after.items() if name == "liangding_gateway_records_total")
        assert held >= queued
        answered = {"target": "bureau", "outcome": "answered"}
        assert (
            value(after, "request_seconds_bucket", **answered, le="+Inf") == value(after, "request_seconds_count", **answered) > 0
        )
        assert value(after, "answered_timestamp_seconds", target="bureau") == pytest.approx(clock.now.timestamp(), abs=20)
        assert value(after, "breakers_open", target="bureau") == 0
        assert value(after, "store_up") == 1
        for name in ("store_bytes", "disk_free_bytes", "queue_oldest_seconds", "due_rows", "overdue_rows"):
            assert any(key[0] == f"liangding_gateway_{name}" for key in after), name


def test_an_open_breaker_and_its_alarm_are_figures(district: Premises) -> None:
    with monitored(district) as (gateway, client):
        for _ in range(3):
            gateway.store.note("bureau", HOSPITAL, Report(Signal.UNREACHABLE, "连不上"), gateway.clock())
        watching.Watch(gateway).look()
        found = scraped(client)
        assert value(found, "breakers_open", target="bureau") == 1
        assert value(found, "alarms", kind="熔断") == 1


def test_no_label_is_an_institution_a_key_or_a_sentence(district: Premises) -> None:
    """And their number does not grow with the rows."""
    with bureau(district), monitored(district) as (gateway, client):
        for feed in gateway.feeds:
            gateway.read(feed)
        gateway.send("bureau")
        found = scraped(client)
    names = {name for _, labels in found for name, _ in labels}
    assert names <= {"target", "state", "within", "dataset", "source", "kind", "fate", "result", "outcome", "le", "channel"}
    assert not any(HOSPITAL in text for _, labels in found for _, text in labels)
    assert len(found) < 300


def health(client: FlaskClient) -> tuple[int, dict[str, Any]]:
    response = client.get("/healthz")
    return response.status_code, response.get_json()


def test_health_is_the_store_and_the_timetable(district: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(now())
    with monitored(district, clock) as (gateway, client):
        (job,) = pulse.jobs(gateway)
        job.do()
        gateway.read(gateway.feeds[0])
        status, told = health(client)
        assert (status, told["status"], told["store"], told["scheduler"]["status"]) == (
            *(200, "ok"),
            {"status": "ok", "schema_version": gateway.store.made()[1]},
            "ok",
        )
        assert told["read_seconds_ago"] == {f"his {gateway.feeds[0].source.dataset}": 0}
        assert HOSPITAL not in str(told)

        clock.now += timedelta(minutes=4)
        status, told = health(client)
        assert (status, told["scheduler"]) == (503, {"status": "failing", "beat_seconds_ago": 240})

        def full(name: str, at: Any) -> None:
            raise StoreError("本地库写不进去：磁盘已满")

        monkeypatch.setattr(gateway.store, "beat", full)
        job.do()
        status, told = health(client)
        assert (status, told["store"]["cause"], told["scheduler"]["status"]) == (503, "本地库写不进去：磁盘已满", "ok")


def test_a_store_that_cannot_be_read_leaves_the_figures_of_the_process(district: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise StoreError("本地库读不出来")

    with monitored(district) as (gateway, client):
        gateway.seen.called(Call("bureau", HOSPITAL, "HD03", "M1", 1, 0.2, CameTo.REFUSED, {}, "拒收"), now())
        monkeypatch.setattr(gateway.store, "notices", away)
        sight = Sight(away, gateway.seen.seen, away, away, away, now)
        client = create_app(monitoring(sight, Callers())).test_client()
        found = scraped(client)
        assert value(found, "store_up") == 0
        assert value(found, "request_seconds_count", target="bureau", outcome="refused") == 1
        assert health(client)[0] == 503


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_only_this_machine_may_ask_and_whom_the_site_names(district: Premises, path: str) -> None:
    def asked(client: FlaskClient, address: str, **headers: str) -> int:
        return client.get(path, environ_base={"REMOTE_ADDR": address}, headers=headers).status_code

    with monitored(district) as (_, client):
        for address, status in (("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("10.1.2.3", 403), ("", 403)):
            assert asked(client, address) == (status if path == "/metrics" or status == 403 else asked(client, address))
            assert (asked(client, address) == 403) == (status == 403)
        assert asked(client, "10.1.2.3", Authorization="Bearer ") == 403
    named = callers(Section({"allow": ["10.1.2.0/24"]}, Path("x"))).networks
    with monitored(district, networks=named, token="synthetic-token") as (_, client):
        assert asked(client, "10.1.2.3") != 403
        assert asked(client, "10.9.9.9") == 403
        assert asked(client, "10.9.9.9", Authorization="Bearer synthetic-token") != 403
        assert asked(client, "10.9.9.9", Authorization="Bearer synthetic-tokem") == 403


def test_a_network_that_is_none_is_told_with_its_key() -> None:
    with pytest.raises(SpecError, match="网段的列表"):
        callers(Section({"allow": ["10.1.2.300"]}, Path("config.yaml")))
    assert ip_network("127.0.0.0/8") in callers(None).networks


def test_the_listener_is_there_when_monitoring_is_configured(district: Premises) -> None:
    path = district.gateways[HOSPITAL]
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**settings, "monitoring": {}}, allow_unicode=True), encoding="utf-8")
    config = configuration.load(path)
    assert config.http is not None
    config = replace(config, http=replace(config.http, port=0))
    with opened(config, now) as gateway, serving.listening(gateway, threading.Event()) as url:
        assert requests.get(f"{url}/metrics", timeout=10).status_code == 200
        assert requests.get(f"{url}/healthz", timeout=10).json()["store"]["status"] == "ok"


def test_many_threads_lose_no_figure() -> None:
    seen = Observations()
    call = Call("bureau", HOSPITAL, "HD03", "M1", 1, 0.2, CameTo.ANSWERED, {"accepted": 2})
    threads = [threading.Thread(target=lambda: [seen.called(call, now()) for _ in range(500)]) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = seen.seen()
    assert found.records["bureau", "HD03", "accepted"] == 8000
    total, counts = found.durations["bureau", CameTo.ANSWERED]
    assert (sum(counts), round(total)) == (4000, 800)
