"""Path 1 into path 4, by the commands an operator types: local row -> gateway -> receiver -> workbook."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from click.testing import CliRunner, Result

from compliance import serving
from compliance.main import cli as compliance
from compliance.store import database
from demo import premises, story
from demo.dirt import Fate
from demo.premises import Premises
from gateway import config as configuration
from gateway import main as gateway_main
from gateway.main import cli as gateway
from gateway.main import now
from gateway.outbox import State
from gateway.wiring import opened

HOSPITAL, PHARMACY = "H99000100001", "P99000100001"
DAYS = 3


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    """Three days of the demo district in the local databases; nothing sent yet."""
    built = premises.build(tmp_path / "district")
    for name, path in built.databases.items():
        with closing(sqlite3.connect(path)) as connection:
            story.play(connection, (each for each in story.changes(7, date(2026, 11, 2), DAYS) if each.database == name))
    return built


@contextmanager
def bureau(district: Premises) -> Iterator[None]:
    with serving.Server(serving.build(district.bureau), district.bureau.host, district.bureau.port):
        yield


def run(district: Premises, *words: str, code: str = HOSPITAL) -> Result:
    """The command in a window so wide that no sentence is broken."""
    return CliRunner(env={"COLUMNS": "400"}).invoke(gateway, ["--config", str(district.gateways[code]), *words])


def versions(district: Premises, dataset: str) -> dict[str, list[dict[str, Any]]]:
    """What the bureau holds: key -> every version, oldest first."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with closing(sqlite3.connect(district.folder / "bureau" / "compliance.db")) as connection:
        query = "SELECT key, body FROM record WHERE dataset = ? ORDER BY key, version"
        for key, body in connection.execute(query, (dataset,)):
            found[key].append(orjson.loads(body))
    return found


def held(district: Premises, dataset: str) -> dict[str, int]:
    """What the bureau holds: key -> newest version."""
    return {key: int(bodies[-1]["version"]) for key, bodies in versions(district, dataset).items()}


def fates(code: str) -> dict[str, Counter[Fate]]:
    """What the story put into one institution's database: data set -> how many rows of which fate."""
    told = story.expected(7, date(2026, 11, 2), DAYS)
    return {dataset: counts for (institution, dataset), counts in told.items() if institution == code}


def clean(code: str) -> dict[str, int]:
    """Rows of one institution that can be reported, by data set."""
    return {dataset: counts[Fate.CLEAN] for dataset, counts in fates(code).items() if counts[Fate.CLEAN]}


def accepted(district: Premises, code: str) -> dict[str, int]:
    """What the gateway of an institution says the platform took, by data set."""
    with opened(configuration.load(district.gateways[code]), now) as working:
        found = working.store.standings(working.routes)
    assert all(each.balanced for each in found)
    return {each.route.dataset: each.states[State.ACCEPTED] for each in found if State.ACCEPTED in each.states}


def edit(district: Premises, sql: str) -> None:
    with closing(sqlite3.connect(district.databases[f"his:{HOSPITAL}"])) as connection:
        assert connection.execute(sql).rowcount == 1
        connection.commit()


def told(result: Result) -> list[str]:
    """Every line the operator sees; a traceback is none of them."""
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return [line for line in result.output.splitlines() if line.strip()]


def one_sentence(result: Result, word: str) -> str:
    """The one line with that word, as the operator sees it."""
    (line,) = {line for line in told(result) if word in line}
    return line


def waiting(result: Result) -> int:
    """How many records status says are still to be sent."""
    found = re.search(r"还有 (\d+) 条未送达", result.output)
    return int(found[1]) if found else 0


@pytest.mark.requirement("J-101")
def test_a_row_arrives_once_and_an_edited_row_arrives_as_version_2(district: Premises) -> None:
    with bureau(district):
        assert run(district, "run", "--once").exit_code == 0
        first = held(district, "HD03")
        assert first
        assert set(first.values()) == {1}

        assert "没有要发的" in run(district, "run", "--once", "--from-start").output
        assert held(district, "HD03") == first

        one = f"SELECT id FROM dialysis_session WHERE session_no = '{min(first)}'"
        edit(district, f"UPDATE dialysis_session SET end_note = '患者要求', updated_at = '2026-11-25 08:00:00' WHERE id = ({one})")
        assert run(district, "run", "--once").exit_code == 0
        assert held(district, "HD03") == {**first, min(first): 2}
    old, new = versions(district, "HD03")[min(first)]
    assert {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} - {"seen_at"} == {
        *("early_end_reason", "version", "content_hash"),
    }
    assert new["early_end_reason"] == "患者要求"


@pytest.mark.requirement("J-028", "J-030")
def test_the_workbook_counts_what_arrived(district: Premises, tmp_path: Path) -> None:
    with bureau(district):
        for code in (HOSPITAL, PHARMACY):
            run(district, "run", "--once", code=code)
    out = tmp_path / "coverage.xlsx"
    settings = str(district.folder / "bureau" / "compliance.yaml")
    result = CliRunner().invoke(compliance, ["--config", settings, "export", "coverage", "--out", str(out)])
    assert result.exit_code == 0, result.output
    rows = list(openpyxl.load_workbook(out)["数据上传情况"].iter_rows(values_only=True))
    headers = next(row for row in rows if "已接收" in row)
    (sales,) = [dict(zip(headers, row, strict=True)) for row in rows if PHARMACY in row and "3505" in row]
    assert sales["已接收"] == sales["按时"] + sales["迟报"] == len(held(district, "3505")) == clean(PHARMACY)["3505"]


