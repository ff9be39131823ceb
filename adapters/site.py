"""One source of one institution as the site's configuration describes it: where it is, whose it is, what the site declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL

from gateway.errors import ConfigError
from gateway.model import Service


@dataclass(frozen=True, slots=True)
class Site:
    """A database, a web service or a folder into which files are dropped: exactly one of the three."""

    name: str
    url: URL | None
    institution: str  #: fixmedins_code
    constants: Mapping[str, str] = field(default_factory=dict)
    catalogues: Mapping[str, Path] = field(default_factory=dict)  #: "": of a profile that has just one
    datasets: tuple[str, ...] = ()  #: empty: all that the profile has
    statement_timeout: int = 30  #: seconds
    since: datetime | None = None  #: business time before it is not reported; bound to :from
    until: datetime | None = None  #: nor business time from here on; bound to :to
    others: tuple[str, ...] = ()  #: further institutions whose rows it holds
    institution_codes: Mapping[str, str] = field(default_factory=dict)  #: local code of an institution -> fixmedins_code
    password_from: str = ""  #: the file or the environment variable that the password is in, for messages
    encoding: str = ""  #: of texts that the database believes to be latin1; "": as the database says
    oracle_client: Path | None = None  #: folder of Oracle's own client, for servers that the thin driver does not speak to
    service: Service | None = None
    inbox: Path | None = None
    archive_days: int = 60  #: how long files that were taken in are kept

    def wrong(self, sentence: str, key: str = "") -> ConfigError:
        """An error of this source's configuration."""
        return ConfigError(f"数据源 {self.name}：{sentence}", key=key)
