"""Facts from the records: canonical where the bank knows the word, absent where it does not."""

import pytest

from referral.questions.facts import FACTS, canonical, gather


@pytest.mark.parametrize(
    ("fact", "record", "value"),
    [
        ("model", "速腾", "sagitar"),
        ("model", "大众速腾 280TSI", "sagitar"),
        ("model", "Sagitar", "sagitar"),
        ("model", "捷达VS5", "jetta"),
        ("model", "途观L PHEV", "tiguan_l"),
        ("model", "ID.4 CROZZ", "id4"),
        ("model", "秦PLUS DM-i", "qin"),
        ("model", "高爾夫", "golf"),
        ("model", "盛世 9 号", "盛世 9 号"),
        ("model", "   ", None),
        ("colour", "A", "A"),
        ("colour", "银色", "B"),
        ("colour", "藏青", "H"),
        ("colour", "橙色", None),
        ("colour", "迷彩", None),
        ("transmission", "automatic", "automatic"),
        ("transmission", "DSG 双离合", "automatic"),
        ("transmission", "手动", "manual"),
        ("plate_province", "沪A12345", "沪"),
        ("plate_province", "沪", "沪"),
        ("plate_province", "使123456", None),
        ("plate_province", " ", None),
        ("trade", "个体经营", "retail"),
        ("trade", "企业职员", "office"),
        ("trade", "工程师", "engineering"),
        ("trade", "软件工程师", "it"),
        ("trade", "教师", "education"),
        ("trade", "公务员", "civil_service"),
        ("trade", "医生", "health"),
        ("trade", "护士", "health"),
        ("trade", "销售", "retail"),
        ("trade", "会计", "finance"),
        ("trade", "司机", "transport"),
        ("trade", "学校司机", "transport"),
        ("trade", "律师", "law"),
        ("trade", "设计师", "media"),
        ("trade", "自由职业", "freelance"),
        ("trade", "退休", "retired"),
        ("trade", "工人", "manufacturing"),
        ("trade", "农民", "agriculture"),
        ("trade", "建材生意", "building"),
        ("trade", "魔术师", None),
        ("relation", "老同学", "classmate"),
        ("relation", "friend", "friend"),
        ("relation", "表哥", "relative"),
        ("relation", "兄弟", None),
    ],
)
def test_a_record_becomes_its_canonical_value(fact: str, record: str, value: str | None) -> None:
    assert canonical(fact, record) == value


def test_what_is_not_known_is_absent() -> None:
    facts = gather({"trade": "魔术师", "model": "速腾", "colour": None, "relation": ""})
    assert dict(facts) == {"model": "sagitar"}


def test_what_must_not_be_asked_is_no_fact() -> None:
    assert FACTS == ("trade", "model", "colour", "transmission", "plate_province", "relation")
    with pytest.raises(KeyError):
        gather({"home_address": "某路 1 号"})