def test_check_sends_nothing_and_accounts_for_every_row(district: Premises) -> None:
    with bureau(district):
        result = run(district, "check")
    assert result.exit_code == 0
    pattern = r"· (\w+) .*\n读到 (\d+) = 按规则排除 (\d+) \+ 未完成 (\d+) \+ 待改正 (\d+) \+ 可报送 (\d+)　平"
    accounts = {dataset: tuple(map(int, figures)) for dataset, *figures in re.findall(pattern, result.output)}
    assert accounts == {
        dataset: (
            counts.total(),
            counts[Fate.EXCLUDED] + counts[Fate.VOID],
            counts[Fate.NOT_READY],
            counts[Fate.QUARANTINED],
            counts[Fate.CLEAN],
        )
        for dataset, counts in fates(HOSPITAL).items()
    }
    assert not any(held(district, dataset) for dataset in accounts)
    assert not (district.folder / HOSPITAL / "gateway.db").exists()


def test_status_balances_before_and_after_sending(district: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    run(district, "run", "--once")
    before = run(district, "status")
    assert (before.exit_code, waiting(before)) == (0, sum(clean(HOSPITAL).values()))
    monkeypatch.setattr(gateway_main, "now", lambda: now() + timedelta(seconds=120))  # no pause is over before
    with bureau(district):
        run(district, "run", "--once")
        after = run(district, "status")
    assert (after.exit_code, waiting(after)) == (0, 0)
    assert accepted(district, HOSPITAL) == clean(HOSPITAL)
    for output in (before.output, after.output):
        assert "不平" not in output
        assert len(re.findall("平$|平 ", output, re.MULTILINE)) == len(fates(HOSPITAL))


def test_a_bureau_that_is_down_is_one_sentence_and_nothing_is_lost(district: Premises) -> None:
    result = run(district, "run", "--once", code=PHARMACY)
    assert result.exit_code == 1
    sentence = one_sentence(result, "平台 bureau 连接不上")
    assert "条：上次：平台 bureau 连接不上（地址不通或服务未启动）；" in sentence
    assert sentence.endswith("再试，或运行 gateway resume --target bureau 立即再试")
    assert waiting(run(district, "status", code=PHARMACY)) == sum(clean(PHARMACY).values())


def test_a_wrong_key_of_the_institution_is_one_sentence_and_rejects_no_record(district: Premises) -> None:
    (district.folder / PHARMACY / "token.txt").write_text("not-the-right-token", encoding="utf-8")
    with bureau(district):
        result = run(district, "run", "--once", code=PHARMACY)
    assert result.exit_code == 1
    assert "签名不对，请核对密钥" in one_sentence(result, "条：")
    assert "退回" not in result.output
    assert held(district, "3505") == {}
    assert waiting(run(district, "status", code=PHARMACY)) == sum(clean(PHARMACY).values())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('"sources":', '"source":'), "sources"),
        (('"institution":', "institution: [\n"), "YAML"),
        (('"his/demo_his"', '"his/no_such"'), "no_such"),
        (('"institution": "H', '"institution": "X'), "X99000100001"),
        (("token.txt", "no-such-file.txt"), "no-such-file.txt"),
        (('"store":', '"schedule": {"read_every": -5}\n"store":'), "schedule.read_every"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_sentence_that_names_it(
    district: Premises, change: tuple[str, str], named: str
) -> None:
    path = district.gateways[HOSPITAL]
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    result = run(district, "check")
    assert result.exit_code == 2
    (sentence,) = told(result)
    assert sentence.startswith(f"配置有误：{path}" if "适配包" not in sentence else "配置有误：")
    assert named in sentence


def test_a_local_database_that_is_missing_is_one_sentence_naming_the_source(district: Premises) -> None:
    path = district.databases[f"his:{HOSPITAL}"]
    moved = path.rename(path.with_suffix(".away"))
    result = run(district, "run", "--once")
    assert result.exit_code == 1
    sentence = one_sentence(result, "数据源 his 的 ")
    assert sentence.endswith(f"：数据库文件 {path} 不存在或打不开")
    assert set(sentence.split("：")[0].removeprefix("数据源 his 的 ").split("、")) == set(fates(HOSPITAL))
    assert not path.exists()
    moved.rename(path)
    with bureau(district):
        assert run(district, "run", "--once").exit_code == 0
    assert accepted(district, HOSPITAL) == clean(HOSPITAL)


def test_the_bureau_holds_exactly_what_the_gateway_says_was_accepted(district: Premises) -> None:
    with bureau(district):
        for code in district.gateways:
            run(district, "run", "--once", code=code)
    store = database.connect(district.bureau.store)
    report = serving.coverage(district.bureau, store, serving.now())
    store.close()
    received: dict[str, dict[str, int]] = {code: {} for code in district.gateways}
    for line in report.uploads:
        if line.received:
            received[line.code][line.dataset] = line.received
    for code in district.gateways:
        assert received[code] == accepted(district, code) == clean(code)
