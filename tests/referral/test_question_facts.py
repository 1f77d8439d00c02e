"""Facts from the records: canonical, with who knew them first and how common they are here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.questions.facts import FACTS, Fact, Facts, Origin, Record, canonical, gather, shares

COUNTS = st.dictionaries(st.sampled_from("ABCDEFG"), st.integers(1, 500), min_size=1)
STORE = {
    "colour": {"A": 60, "B": 25, "E": 15},
    "model": {"sagitar": 30, "golf": 30, "jetta": 40},
    "purchase_year": {"2018": 10, "2019": 10, "2020": 10, "2021": 40, "2022": 30},
}


@pytest.mark.parametrize(
    ("fact", "record", "value"),
    [
        ("name", "張三", "张三"),
        ("name", "阿卜杜拉·买买提", "阿卜杜拉买买提"),
        ("name", "Zhang San", "zhangsan"),
        ("name", "12345", None),
        ("name", "", None),
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
        ("purchase_year", "2019", "2019"),
        ("purchase_year", "2019-05-01", "2019"),
        ("purchase_year", "20190501", None),
        ("purchase_year", "去年", None),
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
        ("known_for", "3_to_10", "3_to_10"),
        ("known_for", "五年", "3_to_10"),
        ("known_for", "十几年了", "over_10"),
        ("known_for", "三年", None),
        ("known_for", "很久", None),
        ("companion", "alone", "alone"),
        ("companion", "和太太", "family"),
        ("companion", "同事", "colleague"),
    ],
)
def test_a_record_becomes_its_canonical_value(fact: str, record: str, value: str | None) -> None:
    assert canonical(fact, record) == value


def test_what_is_not_known_is_absent() -> None:
    facts = gathered(trade="魔术师", model="速腾", colour=None, relation="")
    assert {name: fact.value for name, fact in facts.items()} == {"model": "sagitar"}


def gathered(**texts: str | None) -> Facts:
    return gather({name: Record(text, Origin.RECORD) for name, text in texts.items()}, STORE)


@pytest.mark.parametrize(
    "private", ["home_address", "employer", "id_number", "income", "children", "phone", "Name"]
)
def test_what_must_not_be_asked_is_no_fact(private: str) -> None:
    with pytest.raises(KeyError):
        gather({private: Record("某路 1 号", Origin.RECORD)})
    with pytest.raises(KeyError):
        canonical(private, "某路 1 号")
    assert private not in FACTS


@pytest.mark.parametrize("origin", Origin)
def test_who_had_a_fact_first_and_who_has_seen_it_stays_with_it(origin: Origin) -> None:
    record = Record("建材", origin, seen=origin is Origin.RECORD)
    fact = gather({"trade": record})["trade"]
    assert (fact.origin, fact.seen) == (origin, origin is Origin.RECORD)
    assert (fact.share, fact.modal) == (None, False)


@pytest.mark.parametrize(
    ("fact", "record", "share", "modal"),
    [
        ("colour", "白色", 61 / 103, True),
        ("colour", "红色", 16 / 103, False),
        ("colour", "黑色", 1 / 104, False),
        ("model", "捷达", 41 / 103, True),
        ("model", "速腾", 31 / 103, False),
        ("purchase_year", "2019", 33 / 105, False),
        ("purchase_year", "2021", 83 / 105, True),
        ("purchase_year", "2022", 73 / 106, False),
        ("trade", "建材", None, False),
    ],
)
def test_how_common_a_value_is_comes_from_the_store(
    fact: str, record: str, share: float | None, modal: bool
) -> None:
    known = gathered(**{fact: record})[fact]
    assert (known.share, known.modal) == (share and pytest.approx(share), modal)


@given(COUNTS)
def test_smoothed_shares_of_all_values_are_whole(counts: dict[str, int]) -> None:
    assert sum(shares(counts, value, 7)[0] for value in "ABCDEFG") == pytest.approx(1)


@given(COUNTS, st.sampled_from("ABCDEFG"))
def test_only_the_most_frequent_value_with_a_quarter_of_all_is_modal(
    counts: dict[str, int], value: str
) -> None:
    share, modal = shares(counts, value, 7)
    assert modal == (share >= 0.25 and counts.get(value, 0) == max(counts.values()))


def test_two_values_equally_frequent_are_both_guessed() -> None:
    assert [shares({"A": 9, "B": 9}, value, 2)[1] for value in "AB"] == [True, True]


def test_nobody_guesses_what_was_never_counted() -> None:
    assert shares({}, "A", 2) == (0.5, False)


def test_no_value_shows_when_a_fact_is_printed() -> None:
    record = Record("速腾", Origin.SLIP)
    fact = Fact("model", "sagitar", Origin.SLIP, 0.123, True)
    for printed in (repr(record), str(fact), repr(gather({"model": record}))):
        assert not [one for one in ("速腾", "sagitar", "0.123", "True") if one in printed]
