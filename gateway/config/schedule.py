"""When things are done: how often, at which hour, in which hours of the day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.windows import Hours, hours
from schemas.yamlfile import Section

LAST_HOUR = 23


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often, in seconds."""

    read_every: int
    rescan_every: int  #: of data sets that are read from the start each time
    upload_every: int
    manifest_hour: int = 6  #: of the day, Asia/Shanghai: when the manifests of the day before are made


def schedule(section: Section | None, file: Path) -> Schedule:
    section = section or Section({}, file, "schedule")
    section.known("read_every", "rescan_every", "upload_every", "manifest_hour")
    read_every = section.at_least("read_every", 1, 2)
    hour = section.at_least("manifest_hour", 0, 6)
    if hour > LAST_HOUR:
        raise section.error("应为 0 至 23", "manifest_hour")
    return Schedule(
        read_every=read_every,
        rescan_every=section.at_least("rescan_every", 1, max(300, read_every)),
        upload_every=section.at_least("upload_every", 1, 2),
        manifest_hour=hour,
    )


def hours_of(section: Section, key: str) -> tuple[Hours, ...]:
    try:
        return tuple(map(hours, section.texts(key)))
    except ValueError:
        raise section.error('应为时段的列表，例：["08:00-12:00", "14:00-22:00"]；跨零点写 "22:00-06:00"', key) from None
