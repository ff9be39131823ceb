"""docs/mapping.md lists every key of the mapping language and no other; its examples are read by the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from adapters import fieldfile, mappingfile
from schemas import loader
from schemas.yamlfile import Section

EDITION = loader.reference()
CONSTANTS, CATALOGUES = ("xmbm", "yqbh"), ("bar_code",)


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "mapping.md").read_text(encoding="utf-8")


def blocks(page: str, name: str) -> list[str]:
    return re.findall(rf"^```yaml {name}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def rules(page: str) -> list[tuple[str, str]]:
    """Field and rule of every example line."""
    lines = [line for block in blocks(page, "rules") for line in block.splitlines() if line.strip()]
    return [(name, rule) for name, _, rule in (line.partition(": ") for line in lines)]


def mapping_with(name: str, rule: str) -> str:
    """A whole mapping in which only that field says something; an end needs its beginning, a duration both."""
    dataset = EDITION.datasets["HD03"]
    fields = {"begn_time": "{column: sjsj}", "end_time": "{column: xjsj}", name: rule}
    absent = {spec.name: "例子里没有" for spec in dataset.fields if spec.required and spec.name not in fields}
    written = "".join(f"  {field}: {text}\n" for field, text in fields.items())
    return f"dataset: HD03\nfields:\n{written}{yaml.safe_dump({'absent': absent}, allow_unicode=True)}"


def read(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    mappingfile.read(path, EDITION, "HD03", CONSTANTS, CATALOGUES)


def test_every_key_is_explained_and_no_other(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted: set[str] = set()
    known = Section.known

    def recording(section: Section, *names: str) -> Section:
        accepted.update(names)
        return known(section, *names)

    monkeypatch.setattr(Section, "known", recording)
    for number, text in enumerate([*blocks(page, "file"), *(mapping_with(*each) for each in rules(page))]):
        read(tmp_path / f"{number}.yaml", text)
    explained = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert {*fieldfile._ORIGINS, *fieldfile._PARTNERS.values(), *fieldfile._STEPS, *fieldfile._READING} <= accepted
    assert explained == accepted


def test_every_key_of_a_rule_has_an_example(page: str) -> None:
    shown = set(re.findall(r"[{ ,](\w+): ", "\n".join(rule for _, rule in rules(page))))
    assert {*fieldfile._ORIGINS, *fieldfile._PARTNERS.values(), *fieldfile._STEPS, *fieldfile._READING, "as_of"} <= shown
