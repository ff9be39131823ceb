"""Excel for a site's departments: layout only. What stands in it comes from the values it is given; nothing here reads a store."""

from gateway.workbook.qualities import write as write_qualities
from gateway.workbook.tasks import write as write_tasks

__all__ = ["write_qualities", "write_tasks"]
