"""config.yaml: whatever is wrong with it is told when it is loaded, with file and key, and no secret is ever shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import certifi
import pytest

from gateway import config as configuration
from gateway.errors import ConfigError, StoreError
from gateway.store.engine import connect
from gateway.wiring import edition_of
from schemas import address, loader
from schemas.errors import SpecError

STORE = "  url: sqlite:///gateway.db\n"
TARGET = '    url: "https://10.0.0.1:8600/api/upload"\n'
SOURCE = '    url: "sqlite:///his.db"\n'
TEXT = f"""
store:
{STORE}institutions:
  - {{code: "H99000100001", name: 测试医院, admvs: "990001"}}
targets:
  bureau:
{TARGET}    credentials:
      "H99000100001": {{paasid: "H99000100001", token: {{file: token}}}}
sources:
  - name: his
    profile: his/demo_his
{SOURCE}    institution: "H99000100001"
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A configuration that loads."""
    (tmp_path / "token").write_text("synthetic\n", encoding="utf-8-sig")
    path = tmp_path / "config.yaml"
    path.write_text(TEXT, encoding="utf-8-sig")
    return path


def changed(path: Path, old: str, new: str) -> Path:
    assert old in TEXT
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    return path


def test_a_configuration_saved_by_the_editor_of_windows_loads(written: Path) -> None:
    config = configuration.load(written)
    assert config.targets["bureau"].credentials["H99000100001"].token == "synthetic"
    assert config.targets["bureau"].query_url == "https://10.0.0.1:8600/api/query"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (STORE, "  url: mysql+pymysql://u:topsecret@db/x\n", "store.url：密码不得写在配置文件里"),
        (STORE, "  url: mysql+pymysql://u@db/x?passwd=topsecret\n", "store.url：密码不得写在配置文件里"),
        (STORE, "  url: sqlite://\n", "store.url：不能用内存里的库"),
        (STORE, "  url: 'sqlite:///:memory:'\n", "store.url：不能用内存里的库"),
        (STORE, "  url: postgre://db/x\n", "store.url：不认识的数据库 postgre：地址的开头可以写 dm、kingbase、mariadb.*，都用小写"),
        (STORE, "  url: db/x\n", "store.url：数据库地址写得不对"),
        (STORE, "  url: kingbase://u@db/x\n", "store.url：本地库只能放在 SQLite、PostgreSQL、MySQL、MariaDB 里"),
        (SOURCE, "    url: KINGBASE://u@db/x\n", r"sources\[0\].url：不认识的数据库 KINGBASE.*都用小写"),
        (SOURCE, "    url: kingbase+psycopg2://u@db/x\n", r"sources\[0\].url：kingbase 只用驱动 ksycopg2 .*kingbase\+ksycopg2://"),
        (
            SOURCE,
            "    url: postgresql+psycopg_async://u@db/x\n",
            r"sources\[0\].url：postgresql 只用驱动 psycopg .*postgresql\+psycopg://",
        ),
        (STORE, "  url: postgresql://db:54x2/x\n", "store.url：数据库地址写得不对"),
        (STORE, "  url: postgresql://db:543200/x\n", "store.url：端口应为 1 至 65535"),
        (SOURCE, "    url: postgresql://u:topsecret@db/x\n", r"sources\[0\].url：密码不得写在配置文件里"),
        (SOURCE, "    url: postgresql://u@db/x?password=topsecret\n", r"sources\[0\].url：密码不得写在配置文件里"),
        (SOURCE, f"{SOURCE}    password: topsecret\n", r"sources\[0\].password：不得写在文件里：请写 \{file: 文件\} 或 \{env:"),
        (TARGET, "    url: 10.0.0.1:8600\n", "targets.bureau.url：应以 https:// 或 http:// 开头"),
        (TARGET, "    url: https:///api\n", "targets.bureau.url：地址里没有主机名"),
        ('code: "H99000100001"', 'code: "h99000100001"', r"institutions\[0\].code：应为 6 至 12 位大写字母和数字"),
        ('code: "H99000100001"', 'code: "H9900"', r"institutions\[0\].code：应为 6 至 12 位大写字母和数字"),
        ('code: "H99000100001"', 'code: "H990001000012"', r"institutions\[0\].code：应为 6 至 12 位大写字母和数字"),
        ('admvs: "990001"', 'admvs: "99000１"', r"institutions\[0\].admvs：应为六位数字的区划代码"),
        (TARGET, "    url: https://h:99999/api\n", "targets.bureau.url：地址写得不对：端口"),
        (TARGET, "    url: http://10.0.0.1/api\n", "targets.bureau.url：http:// 不加密"),
        (TARGET, f"{TARGET}    query_url: http://10.0.0.1/api\n", "targets.bureau.query_url：http:// 不加密"),
        (TARGET, f"{TARGET}    query_url: nowhere\n", "targets.bureau.query_url：应以 https"),
        (TARGET, f"{TARGET}    ca_file: nowhere.pem\n", "targets.bureau.ca_file：证书文件 .*nowhere.pem 读不出来"),
        (TARGET, f"{TARGET}    ca_file: token\n", "targets.bureau.ca_file：证书文件 .*token 读不出来"),
        ('paasid: "H99000100001"', "paasid: 医院一", "H99000100001.paasid：应用编号只能是英文"),
        ('paasid: "H99000100001"', 'paasid: "H1 "', "H99000100001.paasid：应用编号只能是英文"),
    ],
)
def test_what_could_not_work_is_refused_when_it_is_loaded(written: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(SpecError, match=f"config.yaml.*{told}") as caught:
        configuration.load(changed(written, old, new))
    assert "topsecret" not in str(caught.value)


def test_a_whole_address_with_its_password_may_come_from_a_file(written: Path) -> None:
    (written.parent / "store.url").write_text("postgresql://u:topsecret@db/x\n", encoding="utf-8-sig")
    config = configuration.load(changed(written, STORE, "  url: {file: store.url}\n  key: {file: key}\n"))
    assert config.store_url == "postgresql+psycopg://u:topsecret@db/x"
    assert "topsecret" not in repr(config)


def test_plain_http_is_taken_where_the_site_says_so_and_on_this_machine(written: Path) -> None:
    allowed = TARGET.replace("https", "http") + "    allow_plain_http: true\n"
    assert configuration.load(changed(written, TARGET, allowed)).targets["bureau"].url.startswith("http://10.")
    local = '    url: "http://127.0.0.1:8600/api/upload"\n'
    assert configuration.load(changed(written, TARGET, local)).targets["bureau"].url.startswith("http://127.")


def test_a_certificate_that_can_be_read_is_taken(written: Path) -> None:
    shutil.copy(certifi.where(), written.parent / "ca.pem")
    config = configuration.load(changed(written, TARGET, f"{TARGET}    ca_file: ca.pem\n"))
    assert config.targets["bureau"].ca_file == written.parent / "ca.pem"


def test_an_edition_folder_that_lacks_a_code_table_or_a_cadence_is_refused_before_anything_is_judged(written: Path) -> None:
    folder = Path(shutil.copytree(loader.REFERENCE, written.parent / "edition"))
    written.write_text(f"edition: edition\n{TEXT}", encoding="utf-8")
    assert edition_of(configuration.load(written)).id == loader.reference().id
    (folder / "codes" / "vali_flag.yaml").unlink()
    head = (folder / "edition.yaml").read_text(encoding="utf-8")
    (folder / "edition.yaml").write_text(head.replace("  monthly:", "  monthly2:"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        edition_of(configuration.load(written))
    for words in (str(folder), "键 edition", "没有报送频次 monthly", "应有文件 codes/vali_flag.yaml"):
        assert words in str(caught.value)


def test_a_secret_file_that_is_missing_is_told_otherwise_than_one_that_cannot_be_read(written: Path) -> None:
    (written.parent / "token").unlink()
    with pytest.raises(SpecError, match=f"文件 {written.parent / 'token'} 不存在$"):
        configuration.load(written)
    (written.parent / "token").mkdir()
    with pytest.raises(SpecError, match=f"文件 {written.parent / 'token'} 读不出来（须为 UTF-8 文本）：是文件夹$"):
        configuration.load(written)


@pytest.mark.parametrize("scheme", ["kingbase", "dm", "mssql", "oracle+cx_oracle"])
def test_an_address_is_right_whether_its_driver_is_installed_or_not(written: Path, scheme: str) -> None:
    """Where it is opened it is told what to install."""
    config = configuration.load(changed(written, SOURCE, f"    url: {scheme}://u@db/x\n"))
    assert config.sources[0].url.drivername == address.driver(scheme)


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "postgresql"])
def test_the_driver_of_a_product_is_ours_for_the_store_and_for_a_source(written: Path, scheme: str) -> None:
    """SQLAlchemy's own choice for mysql:// and postgresql:// are drivers that are not installed."""
    driver = {"postgresql": "psycopg"}.get(scheme, "pymysql")
    config = configuration.load(changed(written, STORE, f"  url: {scheme}://u@db/x\n  key: {{file: store.key}}\n"))
    assert config.store_url == f"{scheme}+{driver}://u@db/x"
    connect(f"{scheme}://u@db/x").dispose()
    config = configuration.load(changed(written, SOURCE, f"    url: {scheme}://u@db/x\n"))
    assert config.sources[0].url.drivername == f"{scheme}+{driver}"


