"""The section `alerts` of the configuration: who is told, and from when on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.alarms import Thresholds
from gateway.notices import Manners
from gateway.windows import hours
from schemas.yamlfile import Section


@dataclass(frozen=True, slots=True)
class Alerts:
    """Who is told of what."""

    channels: Mapping[str, str] = field(default_factory=dict, repr=False)  #: name -> address, which is a secret
    manners: Manners = field(default_factory=Manners)
    thresholds: Thresholds = field(default_factory=Thresholds)
    environment_proxy: bool = False  #: whether a proxy named by the environment is used


def alerts(section: Section | None, name: str) -> Alerts:
    """`name`: how messages call the gateway where the site does not say."""
    if section is None:
        return Alerts(manners=Manners(name=name))
    section.known(*_ALERT_KEYS)
    channels = section.optional("channels")
    standard = Thresholds()
    return Alerts(
        channels={each: channels.secret(each) for each in channels.data} if channels else {},
        manners=_manners(section, name),
        thresholds=Thresholds(
            due=timedelta(hours=section.at_least("due_hours", 1, round(standard.due / timedelta(hours=1)))),
            queue=timedelta(minutes=section.at_least("queue_minutes", 1, round(standard.queue / timedelta(minutes=1)))),
            looks=section.at_least("queue_looks", 2, standard.looks),
            silence=section.at_least("silence_rows", 1, standard.silence),
            backup=timedelta(days=section.at_least("backup_days", 0, standard.backup.days)),
        ),
        environment_proxy=bool(section.get("environment_proxy", bool, default=False)),
    )


_ALERT_KEYS = (
    *("channels", "name", "repeat_hours", "quiet", "environment_proxy"),
    *("due_hours", "queue_minutes", "queue_looks", "silence_rows", "backup_days"),
)


def _manners(section: Section, name: str) -> Manners:
    try:
        quiet = tuple(map(hours, section.texts("quiet")))
    except ValueError:
        raise section.error('应为时段的列表，例：["22:00-07:00"]', "quiet") from None
    return Manners(timedelta(hours=section.at_least("repeat_hours", 1, 4)), quiet, section.text("name", name))
