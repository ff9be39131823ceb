import re

from demo.district import DISTRICT, DIVISION


def test_every_code_has_the_real_shape_and_the_unreal_division() -> None:
    for institution in DISTRICT.institutions:
        assert re.fullmatch(rf"[HP]{DIVISION}\d{{5}}", institution.code)
    assert len({institution.code for institution in DISTRICT.institutions}) == len(DISTRICT.institutions)


def test_the_roster_has_a_connected_a_deferred_and_a_not_started_institution() -> None:
    assert {institution.kind for institution in DISTRICT.connected} == {"综合医院", "康复医院", "乡镇卫生院", "零售药店"}
    waiting = [institution for institution in DISTRICT.institutions if not institution.profile]
    assert sorted(institution.deferred for institution in waiting) == [False, True]
    assert all(institution.database == "" for institution in waiting)


def test_a_database_is_named_by_its_product_kind_and_code() -> None:
    assert DISTRICT.institution("P99000100001").database == "pos:P99000100001"