def test_a_missing_driver_of_the_store_is_told_with_what_to_install() -> None:
    with pytest.raises(ConfigError, match=r"store.url：没有安装数据库驱动 mysql\+cymysql，.*'liangding-gateway\[gateway,mysql\]'"):
        connect("mysql+cymysql://u@db/x")


def test_a_store_whose_folder_cannot_be_made_is_told_with_its_path(written: Path) -> None:
    config = configuration.load(changed(written, STORE, "  url: sqlite:///token/inner/gateway.db\n"))
    place = written.parent / "token" / "inner" / "gateway.db"
    with pytest.raises(StoreError, match=f"本地库的文件 {place} 或它所在的文件夹建不出来（路径中有一段不是文件夹）"):
        connect(config.store_url)


@pytest.mark.parametrize(
    ("url", "password", "told"),
    [
        ("postgresql://u@db/x", "", ""),
        ("postgresql://u@db/x", "    password: {env: HIS_PASSWORD}\n", "环境变量 HIS_PASSWORD"),
        ("postgresql://u@db/x", "    password: {file: token}\n", "文件 {folder}/token"),
        ("{file: address}", "", "文件 {folder}/address"),
    ],
)
def test_a_source_knows_where_its_password_comes_from(
    written: Path, monkeypatch: pytest.MonkeyPatch, url: str, password: str, told: str
) -> None:
    monkeypatch.setenv("HIS_PASSWORD", "topsecret")
    (written.parent / "address").write_text("postgresql://u:topsecret@db/x", encoding="utf-8")
    source = configuration.load(changed(written, SOURCE, f"    url: {url}\n{password}")).sources[0]
    assert source.password_from == told.format(folder=written.parent)


