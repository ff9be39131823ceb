"""Every address of the console in one table: what is not in it is not answered; who may not is turned away before a view runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from gateway.http.console.accounts import Accounts
from gateway.http.console.declared import Declared
from gateway.http.console.desk import Desk
from gateway.http.console.door import Door
from gateway.http.console.manifests import Manifests
from gateway.http.console.queues import Queues
from gateway.http.console.rows import Rows
from gateway.http.console.tasks import Tasks
from gateway.http.console.today import Today
from gateway.roles import Permission


@dataclass(frozen=True, slots=True)
class Page:
    """One address and what is done there."""

    name: str  #: also the action in the access log
    title: str  #: Chinese, as the access log shows it
    rule: str
    method: str
    view: Callable[..., ResponseReturnValue]
    needs: Permission | None = None  #: None: everybody who is logged in
    open: bool = False  #: to those who are not, too
    menu: str = ""  #: its word in the menu
    refreshes: bool = False  #: it is asked for by itself again and again


def pages(desk: Desk) -> Sequence[Page]:
    """All of them, those of the menu in its order."""
    door, today, queues, rows = Door(desk), Today(desk), Queues(desk), Rows(desk)
    accounts, declared, tasks, manifests = Accounts(desk), Declared(desk), Tasks(desk), Manifests(desk)
    figures, users = Permission.FIGURES, Permission.USERS
    return (
        Page("today", "今日风险", "/", "GET", today.show, figures, menu="今日风险", refreshes=True),
        Page("release", "放行刹车", "/brakes", "POST", today.release, Permission.RELEASE),
        Page("queue", "队列", "/queue", "GET", queues.show, figures, menu="队列", refreshes=True),
        Page("resume", "立即再试", "/queue", "POST", queues.resume, Permission.RESUME),
        Page("tasks", "待办", "/tasks", "GET", tasks.show, Permission.TASKS, menu="待办"),
        Page("filter", "筛选待办", "/tasks", "POST", tasks.filter, Permission.TASKS),
        Page("task", "一条待办", "/tasks/<address>", "GET", tasks.task, Permission.TASKS),
        Page("note", "写备注", "/tasks/<address>/note", "POST", tasks.note, Permission.NOTE),
        Page("replay", "马上再查", "/tasks/<address>/replay", "POST", tasks.replay, Permission.REPLAY),
        Page("where", "查一行", "/where", "GET", rows.ask, Permission.ROWS, menu="查一行"),
        Page("found", "查一行的结果", "/where", "POST", rows.find, Permission.ROWS),
        Page("manifests", "日清单", "/manifest", "GET", manifests.show, figures, menu="日清单"),
        Page("manifest", "一天的清单", "/manifest/<dataset>/<day>", "GET", manifests.day, figures),
        Page("prove", "与平台对照", "/manifest/<dataset>/<day>", "POST", manifests.prove, Permission.REPLAY),
        Page("declarations", "申明", "/declarations", "GET", declared.show, figures, menu="申明"),
        Page("users", "账号", "/users", "GET", accounts.show, users, menu="账号"),
        Page("unlock", "解锁账号", "/users/unlock", "POST", accounts.unlock, users),
        Page("disable", "停用账号", "/users/disable", "POST", accounts.disable, users),
        Page("enable", "启用账号", "/users/enable", "POST", accounts.enable, users),
        Page("access", "访问记录", "/access", "GET", accounts.accesses, users, menu="访问记录"),
        Page("password", "改密码的页面", "/password", "GET", door.password),
        Page("change_password", "改密码", "/password", "POST", door.change_password),
        Page("logout", "退出", "/logout", "POST", door.leave),
        Page("login", "登录页面", "/login", "GET", door.show, open=True),
        Page("enter", "登录", "/login", "POST", door.enter, open=True),
    )
