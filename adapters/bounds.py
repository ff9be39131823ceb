"""Which business time a site reports: from its first day online, to an end if it has one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from schemas.wire import SHANGHAI

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The business time a site reports."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def narrow(self) -> bool:
        """Whether it leaves anything out."""
        return self.since is not None or self.until is not None

    def refusal(self, occurred: Any) -> str:
        """Why a row of that business time is not reported; "" if it is, or if it has none."""
        if not isinstance(occurred, date):
            return ""
        moment = occurred if isinstance(occurred, datetime) else datetime.combine(occurred, time(), SHANGHAI)
        if self.since and moment < self.since:
            return f"业务时间早于开始报送的日期 {self.since:%Y-%m-%d}（since）"
        if self.until and moment >= self.until:
            return f"业务时间晚于停止报送的日期 {self.until - _DAY:%Y-%m-%d}（until）"
        return ""
