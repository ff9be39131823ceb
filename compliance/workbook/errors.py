"""What can go wrong while a workbook is put in its place; the message tells a clerk what to do."""

from __future__ import annotations


class WorkbookError(Exception):
    """The workbook was not written, and whatever stood at the target is untouched."""
