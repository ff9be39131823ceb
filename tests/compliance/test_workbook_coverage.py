"""The coverage workbook, read back the way a section chief reads it: figures, texts, dates, paper."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from compliance.coverage import Cell, CellState, CoverageReport, InstitutionCoverage, UploadLine
from compliance.workbook.coverage import write
from compliance.workbook.digest import digest
from schemas.wire import SHANGHAI

ROSTER = Path(__file__).resolve().parents[3] / "shared" / "data" / "roster-jiyuan.csv"
AS_OF = datetime(2026, 11, 25, 18, 0, tzinfo=SHANGHAI)
LAST = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)  # 25 November, 01:30 in Shanghai
SCENES = ("门诊", "住院")
FIRST = 5  # first row of the body


def cell(scene: str, state: CellState) -> Cell:
    received = state is CellState.RECEIVING
    return Cell(scene, state, 3 if received else 0, LAST if received else None)


def institution(number: int, *states: CellState, name: str = "", code: str | None = None) -> InstitutionCoverage:
    return InstitutionCoverage(
        number=number,
        name=name or f"测试机构{number}",
        code=f"{number:011d}" if code is None else code,
        deferred=CellState.DEFERRED in states,
        cells=tuple(cell(scene, state) for scene, state in zip(SCENES, states, strict=True)),
    )


def upload(of: InstitutionCoverage, on_time: int, late: int, dataset: str = "RX01", withdrawn: int = 0) -> UploadLine:
    return UploadLine(of.name, of.code, dataset, "门诊处方信息", "实时", on_time + late, withdrawn, 2, on_time, late, LAST)


def report(*rows: InstitutionCoverage, uploads: tuple[UploadLine, ...] = (), scenes: tuple[str, ...] = SCENES) -> CoverageReport:
    return CoverageReport("测试市", AS_OF, "测试版 1", scenes, rows, uploads)


def small() -> CoverageReport:
    first = institution(1, CellState.RECEIVING, CellState.NOT_STARTED)
    second = institution(2, CellState.NOT_STARTED, CellState.NOT_PLANNED)
    third = institution(3, CellState.DEFERRED, CellState.DEFERRED)
    return report(first, second, third, uploads=(upload(first, 7, 1, withdrawn=3), upload(second, 0, 0), upload(third, 1, 1)))


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Workbook]:
    def make(figures: CoverageReport, *, results: bool = False) -> Workbook:
        path = tmp_path / "覆盖情况.xlsx"
        write(figures, path)
        return load_workbook(path, data_only=results)

    return make


def texts(sheet: Worksheet) -> list[str]:
    return [str(value) for row in sheet.iter_rows(values_only=True) for value in row if value is not None]


def row_of(sheet: Worksheet, label: str) -> tuple[object, ...]:
    return next(row for row in sheet.iter_rows(values_only=True) if label in row)


def column_of(sheet: Worksheet, title: str) -> int:
    return next(c.column for row in sheet.iter_rows(min_row=3, max_row=4) for c in row if c.value == title)


@pytest.mark.requirement("J-028")
def test_the_total_row_shows_the_figures_of_the_report(written: Callable[..., Workbook]) -> None:
    figures = small()
    total = row_of(written(figures, results=True)["覆盖情况"], "合计")
    assert total[-5:] == (5, 2, 3, 1, pytest.approx(1 / 3))
    assert (figures.planned, figures.assessed, figures.receiving) == (5, 3, 1)


def test_deferred_scenes_are_shown_by_themselves_and_are_not_assessed(written: Callable[..., Workbook]) -> None:
    sheet = written(small(), results=True)["覆盖情况"]
    assert row_of(sheet, "其中：缓建（不考核）")[-5:] == (2, 2, 0, 0, "不适用")
    assert row_of(sheet, "测试机构3")[-5:] == (2, 2, 0, 0, "不适用")


def test_each_state_has_words_and_a_symbol_of_its_own(written: Callable[..., Workbook]) -> None:
    sheet = written(small())["覆盖情况"]
    states = [sheet.cell(row, column).value for row in (FIRST, FIRST + 1, FIRST + 2) for column in (4, 6)]
    assert states == ["● 接收中", "○ 未开始", "○ 未开始", "— 不适用", "△ 缓建", "△ 缓建"]


def test_dates_are_real_dates_of_the_shanghai_day(written: Callable[..., Workbook]) -> None:
    book = written(small())
    received = book["覆盖情况"].cell(FIRST, 5)
    assert (received.value, received.number_format) == (datetime(2026, 11, 25), 'yyyy"年"m"月"d"日"')  # noqa: DTZ001
    moment = book["数据上传情况"].cell(FIRST, column_of(book["数据上传情况"], "最近接收时间"))
    assert moment.value == datetime(2026, 11, 25, 1, 30)  # noqa: DTZ001
    assert book["覆盖情况"].cell(FIRST + 1, 5).value is None


def test_codes_are_text_with_their_leading_zeros(written: Callable[..., Workbook]) -> None:
    for sheet in written(small()).worksheets:
        code = sheet.cell(FIRST, 3)
        assert (code.value, code.data_type, code.number_format) == ("00000000001", "s", "@")


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x.invalid","甲")', "+1+1", "-2+3", "@SUM(A1)", "#N/A", "甲\x0b乙"])
def test_a_name_that_looks_like_a_formula_stays_text(written: Callable[..., Workbook], name: str) -> None:
    row = institution(1, CellState.RECEIVING, CellState.NOT_STARTED, name=name, code="=1+1")
    for sheet in written(report(row, uploads=(upload(row, 1, 0),))).worksheets:
        shown, code = sheet.cell(FIRST, 2), sheet.cell(FIRST, 3)
        assert (shown.value, shown.data_type) == (name.replace("\x0b", ""), "s")
        assert bool(shown.quotePrefix) is name.startswith(("=", "+", "-", "@"))
        assert (code.value, code.data_type) == ("=1+1", "s")


def test_titles_and_headers_never_become_formulas(written: Callable[..., Workbook]) -> None:
    sheet = written(CoverageReport("=1+1", AS_OF, "=1+1", ("=2+2",), (), ()))["覆盖情况"]
    assert (sheet["A1"].data_type, sheet["D3"].value, sheet["D3"].data_type) == ("s", "=2+2", "s")


def test_a_code_that_is_not_issued_yet_is_blank(written: Callable[..., Workbook]) -> None:
    row = institution(1, CellState.RECEIVING, CellState.NOT_STARTED, code="")
    assert written(report(row))["覆盖情况"].cell(FIRST, 3).value is None


@pytest.mark.requirement("J-030")
def test_timeliness_of_nothing_is_not_applicable(written: Callable[..., Workbook]) -> None:
    sheet = written(small(), results=True)["数据上传情况"]
    rate = column_of(sheet, "及时率")
    assert [sheet.cell(FIRST + row, rate).value for row in range(3)] == [0.875, "不适用", 0.5]
    assert sheet.cell(FIRST, rate).number_format == "0.00%"


def test_upload_totals_separate_the_deferred_from_the_assessed(written: Callable[..., Workbook]) -> None:
    sheet = written(small(), results=True)["数据上传情况"]
    assert row_of(sheet, "合计")[6:12] == (10, 3, 6, 8, 2, 0.8)
    assert row_of(sheet, "其中：缓建（不考核）")[6:12] == (2, 0, 2, 1, 1, 0.5)
    assert row_of(sheet, "其中：纳入考核")[6:12] == (8, 3, 4, 7, 1, 0.875)


def test_what_was_withdrawn_stands_beside_what_was_received_and_is_explained(written: Callable[..., Workbook]) -> None:
    sheet = written(small())["数据上传情况"]
    column = column_of(sheet, "其中：\n作废")
    assert sheet.cell(FIRST, column - 1).value == 8
    assert [sheet.cell(FIRST + row, column).value for row in range(3)] == [3, 0, 0]
    assert any("其中作废：最新版本为作废" in text for text in texts(sheet))


def test_a_scene_whose_records_were_all_withdrawn_says_so_instead_of_a_date(written: Callable[..., Workbook]) -> None:
    taken_back = Cell("门诊", CellState.NOT_STARTED, 0, LAST)
    row = InstitutionCoverage(1, "测试机构1", "", False, (taken_back, cell("住院", CellState.RECEIVING)))
    sheet = written(report(row))["覆盖情况"]
    assert [sheet.cell(FIRST, column).value for column in (4, 5, 6)] == ["○ 未开始", "已全部作废", "● 接收中"]
    assert any("“已全部作废”的，曾接收过数据" in text for text in texts(sheet))


@pytest.mark.requirement("J-014")
@pytest.mark.skipif(not ROSTER.exists(), reason=f"the district's roster {ROSTER.name} is not beside the repository")
def test_the_real_roster_has_63_planned_and_57_assessed_scenes(written: Callable[..., Workbook]) -> None:
    with ROSTER.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    scenes = tuple(title for title in lines[0] if title.endswith("场景"))
    rows = []
    for line in lines:
        planned = CellState.DEFERRED if line["缓建"] == "1" else CellState.NOT_STARTED
        cells = tuple(cell(scene, planned if line[scene] == "1" else CellState.NOT_PLANNED) for scene in scenes)
        rows.append(InstitutionCoverage(int(line["序号"]), line["医疗机构名称"], "", line["缓建"] == "1", cells))
    sheet = written(report(*rows, scenes=scenes), results=True)["覆盖情况"]
    assert row_of(sheet, "合计")[-5:] == (63, 6, 57, 0, 0.0)
    assert any("规划建设63个，其中缓建6个，应建57个" in text for text in texts(sheet))


def test_both_sheets_are_ready_to_print(written: Callable[..., Workbook]) -> None:
    for sheet in written(small()).worksheets:
        assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == (9, "landscape")
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        margins = sheet.page_margins
        assert {round(side * 2.54, 3) for side in (margins.left, margins.right, margins.top, margins.bottom)} == {2.0}
        assert sheet.print_options.horizontalCentered
        assert not sheet.print_options.gridLines
        assert sheet.oddFooter.center.text == "第 &P 页 共 &N 页"
        assert (sheet.print_title_rows, sheet.freeze_panes) == ("$1:$4", "C5")


def test_both_sheets_carry_title_stamp_date_unit_and_signatures(written: Callable[..., Workbook]) -> None:
    titles = ("测试市2026年11月智能场景监控覆盖情况统计表", "测试市2026年11月智能场景监控数据上传情况统计表")
    for sheet, title in zip(written(small()).worksheets, titles, strict=True):
        assert sheet["A1"].value == title
        second = [c.value for c in sheet[2] if c.value is not None]
        assert second[:3] == ["填报单位（盖章）：", "填报日期：", datetime(2026, 11, 25)]  # noqa: DTZ001
        assert str(second[3]).startswith("单位：")
        signatures = next(text for text in texts(sheet) if text.startswith("审核人："))
        assert all(word in signatures for word in ("填表人：", "联系电话：", "（单位盖章）", "年", "月", "日"))


def test_both_sheets_end_with_cut_off_edition_and_digest(written: Callable[..., Workbook]) -> None:
    figures = small()
    for sheet in written(figures).worksheets:
        identity, meaning = texts(sheet)[-2:]
        assert "2026年11月25日 18:00:00" in identity
        assert "测试版 1" in identity
        assert digest(figures) in identity
        assert "文件无法包含自身的校验值" in meaning


def test_every_body_cell_is_ruled_and_wrapped(written: Callable[..., Workbook]) -> None:
    for sheet in written(small()).worksheets:
        for body in sheet.iter_rows(min_row=FIRST, max_row=FIRST + 2):
            for c in body:
                assert (c.border.left.style, c.border.bottom.style) == ("thin", "thin"), c.coordinate
                assert (c.alignment.wrap_text, c.alignment.vertical) == (True, "center"), c.coordinate


def test_a_long_name_gets_a_higher_row(written: Callable[..., Workbook]) -> None:
    rows = (
        institution(1, CellState.NOT_STARTED, CellState.NOT_STARTED),
        institution(2, CellState.NOT_STARTED, CellState.NOT_STARTED, name="名称很长的测试医疗机构" * 3),
    )
    heights = written(report(*rows))["覆盖情况"].row_dimensions
    assert heights[FIRST + 1].height > 2 * heights[FIRST].height


@pytest.mark.parametrize("scenes", [SCENES, ()])
def test_an_empty_report_says_so_in_words(written: Callable[..., Workbook], scenes: tuple[str, ...]) -> None:
    coverage, uploads = written(report(scenes=scenes), results=True).worksheets
    assert "（名录中没有医疗机构）" in texts(coverage)
    assert "（尚未接收到数据）" in texts(uploads)
    assert row_of(coverage, "合计")[-5:] == (0, 0, 0, 0, "不适用")
    assert row_of(uploads, "合计")[6:12] == (0, 0, 0, 0, 0, "不适用")


def test_cells_in_another_order_than_the_scenes_are_refused(tmp_path: Path) -> None:
    row = institution(1, CellState.RECEIVING, CellState.NOT_STARTED)
    with pytest.raises(ValueError, match="order"):
        write(report(row, scenes=tuple(reversed(SCENES))), tmp_path / "x.xlsx")


def test_a_thousand_institutions_with_eight_data_sets_fit(written: Callable[..., Workbook]) -> None:
    rows = tuple(institution(number, CellState.RECEIVING, CellState.NOT_STARTED) for number in range(1, 1001))
    lines = tuple(upload(row, 9, 1, dataset=f"RX{number:02d}") for row in rows for number in range(1, 9))
    coverage, uploads = written(report(*rows, uploads=lines), results=True).worksheets
    assert row_of(coverage, "合计")[-5:] == (2000, 0, 2000, 1000, 0.5)
    assert row_of(uploads, "合计")[6:12] == (80_000, 0, 16_000, 72_000, 8_000, 0.9)
    assert uploads.cell(FIRST + 7_999, 1).value == 8_000


def test_every_formula_carries_its_result(written: Callable[..., Workbook]) -> None:
    with_formulas = written(small())
    with_results = written(small(), results=True)
    found = 0
    for sheet in with_formulas.worksheets:
        for row in sheet.iter_rows():
            for c in row:
                if c.data_type == "f":
                    found += 1
                    assert with_results[sheet.title][c.coordinate].value is not None, c.coordinate
    assert found > 30


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice), the second opinion, is not installed")
def test_a_spreadsheet_program_calculates_the_same_figures(tmp_path: Path) -> None:
    """LibreOffice recalculates because the results are removed first: openpyxl saves formulas without them."""
    ours, bare = tmp_path / "ours.xlsx", tmp_path / "bare.xlsx"
    write(small(), ours)
    load_workbook(ours).save(bare)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    convert = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(bare)]
    subprocess.run(convert, check=True, capture_output=True, timeout=120)
    calculated, expected = load_workbook(tmp_path / "out" / "bare.xlsx", data_only=True), load_workbook(ours, data_only=True)
    for sheet in load_workbook(ours).worksheets:
        formulas = [c.coordinate for row in sheet.iter_rows() for c in row if c.data_type == "f"]
        for where in formulas:
            want = expected[sheet.title][where].value
            got = calculated[sheet.title][where].value
            assert got == (want if isinstance(want, str) else pytest.approx(want)), (sheet.title, where)
