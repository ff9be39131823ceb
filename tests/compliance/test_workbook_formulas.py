"""The formulas a section chief clicks on evaluate to the figures of the report: worked out here, cell by cell."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from itertools import cycle
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from compliance.coverage import Cell, CellState, CoverageReport, InstitutionCoverage, UploadLine
from compliance.workbook.coverage import write
from schemas.wire import SHANGHAI


class Calculator:
    """Just enough of Excel for our own formulas; anything else fails loudly."""

    def __init__(self, sheet: Worksheet) -> None:
        self._sheet = sheet

    def value(self, where: str) -> Fraction | str | None:
        cell = self._sheet[where]
        if cell.data_type == "f":
            return self._formula(str(cell.value)[1:])
        return Fraction(cell.value) if isinstance(cell.value, int) else cell.value

    def _formula(self, text: str) -> Fraction | str:
        if guarded := re.fullmatch(r'IF\(([^=]+)=0,"([^"]*)",([A-Z]+\d+)/\((.+)\)\)', text):
            whole = self._sum(guarded[1])
            assert guarded[1] == guarded[4]
            return self._sum(guarded[3]) / whole if whole else guarded[2]
        if "&" in text:
            return "".join(part.strip('"') if part[0] == '"' else str(self._sum(part)) for part in text.split("&"))
        return self._sum(text)

    def _sum(self, text: str) -> Fraction:
        terms = re.findall(r"([+-]?)((?:[A-Z]+\([^)]*\))|[A-Z]+\d+)", text)
        assert "".join(sign + term for sign, term in terms) == text, text
        return sum((-self._term(term) if sign == "-" else self._term(term) for sign, term in terms), Fraction(0))

    def _term(self, text: str) -> Fraction:
        if call := re.fullmatch(r"(\w+)\((.*)\)", text):
            return self._call(call[1], [argument.strip('"') for argument in call[2].split(",")])
        return self._number(self.value(text))

    def _call(self, function: str, arguments: list[str]) -> Fraction:
        values = [self.value(where) for where in self._area(arguments[0])]
        if function == "SUM":
            return sum((self._number(value) for value in values), Fraction(0))
        if function == "COUNTIF":
            return Fraction(sum(value == arguments[1] for value in values))
        assert function == "SUMIF"
        summed = zip(values, self._area(arguments[2]), strict=True)
        return sum((self._number(self.value(where)) for value, where in summed if value == arguments[1]), Fraction(0))

    def _area(self, text: str) -> list[str]:
        return [cell.coordinate for row in self._sheet[text.replace("$", "")] for cell in row]

    @staticmethod
    def _number(value: object) -> Fraction:
        assert value is None or isinstance(value, Fraction), value
        return value or Fraction(0)


def mixed_report() -> CoverageReport:
    """13 institutions x 3 scenes in every state, deferred ones with data among them."""
    scenes = ("门诊", "血透", "住院")
    states = cycle([CellState.RECEIVING, CellState.NOT_STARTED, CellState.NOT_PLANNED, CellState.RECEIVING, CellState.NOT_STARTED])
    rows, lines = [], []
    for number in range(1, 14):
        deferred = number % 5 == 0
        cells = tuple(Cell(scene, CellState.DEFERRED if deferred else next(states)) for scene in scenes)
        rows.append(InstitutionCoverage(number, f"测试机构{number}", f"{number:06d}", deferred, cells))
        on_time, late = 7 * (number % 4), number % 4
        lines.append(
            UploadLine(
                f"测试机构{number}", f"{number:06d}", "IP01", "入院信息", "实时", on_time + late, number % 3, 1, on_time, late, None
            )
        )
    return CoverageReport("测试市", datetime(2026, 11, 25, tzinfo=SHANGHAI), "测试版", scenes, tuple(rows), tuple(lines))


@pytest.mark.parametrize("sheet", ["覆盖情况", "数据上传情况"])
def test_every_formula_evaluates_to_the_result_beside_it(tmp_path: Path, sheet: str) -> None:
    path = tmp_path / "x.xlsx"
    write(mixed_report(), path)
    formulas, results = load_workbook(path)[sheet], load_workbook(path, data_only=True)[sheet]
    calculator = Calculator(formulas)
    places = [cell.coordinate for row in formulas.iter_rows() for cell in row if cell.data_type == "f"]
    assert len(places) > 20
    for where in places:
        value = calculator.value(where)
        assert results[where].value == (float(value) if isinstance(value, Fraction) else value), (where, formulas[where].value)


def test_the_total_formulas_evaluate_to_planned_assessed_and_receiving(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    report = mixed_report()
    write(report, path)
    sheet = load_workbook(path)["覆盖情况"]
    total = next(row for row in sheet.iter_rows() if row[0].value == "合计")
    planned, _, assessed, receiving, _ = (Calculator(sheet).value(cell.coordinate) for cell in total[-5:])
    assert (planned, assessed, receiving) == (report.planned, report.assessed, report.receiving)
    assert all(cell.data_type == "f" for cell in total[-5:])
