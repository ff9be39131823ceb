"""config.yaml: whatever is wrong with it is told when it is loaded, with file and key, and no secret is ever shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import certifi
import pytest

from gateway import config as configuration
from gateway.errors import ConfigError
from gateway.wiring import edition_of
from schemas import loader
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
        (STORE, "  url: postgre://db/x\n", "store.url：数据库地址写得不对"),
        (STORE, "  url: postgresql://db:54x2/x\n", "store.url：数据库地址写得不对"),
        (STORE, "  url: postgresql://db:543200/x\n", "store.url：端口应为 1 至 65535"),
        (SOURCE, "    url: postgresql://u:topsecret@db/x\n", r"sources\[0\].url：密码不得写在配置文件里"),
        (SOURCE, "    url: postgresql://u@db/x?password=topsecret\n", r"sources\[0\].url：密码不得写在配置文件里"),
        (TARGET, "    url: 10.0.0.1:8600\n", "targets.bureau.url：应以 https:// 或 http:// 开头"),
        (TARGET, "    url: https:///api\n", "targets.bureau.url：地址里没有主机名"),
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
    assert config.store_url == "postgresql://u:topsecret@db/x"
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
