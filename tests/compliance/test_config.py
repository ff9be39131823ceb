"""compliance.yaml: strict, in Chinese, secrets from elsewhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest

import compliance.config as configuration
from compliance import serving
from compliance.errors import ConfigError, StoreError
from compliance.store import database
from schemas import loader

EXAMPLE = Path(configuration.__file__).with_name("config.example.yaml")
LEAST = "district: 测试市\nstore: sqlite:///a.db\ncredentials: keys.yaml\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "compliance.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_loads_and_every_key_of_it_has_a_comment() -> None:
    config = configuration.load(EXAMPLE)
    assert (config.host, config.port, config.edition) == ("127.0.0.1", 8600, "reference")
    assert config.credentials == EXAMPLE.parent / "secrets" / "credentials.yaml"
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for place, line in enumerate(lines):
        if ":" in line and not line.lstrip().startswith("#"):
            assert lines[place - 1].lstrip().startswith("#"), line


def test_what_is_left_out_has_a_default_and_paths_count_from_the_file(tmp_path: Path) -> None:
    config = configuration.load(write(tmp_path, LEAST))
    assert config.store == f"sqlite:///{tmp_path / 'a.db'}"
    assert config.credentials == tmp_path / "keys.yaml"
    assert (config.host, config.port, config.tolerance) == ("127.0.0.1", 8600, timedelta(seconds=300))


def test_a_store_address_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql://user:secret@db/x"
    monkeypatch.setenv("LD_TEST_STORE", address)
    (tmp_path / "store.url").write_text(address + "\n", encoding="utf-8")
    for source in ("{env: LD_TEST_STORE}", "{file: store.url}"):
        config = configuration.load(write(tmp_path, LEAST.replace("sqlite:///a.db", source)))
        assert config.store == address
        assert "secret" not in repr(config)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LEAST + "listn: {}\n", "是否想写 listen"),
        (LEAST + "listen: {prot: 1}\n", "是否想写 port"),
        (LEAST + "listen: {port: 70000}\n", "端口"),
        (LEAST + "clock_tolerance_seconds: 0\n", "1 至 3600"),
        (LEAST + "clock_tolerance_seconds: '300'\n", "整数"),
        (LEAST + "admdvs: '41'\n", "六位数字"),
        (LEAST.replace("district: 测试市\n", ""), "district：缺少必填的键"),
        (LEAST.replace("sqlite:///a.db", "postgresql://u:pw@db/x"), "口令"),
        (LEAST.replace("sqlite:///a.db", "postgresql://u@db/x?password=pw"), "口令"),
        (LEAST.replace("sqlite:///a.db", "sqlite://"), "store：不能用内存里的存储"),
        (LEAST.replace("sqlite:///a.db", "'sqlite:///:memory:'"), "store：不能用内存里的存储"),
        (LEAST.replace("sqlite:///a.db", "{env: LD_TEST_UNSET}"), "LD_TEST_UNSET 没有设置"),
        (LEAST.replace("sqlite:///a.db", "{file: nowhere}"), "nowhere 不存在"),
        (LEAST.replace("sqlite:///a.db", "{env: A, file: b}"), "须且只须写一个"),
    ],
)
def test_a_mistake_is_told_with_its_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        configuration.load(write(tmp_path, text))
    assert "pw" not in str(caught.value)


def test_an_edition_folder_that_lacks_a_code_table_is_refused_before_anything_is_judged(tmp_path: Path) -> None:
    folder = copytree(loader.REFERENCE, tmp_path / "edition")
    config = configuration.load(write(tmp_path, f"{LEAST}edition: edition\n"))
    assert serving.edition_of(config).id == loader.reference().id
    (folder / "codes" / "vali_flag.yaml").unlink()
    with pytest.raises(ConfigError, match=r"键 edition.*应有文件 codes/vali_flag.yaml"):
        serving.edition_of(config)


def test_a_store_whose_port_is_no_number_is_told() -> None:
    with pytest.raises(StoreError, match="存储地址写法不对"):
        database.connect("postgresql://u@db:54x2/x")
