"""SqlSource on SQLite: paging, the guards, read-only, and every failure as one sentence."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, text
from sqlalchemy.exc import OperationalError

from adapters.databases.connection import SiteDatabase
from adapters.databases.sql import KeyKind, Query, SqlSource, Statement, Window, parameters
from adapters.origins import SiteFacts
from gateway.errors import SourceError, SourceQueryError
from gateway.model import Cursor, Reading, RowState
from schemas.wire import SHANGHAI

BY_TIME = """
SELECT id AS row_ref, changed AS cursor_time, id AS cursor_key, id, count, code
FROM visit WHERE changed > :after_time OR (changed = :after_time AND id > :after_key)
ORDER BY changed, id LIMIT :limit
"""
BY_KEY = "SELECT id AS row_ref, id AS cursor_key, id, count, code FROM visit WHERE id > :after_key ORDER BY id LIMIT :limit"
Source = Callable[..., SqlSource]


@pytest.fixture
def source(site: Path, read_mapping: Any) -> Source:
    """A source reading `site` by the SQL given."""

    def make(
        sql: str, *, path: Path = site, key: KeyKind = KeyKind.INTEGER, window: Window | None = None, timeout: int = 30
    ) -> SqlSource:
        takes = parameters(sql)
        reading = Reading.INCREMENTAL if "after_time" in takes else Reading.RESCAN
        query = Query("T1", "queries/T1.sql", sql, takes, reading, key)
        database = SiteDatabase(URL.create("sqlite", database=str(path)), timeout)
        return SqlSource("门诊", query, read_mapping(), SiteFacts("H1"), database, window or Window())

    return make


def refs(source: SqlSource, size: int, after: Cursor | None = None) -> list[str]:
    return [row.ref for page in source.pages(after, size) for row in page.rows]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 12, 1000])
def test_equal_cursor_times_across_pages_lose_and_repeat_nothing(source: Source, size: int) -> None:
    expected = [str(100 - 3 * day - back) for day in range(4) for back in (2, 1, 0)]
    assert refs(source(BY_TIME), size) == expected


def test_a_little_before_the_first_moment_of_the_calendar_is_that_moment(source: Source) -> None:
    """0001-01-01 is what .NET programs store for "never"."""
    never = datetime(1, 1, 1)  # noqa: DTZ001  as the driver gives it
    assert source(BY_TIME).earlier(Cursor(never, 7), timedelta(seconds=120)).time == never


@pytest.mark.parametrize("size", [1, 5, 12])
def test_reading_goes_on_after_the_cursor_of_any_page(source: Source, size: int) -> None:
    reading = source(BY_TIME)
    everything = refs(reading, 1000)
    for page in reading.pages(None, size):
        assert refs(reading, size, page.cursor) == everything[everything.index(page.rows[-1].ref) + 1 :]


def test_no_page_is_longer_than_asked_and_carries_its_last_cursor(source: Source) -> None:
    pages = list(source(BY_TIME).pages(None, 5))
    assert [len(page.rows) for page in pages] == [5, 5, 2]
    assert pages[-1].cursor == Cursor(datetime(2026, 10, 4, 8), 91) == pages[-1].rows[-1].cursor  # noqa: DTZ001


def test_an_empty_site_yields_no_page(source: Source) -> None:
    assert list(source(BY_KEY.replace("WHERE", "WHERE code = 'none' AND")).pages(None, 5)) == []


def test_a_source_says_what_it_is(source: Source) -> None:
    assert (source(BY_KEY).name, source(BY_KEY).dataset, source(BY_KEY).reading) == ("门诊", "T1", Reading.RESCAN)
    assert source(BY_TIME).reading is Reading.INCREMENTAL


def test_the_window_of_the_site_is_bound(source: Source) -> None:
    sql = BY_KEY.replace("WHERE", "WHERE changed >= :from AND changed < :to AND")
    window = Window(datetime(2026, 10, 2, tzinfo=SHANGHAI), datetime(2026, 10, 3, tzinfo=SHANGHAI))
    assert refs(source(sql, window=window), 2) == ["95", "96", "97"]
    assert len(refs(source(sql), 5)) == 12


def test_a_query_that_takes_no_window_yields_all_rows_and_those_outside_are_excluded_with_the_reason(
    source: Source, read_mapping: Any
) -> None:
    window = Window(datetime(2026, 10, 2, tzinfo=SHANGHAI), datetime(2026, 10, 3, tzinfo=SHANGHAI))
    reading = source(BY_TIME.replace("id, count", "changed AS begn, id, count"), window=window)
    reading.mapping = read_mapping(begn="{column: begn}")
    rows = [row for page in reading.pages(None, 5) for row in page.rows]
    assert Counter((row.state, row.reason) for row in rows) == {
        (RowState.EXCLUDED, "业务时间早于开始报送的日期 2026-10-02（since）"): 3,
        (RowState.READY, ""): 3,
        (RowState.EXCLUDED, "业务时间晚于停止报送的日期 2026-10-02（until）"): 6,
    }


@pytest.mark.parametrize(
    ("occurred", "reported"),
    [
        (date(2026, 10, 1), False),
        (date(2026, 10, 2), True),
        (date(2026, 10, 3), False),
        (datetime(2026, 10, 1, 23, 59, 59, tzinfo=SHANGHAI), False),
        (datetime(2026, 10, 1, 16, 0, tzinfo=UTC), True),
        (datetime(2026, 10, 2, 23, 59, 59, tzinfo=SHANGHAI), True),
        (datetime(2026, 10, 3, tzinfo=SHANGHAI), False),
        (None, True),
    ],
)
def test_the_first_and_the_last_day_are_reported_whole_and_a_row_without_a_time_is_judged_otherwise(
    occurred: date | None, reported: bool
) -> None:
    window = Window(datetime(2026, 10, 2, tzinfo=SHANGHAI), datetime(2026, 10, 3, tzinfo=SHANGHAI))
    assert (window.refusal(occurred) == "") is reported


def test_the_head_table_is_counted_within_the_window_that_the_main_query_takes(source: Source) -> None:
    window = Window(datetime(2026, 10, 2, tzinfo=SHANGHAI), datetime(2026, 10, 3, tzinfo=SHANGHAI))
    reading = source(BY_KEY.replace("WHERE", "WHERE changed >= :from AND changed < :to AND"), window=window)
    assert reading.count() is None
    counting = "SELECT COUNT(*) AS row_count FROM visit WHERE changed >= :from AND changed < :to"
    reading.query = replace(reading.query, count=Statement("queries/T1.count.sql", counting))
    assert reading.count() == len(refs(reading, 5)) == 3
    reading.query = replace(reading.query, count=Statement("queries/T1.count.sql", counting.replace("row_count", "n")))
    with pytest.raises(SourceQueryError, match=r"queries/T1.count.sql.*结果缺少列 row_count"):
        reading.count()


TEXT_KEY = """
SELECT id AS row_ref, code || id AS cursor_key, id, count, code
FROM visit WHERE code || id > :after_key ORDER BY code || id LIMIT :limit
"""


def test_a_key_with_unseen_characters_is_paged_and_asked_for_as_it_is_stored_and_sent_without_them(
    source: Source, site: Path
) -> None:
    """To page after "A2" where the database holds "\\ufeffA2" would read the row for ever; to ask for it would find nothing."""
    with closing(sqlite3.connect(site)) as connection:
        connection.executescript("CREATE TABLE sale (no TEXT, count INTEGER, code TEXT)")
        connection.executemany("INSERT INTO sale VALUES (?, 1, 'X1')", [("A1",), ("\ufeffA2",), ("A3\u200b",)])
        connection.commit()
    sql = "SELECT no AS row_ref, no AS cursor_key, no AS id, count, code FROM sale WHERE {} ORDER BY no"
    reading = source(sql.format("no > :after_key") + " LIMIT :limit", key=KeyKind.TEXT)
    reading.query = replace(reading.query, lookup=Statement("lookup.sql", sql.format("no IN :keys")))
    rows = [row for page in reading.pages(None, 1) for row in page.rows]
    assert [row.values["id"] for row in rows] == ["A1", "A3", "A2"]
    assert {row.ref for row in reading.lookup([row.ref for row in rows])} == {"A1", "\ufeffA2", "A3\u200b"}


def test_text_keys_are_paged_in_byte_order(source: Source) -> None:
    assert refs(source(TEXT_KEY, key=KeyKind.TEXT), 5) == sorted(refs(source(BY_KEY), 5), key=lambda ref: f"X1{ref}")


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        (BY_KEY.replace("id > :after_key", "(1 OR :after_key)"), "没有越过 :after_key 给出的位置"),
        (BY_KEY.replace("ORDER BY id", "ORDER BY id DESC"), "升序"),
        (BY_KEY.replace("LIMIT :limit", "LIMIT :limit + 1"), "返回的行数多于 :limit"),
        (BY_KEY.replace("id AS row_ref", "NULL AS row_ref"), "row_ref 或 cursor_key 为空"),
        (BY_KEY.replace("id AS cursor_key", "code AS cursor_key"), "不是 manifest.yaml 所说的 integer"),
        (BY_KEY.replace("id, count, code", "id, count"), "结果缺少列 code（T1.yaml 要用）"),
        (
            BY_KEY.replace("row_ref", "ROW_REF"),
            '结果缺少列 row_ref（T1.yaml 要用）：数据库把列名变成了大写，请给别名加双引号，例 AS "row_ref"',
        ),
        (BY_TIME.replace("changed AS cursor_time, ", ""), "结果缺少列 cursor_time"),
        (BY_TIME.replace("changed AS cursor_time", "NULL AS cursor_time"), "每一行的 cursor_time 都为空或不是时间，例如 98 这一行"),
        (BY_KEY.replace("FROM visit", "FROM visits"), "表不存在：visits"),
        (BY_KEY.replace("id, count", "id, cuont"), "列不存在：cuont"),
        (BY_KEY.replace("SELECT", "SELEC"), "SQL 语法有误"),
        ("DELETE FROM visit WHERE id > :after_key AND id < :limit", "试图写入"),
        ("PRAGMA foreign_keys = ON", "不是查询语句"),
    ],
)
def test_a_wrong_query_is_told_in_one_sentence_with_its_file(source: Source, sql: str, sentence: str) -> None:
    with pytest.raises(SourceQueryError) as refusal:
        refs(source(sql), 4)
    message = str(refusal.value)
    assert message.startswith("数据源 门诊 的 T1（queries/T1.sql）：")
    assert sentence in message
    assert "\n" not in message


def test_a_letter_outside_the_charset_of_the_connection_is_told_without_its_value(source: Source) -> None:
    reading = source(TEXT_KEY, key=KeyKind.TEXT)
    with pytest.raises(SourceQueryError, match="有字不在数据库与网关连接所用的字符集里") as refusal:
        list(reading.pages(Cursor(None, "X1\ud800"), 5))  # half a pair: SQLite's driver encodes it no more than a server's does
    assert "ud800" not in str(refusal.value)


def test_a_cursor_of_another_kind_is_refused(source: Source) -> None:
    with pytest.raises(SourceQueryError, match="存下的游标不是"):
        refs(source(BY_KEY), 5, Cursor(None, "91"))


def test_pages_before_the_fault_are_not_lost(source: Source) -> None:
    pages = source(BY_KEY.replace("id > :after_key", "(id > :after_key OR id = 92)")).pages(None, 4)
    assert len(next(pages).rows) == 4
    with pytest.raises(SourceQueryError):
        next(pages)


def test_a_missing_file_is_told_and_not_created(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(SourceError, match=r"数据源 门诊 的 T1：数据库文件 .* 不存在或打不开") as refusal:
        refs(source(BY_KEY, path=path), 5)
    assert not isinstance(refusal.value, SourceQueryError)
    assert not path.exists()


def test_a_file_that_is_no_database_is_told(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database, only some words of more than a hundred bytes " * 4, encoding="utf-8")
    with pytest.raises(SourceError, match="不是可读的数据库"):
        refs(source(BY_KEY, path=path), 5)


def test_a_locked_site_is_told_to_be_busy(source: Source, site: Path) -> None:
    reading = source(BY_KEY)
    with closing(sqlite3.connect(site, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with reading.database.connect() as connection:
            connection.execute(text("PRAGMA busy_timeout = 1"))
            connection.rollback()
            with pytest.raises(OperationalError, match="locked"), reading.database.reading(connection):
                connection.execute(text("SELECT * FROM visit"))


def test_a_query_that_runs_too_long_is_stopped(source: Source) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) "
    sql = endless + BY_KEY.replace("FROM visit WHERE", "FROM visit WHERE (SELECT count(*) FROM n) > 0 AND")
    with pytest.raises(SourceError, match="查询超过时限被中止"):
        refs(source(sql, timeout=0), 5)


def test_nothing_can_be_written_through_a_source(source: Source) -> None:
    database = source(BY_KEY).database
    with database.connect() as connection, database.reading(connection), pytest.raises(OperationalError):
        connection.execute(text("INSERT INTO visit VALUES (1, 'X', 1, '')"))


def test_rows_that_cannot_be_mapped_are_yielded_with_their_faults(source: Source, site: Path) -> None:
    with closing(sqlite3.connect(site)) as connection:
        connection.execute("UPDATE visit SET count = '2盒' WHERE id = 95")
        connection.commit()
    rows = [row for page in source(BY_KEY).pages(None, 5) for row in page.rows]
    assert len(rows) == 12
    assert [row.ref for row in rows if row.faults] == ["95"]


#: a query that yields rows without a change time each time: SQLite sorts them first
UNTIMED_FIRST = BY_TIME.replace("WHERE", "WHERE changed IS NULL OR")
UNTIMED_LAST = UNTIMED_FIRST.replace("ORDER BY changed", "ORDER BY changed NULLS LAST")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 12, 1000])
@pytest.mark.parametrize(
    ("sql", "stored"),
    [
        (BY_TIME, "'garbage'"),  # sorted after every time
        (BY_TIME, "substr(changed, 1, 10) || ' 25:61'"),  # sorted among them
        (UNTIMED_FIRST, "NULL"),
        (UNTIMED_LAST, "NULL"),
    ],
)
def test_rows_without_a_readable_change_time_are_set_aside_once_and_move_no_cursor(
    source: Source, site: Path, sql: str, stored: str, size: int
) -> None:
    bad = {"91", "95", "98", "99", "100"}
    with closing(sqlite3.connect(site)) as connection:
        connection.execute(f"UPDATE visit SET changed = {stored} WHERE id IN ({', '.join(bad)})")
        connection.commit()
    pages = list(source(sql).pages(None, size))
    rows = [row for page in pages for row in page.rows]
    assert Counter(row.ref for row in rows) == Counter(map(str, range(89, 101)))
    assert {row.ref for row in rows if row.faults} == bad
    assert {fault.message for row in rows for fault in row.faults} == {
        "本地修改时间（查询的 cursor_time 列）为空或不是时间，无法知道这一行何时改过，请在本地改正"
    }
    assert all(page.cursor.time for page in pages)
    newest = max((row.cursor for row in rows if row.cursor.time), key=lambda cursor: (cursor.time, cursor.key))
    assert pages[-1].cursor == newest
    later = [row.ref for page in source(sql).pages(newest, size) for row in page.rows]
    assert set(later) <= bad  # none of them twice, and none after it lost
    assert len(later) == len(set(later))


def test_more_rows_without_a_change_time_than_a_page_can_grow_to_are_told_with_one_of_them(source: Source, site: Path) -> None:
    with closing(sqlite3.connect(site)) as connection:
        connection.executemany("INSERT INTO visit (id) VALUES (?)", [(number,) for number in range(200, 240)])
        connection.commit()
    with pytest.raises(SourceQueryError, match="接连 32 行的 cursor_time 为空或不是时间，不能再往下读；其中一行是 200"):
        refs(source(UNTIMED_FIRST), 1)
