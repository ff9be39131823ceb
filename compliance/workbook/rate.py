"""A rate as Excel shows it: nothing to divide by is 不适用, which is neither 0 nor 100 %."""

from __future__ import annotations

NOT_APPLICABLE = "不适用"


def rate(part_cell: str, whole_cells: str, part: int, whole: int) -> tuple[str, float | str]:
    """Formula and result. `whole_cells` is a cell or a sum such as I7+J7. Not rounded: the number format rounds what is shown."""
    formula = f'=IF({whole_cells}=0,"{NOT_APPLICABLE}",{part_cell}/({whole_cells}))'
    return formula, part / whole if whole else NOT_APPLICABLE