def test_one_listener_serves_every_room_and_none_is_asked_for_by_default(written: Path) -> None:
    assert configuration.load(written).http is None
    config = configuration.load(changed(written, STORE, f"{STORE}push: {{token: {{file: token}}}}\n"))
    assert (config.http, config.push) == (configuration.Http("127.0.0.1", 8460, ""), configuration.Push("synthetic"))
    both = "http: {listen: '10.0.0.5:8461', proxy: 127.0.0.1}\npush: {token: {file: token}}\n"
    assert configuration.load(changed(written, STORE, STORE + both)).http == configuration.Http("10.0.0.5", 8461, "127.0.0.1")


def test_a_site_that_still_names_the_address_under_push_is_listened_to_there(written: Path) -> None:
    config = configuration.load(changed(written, STORE, f"{STORE}push: {{listen: '127.0.0.1:8462', token: {{file: token}}}}\n"))
    assert config.http == configuration.Http("127.0.0.1", 8462, "")


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ("http: {listen: '8460'}\n", "http.listen：应写成 地址:端口"),
        ("http: {listen: '127.0.0.1:http'}\n", "http.listen：应写成 地址:端口"),
        ("http: {proxy: gateway.local}\n", "http.proxy：应为反向代理的 IP 地址"),
        ("http: {listen: '127.0.0.1:1'}\npush: {listen: '127.0.0.1:2', token: {file: token}}\n", "push.listen：监听的地址只写在"),
    ],
)
def test_an_address_that_nobody_could_listen_on_is_refused(written: Path, sections: str, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        configuration.load(changed(written, STORE, STORE + sections))
