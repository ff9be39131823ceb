"""What is written as YAML loads as the same edition."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from schemas import loader, overlay, writer
from schemas.errors import SpecError
from schemas.lint import findings
from schemas.model import Edition


@pytest.mark.parametrize("name", ["reference", *overlay.names()])
def test_a_written_edition_loads_as_the_same(name: str, tmp_path: Path) -> None:
    """An overlay becomes an edition that stands by itself."""
    edition = replace(overlay.load(name), base="")
    writer.write(edition, tmp_path / "new")
    back = loader.load(tmp_path / "new")
    assert asdict(back) == asdict(edition)
    assert findings(back) == ()


def test_texts_that_yaml_would_take_for_something_else_stay_texts(edition: Edition, tmp_path: Path) -> None:
    table = replace(
        edition.codes["shift"], values={"0110": "no", "1e5": "null", "12:30": "2026-01-01", "~": "是: 否 # 注", "1": "'"}
    )
    writer.write(replace(edition, codes={"shift": table}), tmp_path / "new")
    assert loader.load(tmp_path / "new").codes["shift"].values == table.values


def test_a_field_stands_on_one_line_and_says_no_defaults(edition: Edition, tmp_path: Path) -> None:
    writer.write(edition, tmp_path / "new")
    text = (tmp_path / "new" / "datasets" / "T1.yaml").read_text(encoding="utf-8")
    assert "- {name: cnt, label: 数量, type: N, length: 6, scale: 2}\n" in text


def test_numbers_go_to_transactions_and_the_rest_to_datasets(reference: Edition, tmp_path: Path) -> None:
    writer.write(reference, tmp_path / "new")
    assert (tmp_path / "new" / "transactions" / "3505.yaml").is_file()
    assert (tmp_path / "new" / "datasets" / "HD03.yaml").is_file()


def test_a_folder_with_files_in_it_is_left_alone(edition: Edition, tmp_path: Path) -> None:
    old = tmp_path / "new" / "old.yaml"
    old.parent.mkdir()
    old.write_text("x", encoding="utf-8")
    with pytest.raises(SpecError, match="不是空的"):
        writer.write(edition, old.parent)
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "CON:", "a\\b"])
def test_a_code_that_would_lead_out_of_the_folder_is_refused_before_anything_is_written(
    edition: Edition, tmp_path: Path, name: str
) -> None:
    evil = replace(edition, codes={name: replace(edition.codes["shift"], name=name)})
    with pytest.raises(SpecError, match="只能由字母"):
        writer.write(evil, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_place_that_cannot_be_written_is_told(edition: Edition, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SpecError, match="写不下"):
        writer.write(edition, tmp_path / "file" / "new")
