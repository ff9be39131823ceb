"""The database of a vendor whom no profile knows: pinyin names, no foreign keys, Chinese words for states. All rows are made up."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

TABLES = """
CREATE TABLE XT_TXJL (
    JLBH INTEGER PRIMARY KEY, HZBH TEXT, CFH TEXT, PBBH TEXT, TXRQ TEXT, SJSJ TEXT, XJSJ TEXT, ZLSC INTEGER,
    TQTZ TEXT, THTZ TEXT, CLL NUMERIC, TXJH TEXT, KNJ TEXT, HSGH TEXT, ZFBZ TEXT, LRSJ TEXT, GXSJ TEXT
);
CREATE TABLE XT_PBB (
    PBBH TEXT PRIMARY KEY, HZBH TEXT, PBRQ TEXT, BC TEXT, CWH TEXT, TXJH TEXT, ZT TEXT, QXYY TEXT
);
CREATE TABLE XT_HZXX (HZBH TEXT PRIMARY KEY, HZXM TEXT, SFZH TEXT, XB TEXT, CSRQ TEXT, LXDH TEXT, YBKH TEXT, TXH TEXT);
CREATE TABLE XT_CZY (GH TEXT PRIMARY KEY, XM TEXT, KS TEXT);
CREATE TABLE SYS_RZ (ID INTEGER PRIMARY KEY, NR TEXT, SJ TEXT);
"""
SHOP = """
CREATE TABLE ls_xs (
    xs_id INTEGER PRIMARY KEY, xp_no TEXT, sp_id INTEGER, ph TEXT, sl NUMERIC, dj NUMERIC, xssj TEXT, syy TEXT, th_flag TEXT
);
CREATE TABLE ls_sp (
    sp_id INTEGER PRIMARY KEY, sp_bm TEXT, sp_mc TEXT, yb_bm TEXT, txm TEXT, cfy TEXT, sccj TEXT
);
CREATE TABLE ls_hy (hy_id INTEGER PRIMARY KEY, xm TEXT, dh TEXT);
"""
_DAYS = 12
_SHIFTS = ("上午", "下午", "晚上")


def create(path: Path) -> Path:
    """Twelve days of three patients: 36 shifts, 36 sessions, two void, one without an end."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLES)
        connection.executemany("INSERT INTO XT_HZXX VALUES (?, ?, ?, ?, ?, ?, ?, ?)", list(map(_patient, range(3))))
        connection.executemany(
            "INSERT INTO XT_CZY VALUES (?, ?, ?)", [("N01", "测试护士甲", "血透室"), ("N02", "测试护士乙", "血透室")]
        )
        for number in range(_DAYS * 3):
            connection.execute(f"INSERT INTO XT_PBB VALUES ({', '.join('?' * 8)})", _scheduled(number))
            connection.execute(f"INSERT INTO XT_TXJL VALUES ({', '.join('?' * 17)})", _session(number))
        connection.commit()
    return path


def _patient(number: int) -> tuple[object, ...]:
    return (
        f"H{number + 1:04d}",
        f"王测试{'甲乙丙'[number]}",
        f"99000019800101{number:03d}X",
        "男",
        "1980-01-01",
        "",
        "",
        f"TX{number:03d}",
    )


def _scheduled(number: int) -> tuple[object, ...]:
    patient, day = f"H{number % 3 + 1:04d}", f"2026/11/{number // 3 + 1:02d}"
    return (f"P{number:05d}", patient, day, _SHIFTS[number % 3], f"C{number % 3}", f"M{number % 3}", "已到", None)


def _session(number: int) -> tuple[object, ...]:
    patient, day = f"H{number % 3 + 1:04d}", f"2026/11/{number // 3 + 1:02d}"
    begin, end = (("07:30", "11:30"), ("13:00", "17:05"), ("20:30", "00:35"))[number % 3]
    entered = f"2026-11-{number // 3 + 1:02d} 23:50:00"
    void, ended = "1" if number in (4, 9) else "0", None if number == 35 else end
    weights = f"{61 + number % 3}.5kg", f"{59 + number % 3}.2kg"
    rest = (void, entered, entered)
    return (
        *(number + 1, patient, f"CF{number % 3}", f"P{number:05d}", day, begin, ended, 240, *weights),
        *(2300, f"M{number % 3}", "低分子肝素", "N01", *rest),
    )


def shop(path: Path) -> Path:
    """A pharmacy's till: twenty lines of three goods, two of them returned."""
    goods = [
        (1, "SP001", "示例片", "XA00AAA000A000010000001", "6900000000017", "0", "示例药厂"),
        (2, "SP002", "示例胶囊", "XA00AAA000A000010000002", "6900000000024", "1", "示例药厂"),
        (3, "SP003", "示例口服液", None, "6900000000031", "0", "示例药厂"),
    ]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SHOP)
        connection.executemany("INSERT INTO ls_sp VALUES (?, ?, ?, ?, ?, ?, ?)", goods)
        for number in range(20):
            sold = f"2026-11-{number % 9 + 1:02d} 1{number % 9}:05:00"
            line = (number + 1, f"XP{number // 2:05d}", number % 3 + 1, "L2601", 1 + number % 2, 12.5, sold, "测试收银员")
            connection.execute("INSERT INTO ls_xs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*line, "1" if number in (7, 8) else "0"))
        connection.commit()
    return path
