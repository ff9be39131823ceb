"""The people who use the web pages: their accounts, their sessions, and what each of them has looked at. Values, no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.errors import GatewayError
from gateway.roles import Permission, Role, roles

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_DEPARTMENT = 100
#: characters of a line of the access log that say which rows
PLACE_LENGTH = 600
#: a session in use is written down so often, not at every click
TOUCH_EVERY = timedelta(minutes=1)
#: by which the clocks of two machines on one store may differ
_APART = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may log in."""

    name: str
    role: str
    department: str = ""  #: of a role that sees one department only
    password: str = field(default="", repr=False)  #: hashed
    must_change: bool = True  #: whoever chose the password is not who it is for
    disabled: bool = False
    created_at: datetime | None = None
    seen_at: datetime | None = None  #: logged in last

    @property
    def held(self) -> Role:
        """What the role may do; a role that is not in roles.yaml any more may do nothing."""
        return roles().get(self.role) or Role(self.role, self.role, "", frozenset())

    def may(self, permission: Permission) -> bool:
        """Whether it is among what the role may do."""
        return permission in self.held.may


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody logged in. The store knows it by a digest of the token only."""

    digest: str
    operator: Operator
    began_at: datetime
    used_at: datetime

    def over(self, now: datetime, idle: timedelta, longest: timedelta) -> bool:
        """Whether one has to log in again: nothing was done for long, it has lasted long enough, or a wrong clock dated it."""
        ahead = max(self.used_at, self.began_at) - now > _APART
        return ahead or now - self.used_at >= idle or now - self.began_at >= longest


@dataclass(frozen=True, slots=True)
class Access:
    """One line of the access log: who did what when, to which row; never what stood in it."""

    at: datetime
    operator: str  #: as typed, where a login failed
    address: str
    action: str  #: of a closed list: the name of the page or of what was done there
    outcome: int  #: HTTP status
    place: str = ""  #: source, data set and local numbers of the rows


def check(name: str, role: str, department: str) -> None:
    """GatewayError if no account could be made like this."""
    if not _NAME.fullmatch(name):
        raise GatewayError("用户名须为 2 至 32 个小写字母、数字和 . _ -，以字母开头")
    if role not in roles():
        known = "、".join(f"{code}（{each.title}）" for code, each in roles().items())
        raise GatewayError(f"没有角色 {role}，可用的：{known}")
    if roles()[role].confined != bool(department):
        told = "要写明是哪个科室（--department）" if not department else "不分科室，请不要写 --department"
        raise GatewayError(f"角色 {roles()[role].title} {told}")
    if len(department) > _DEPARTMENT or not department.isprintable():
        raise GatewayError(f"科室名须为一行、不超过 {_DEPARTMENT} 字")


def nameable(name: str) -> bool:
    """Whether somebody could be called so: anything else is not even looked up, nor kept."""
    return bool(_NAME.fullmatch(name))
