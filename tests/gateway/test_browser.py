"""A person at a real browser: logs in, looks, acts, is logged out. Headless Chromium against the served gateway."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from support.delivery import Clock
from support.webconsole import PASSWORD, hospital, moved, password_hash, present

from gateway import config as configuration
from gateway import serving
from gateway.breaker import Report, Signal
from gateway.model import Brake, BrakeKind
from gateway.operators import Operator
from gateway.wiring import Gateway, opened

NEW = "staple-of-my-own"
_SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server")


#: how many tables are wider than what holds them: then a part of each row is out of sight
_HIDDEN = "return [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth + 1).length"


@dataclass
class Person:
    """Somebody at a screen; every look is kept as a picture."""

    driver: Chrome
    url: str
    folder: Path

    def open(self, path: str) -> None:
        self.driver.get(f"{self.url}{path}")

    def see(self) -> str:
        return str(self.driver.execute_script("return document.body ? document.body.innerText : ''"))

    def sees(self, words: str) -> bool:
        """Whether it stands there, at once or as soon as the page has come: a click does not wait for it."""
        waiting = WebDriverWait(self.driver, 20, 0.05, (WebDriverException,))
        try:
            return bool(waiting.until(lambda _: words in self.see() or words in self.driver.title))
        except TimeoutException:
            return False

    def find(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def press(self, word: str) -> None:
        """The first button of that word."""
        found = [each for each in self.driver.find_elements(By.TAG_NAME, "button") if each.text == word]
        assert found, f"no button {word} on: {self.see()}"
        found[0].click()

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            box = self.find(f"main [name={name}]")
            box.clear()
            box.send_keys(value)

    def enter(self, name: str, password: str = PASSWORD) -> None:
        self.open("/login")
        self.fill(name=name, password=password)
        self.press("登录")

    def look(self, name: str, width: int = 1366) -> Path:
        """The whole page, as wide as that."""
        self.driver.set_window_size(width, 768)
        height = int(self.driver.execute_script("return document.documentElement.scrollHeight")) + 150
        self.driver.set_window_size(width, min(max(height, 768), 4000))
        place = self.folder / f"{name}.png"
        assert self.driver.save_screenshot(str(place))
        return place

    def overflows(self) -> bool:
        """Whether the page is wider than the window: then a person has to push it to and fro."""
        wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.driver.execute_script(wide)) > 0


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("chromium and chromium-driver are not on this machine")
    options = Options()
    options.binary_location = browser
    for switch in _SWITCHES:
        options.add_argument(switch)
    found = Chrome(options=options, service=Service(driver))
    found.set_page_load_timeout(60)
    yield found
    found.quit()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hospital(tmp_path_factory.mktemp("browser") / "district", days=4)


@pytest.fixture
def clock() -> Clock:
    return present()


@pytest.fixture
def gateway(template: Path, tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    place = Path(shutil.copytree(template, tmp_path / "site"))
    with opened(configuration.load(place / "config.yaml"), clock) as found:
        moved(found, clock)
        for name, role in (("admin", "admin"), ("it", "it"), ("viewer", "viewer")):
            found.store.people.add_operator(Operator(name, role, "", password_hash(), must_change=False), clock())
        yield found


@pytest.fixture
def person(gateway: Gateway, chrome: Chrome, tmp_path: Path) -> Iterator[Person]:
    with serving.listening(gateway, threading.Event()) as url:
        chrome.set_window_size(1366, 768)
        chrome.get(f"{url}/login")
        chrome.delete_all_cookies()
        yield Person(chrome, url, tmp_path)


def test_an_administrator_logs_in_sees_what_is_wrong_releases_it_and_leaves(person: Person, gateway: Gateway) -> None:
    now = gateway.clock()
    gateway.store.engage(Brake("his", "HD03", BrakeKind.VOID, "37 行报送过的数据在本地查不到了", now))
    person.open("/")
    assert person.sees("登录")
    person.enter("admin", "wrong-password")
    assert person.sees("用户名或密码不对"), person.see()
    person.fill(password=PASSWORD)
    person.press("登录")
    assert person.sees("有 1 件事要马上处理"), person.see()
    person.find("input[name=verified]").click()
    person.press("放行")
    assert person.sees("已放行"), person.see()
    assert person.sees("没有要处理的事"), person.see()
    assert gateway.store.brakes() == []
    person.press("退出")
    assert person.sees("已退出"), person.see()
    person.driver.back()
    person.driver.refresh()
    assert person.sees("登录"), "the page before is not shown again"


def test_a_clerk_looks_a_row_up_and_is_logged_out_by_doing_nothing(person: Person, gateway: Gateway, clock: Clock) -> None:
    person.enter("it")
    assert person.sees("每一行在哪里")
    person.open("/where")
    person.fill(number="8")
    person.press("查")
    assert person.sees("本地行号 8"), person.see()
    assert person.sees("平台 bureau 已收第 1 版"), person.see()
    assert person.driver.current_url == f"{person.url}/where", "the number is not in the address"
    clock.move(31 * 60)
    person.open("/where")
    assert person.sees("登录")
    person.fill(name="it", password=PASSWORD)
    person.press("登录")
    assert person.sees("号码")
    assert person.driver.current_url == f"{person.url}/where", "back to where one was"


def test_a_clerk_opens_a_task_and_writes_who_sees_to_it(person: Person, gateway: Gateway) -> None:
    person.enter("it")
    assert person.sees("每一行在哪里")
    person.open("/tasks")
    assert person.sees("行要人改正"), person.see()
    person.driver.find_elements(By.LINK_TEXT, "打开")[0].click()
    assert person.sees("要改什么"), person.see()
    assert person.sees("还没有人写过"), person.see()
    person.fill(owner="护士长", note="已请当班补录")
    person.press("保存")
    assert person.sees("已保存"), person.see()
    assert person.sees("已请当班补录"), person.see()
    person.press("已改好，马上再查")
    assert person.sees("仍然不合格"), person.see()


def test_a_clerk_sees_why_nothing_goes_and_has_it_tried_at_once(person: Person, gateway: Gateway) -> None:
    for _ in range(3):
        gateway.store.note("bureau", "", Report(Signal.UNREACHABLE, "平台连不上：拒绝连接"), gateway.clock())
    person.enter("it")
    assert person.sees("熔断"), person.see()
    person.open("/queue")
    assert person.sees("平台连不上：拒绝连接"), person.see()
    person.press("立即再试")
    assert person.sees("已解除暂停"), person.see()


def test_a_new_colleague_changes_the_password_first(person: Person, gateway: Gateway, clock: Clock) -> None:
    gateway.store.people.add_operator(Operator("zhang", "viewer", "", password_hash()), clock())
    person.enter("zhang")
    assert person.sees("现在的密码是别人设的"), person.see()
    person.fill(old=PASSWORD, new=NEW, again=NEW)
    person.press("改密码")
    assert person.sees("密码已改"), person.see()
    person.enter("zhang", NEW)
    assert person.sees("每一行在哪里"), person.see()
    assert "账号" not in person.see()


def test_every_page_fits_a_clerks_screen_and_a_phone_and_asks_nobody_else(person: Person, gateway: Gateway) -> None:
    gateway.store.engage(Brake("his", "HD03", BrakeKind.VOID, "37 行报送过的数据在本地查不到了", gateway.clock()))
    person.enter("admin")
    assert person.sees("有 1 件事要马上处理"), person.see()
    paths = [
        link.get_attribute("href").removeprefix(person.url) for link in person.driver.find_elements(By.CSS_SELECTOR, ".menu a")
    ]
    assert {"/", "/queue", "/where", "/users"} <= set(paths)
    for width in (1366, 900, 400):
        for path in paths:
            person.open(path)
            assert person.look(f"{path.strip('/') or 'today'}-{width}", width).stat().st_size > 5000
            assert not person.overflows(), (path, width)
            assert not person.driver.execute_script(_HIDDEN), (path, width)
            asked = person.driver.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
            assert all(each.startswith(person.url) for each in asked), asked
