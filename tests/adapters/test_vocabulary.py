"""English, abbreviations, Chinese and pinyin of the same thing lead to the same concept."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.proposing.vocabulary import Slots, essence, read, vocabulary
from schemas.errors import SpecError


def concepts(slots: Slots) -> set[str]:
    return {concept for slot in slots for concept in slot}


@pytest.mark.parametrize("name", ["patient_id", "PatientId", "PATIENT_ID", "hzbh", "HZ_BH", "huanzhebianhao", "患者编号"])
def test_a_patients_number_is_known_in_every_spelling(name: str) -> None:
    assert {"patient", "id"} <= concepts(vocabulary().of_name(name))


def test_initials_that_are_not_known_to_the_last_letter_say_nothing() -> None:
    assert concepts(vocabulary().of_name("hzqqq")) == set()


def test_a_stocktaking_is_of_the_stock_and_the_end_of_a_validity_is_of_the_validity() -> None:
    assert "stock" in concepts(vocabulary().of_text("商品盘存"))
    asked = concepts(vocabulary().of_text("有效期止"))
    assert {"valid", "end"} == asked
    for told in ("失效日期", "到期日期", "有效期至"):
        assert "valid" in concepts(vocabulary().of_text(told)), told


def test_what_ends_a_label_says_what_kind_of_value_it_is() -> None:
    assert concepts(vocabulary().of_text("医疗目录编码")) == {"catalogue_national", "code"}
    assert concepts(vocabulary().of_text("医疗目录名称")) == {"catalogue_national", "name"}


def test_a_comment_is_what_it_names_without_its_list_of_codes() -> None:
    assert essence("状态，0未审核、1已审核") == "状态"
    assert essence("执行状态 0=待执行 1=执行") == "执行状态"
    assert essence("类型(出库/入库)") == "类型"


def test_a_misspelt_key_of_the_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("concepts:\n  a: {zh: [患者], eng: [patient]}\n", encoding="utf-8")
    with pytest.raises(SpecError, match="eng"):
        read(path)
