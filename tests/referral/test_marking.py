"""Marking: honest people are understood however they put it, guessers and hedgers are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from referral.questions.bank import VALUES, Kind
from referral.questions.facts import FACTS
from referral.questions.marking import Answer, Mark, Said, Verdict, mark, verdict

BLACK_JETTA = {"model": "sagitar", "colour": "A", "decoy_model": "jetta", "decoy_colour": "J"}
ONE_FACT = st.sampled_from(FACTS).flatmap(
    lambda fact: st.tuples(st.just(fact), st.sampled_from(sorted(VALUES[fact])))
)


def corrected(text: str | None, said: Said = Said.DENIED, **changed: str) -> bool:
    return mark(Kind.FALSE_PREMISE, BLACK_JETTA | changed, Answer(said, text)) == Mark.RIGHT


def answered(fact: str, value: str, text: str | None, said: Said = Said.ANSWERED) -> bool:
    return mark(Kind.CHOICE, {"fact": fact, "value": value}, Answer(said, text)) == Mark.RIGHT


@pytest.mark.parametrize(
    "text",
    [
        "不是，是白色速腾",
        "不是黑色捷达是白色速腾",
        "不是的，白的速腾",
        "不是，白速腾",
        "黑色捷达？不对，他开白色的速腾",
        "不是捷达，速腾，白的",
        "他开的是一辆珍珠白的大众速腾",
        "不，是白色速騰",
        "不是，是一台 白色 Sagitar 自动挡",
        "No, it's a white Sagitar",
        "it is not a black Jetta but a white Saggitar",
        "it isn't black it is white, a Sagitar",
        "ＮＯ，ＷＨＩＴＥ　ＳＡＧＩＴＡＲ",
    ],
)
def test_a_false_premise_denied_and_corrected_is_right(text: str) -> None:
    assert corrected(text)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Said.CONFIRMED, "是的"),
        (Said.CONFIRMED, "是的，白色速腾"),
        (Said.ANSWERED, "白色速腾"),
        (Said.DONT_KNOW, None),
        (Said.DONT_KNOW, "白色速腾"),
        (Said.DENIED, None),
        (Said.DENIED, ""),
        (Said.DENIED, "不是"),
        (Said.DENIED, "不是，好像不是捷达"),
        (Said.DENIED, "不是，是速腾"),
        (Said.DENIED, "不是，是白色的"),
        (Said.DENIED, "不是，是黑色速腾"),
        (Said.DENIED, "不是，是白色捷达"),
        (Said.DENIED, "不是，是白色高尔夫"),
        (Said.DENIED, "不是白色速腾，是黑色捷达"),
        (Said.DENIED, "白色或者黑色的速腾"),
        (Said.DENIED, "白色速腾或者宝来"),
        (Said.DENIED, "不是黑色就是白色，速腾"),
        (Said.DENIED, "white or black Sagitar"),
        (Said.DENIED, "白色红色灰色的速腾"),
    ],
)
def test_a_false_premise_not_denied_or_not_corrected_is_wrong(said: Said, text: str | None) -> None:
    assert not corrected(text, said)


@pytest.mark.parametrize(
    ("colour", "text", "right"),
    [
        ("B", "不是，是银色速腾", True),
        ("B", "不是，灰色速腾", True),
        ("C", "不是，棕色速腾", True),
        ("I", "不是，香槟色速腾", True),
        ("I", "不是，黄色速腾", False),
        ("J", "不是，藏青色速腾", True),
        ("J", "不是，蓝色速腾", False),
        ("H", "不是，深蓝色速腾", True),
        ("H", "不是，navy Sagitar", True),
        ("E", "不是，酒红色速腾", True),
        ("A", "不是，银色速腾", False),
    ],
)
def test_the_right_colour_is_the_right_ambiguity_group(colour: str, text: str, right: bool) -> None:
    assert corrected(text, colour=colour, decoy_colour="G") == right


@pytest.mark.parametrize(
    ("model", "text", "right"),
    [
        ("golf", "不是，白色高尔夫嘉旅", True),
        ("tiguan_l", "不是，白色途观", True),
        ("hongqi_h5", "不是，白色红旗H5", True),
        ("盛世 9 号", "不是，是白色的盛世 9 号", True),
        ("盛世 9 号", "不是，是白色的速腾", False),
        ("盛世 9 号", "不是，白色 9", False),
    ],
)
def test_twin_models_and_models_the_bank_does_not_know_are_understood(
    model: str, text: str, right: bool
) -> None:
    assert corrected(text, model=model) == right


@pytest.mark.parametrize(
    ("fact", "value", "text"),
    [
        ("transmission", "automatic", "自动挡的"),
        ("transmission", "automatic", "不是手动，是自动"),
        ("transmission", "automatic", "AT"),
        ("transmission", "automatic", "手自一体"),
        ("transmission", "automatic", "DSG双离合"),
        ("transmission", "automatic", "automatic, not manual"),
        ("transmission", "manual", "手动档"),
        ("transmission", "manual", "Stick shift"),
        ("colour", "A", "白的"),
        ("colour", "E", "red"),
        ("model", "id4", "ID4"),
        ("model", "盛世 9 号", "好像是盛世9 号"),
        ("plate_province", "沪", "上海牌照"),
        ("plate_province", "沪", "沪A"),
        ("plate_province", "苏", "南京的"),
        ("plate_province", "京", "京牌"),
        ("trade", "building", "做建材生意的"),
        ("trade", "building", "他开装修公司，也卖建材"),
        ("trade", "education", "在中学教书"),
        ("trade", "it", "搞IT的"),
        ("trade", "it", "程式設計，軟件公司"),
        ("trade", "health", "医院的护士"),
        ("trade", "finance", "在银行做程序员"),
        ("trade", "transport", "he is a truck drivers"),
        ("trade", "engineering", "做软件的"),
        ("relation", "classmate", "老同学，也是好朋友"),
        ("relation", "relative", "他是我表哥"),
        ("relation", "relative", "兄弟"),
        ("relation", "friend", "兄弟"),
    ],
)
def test_the_expected_value_is_heard_in_ordinary_words(fact: str, value: str, text: str) -> None:
    assert answered(fact, value, text)


@pytest.mark.parametrize(
    ("fact", "value", "text"),
    [
        ("transmission", "automatic", "手动"),
        ("transmission", "automatic", "不是自动挡"),
        ("transmission", "automatic", "自动或者手动"),
        ("transmission", "automatic", "he was at home"),
        ("transmission", "automatic", "never looked at"),
        ("model", "盛世 9 号", "盛世"),
        ("transmission", "automatic", ""),
        ("colour", "E", "preferred"),
        ("colour", "E", "红旗"),
        ("plate_province", "京", "南京"),
        ("plate_province", "新", "新车还没上牌"),
        ("trade", "building", "做生意的"),
        ("trade", "building", "不太清楚"),
        ("trade", "education", "老师或者医生"),
        ("trade", "education", "老师、医生、律师、司机"),
        ("trade", "it", "it is something I do not remember"),
        ("relation", "friend", "同事"),
        ("relation", "friend", "朋友还是同事吧"),
        ("relation", "friend", "朋友、同事、亲戚"),
    ],
)
def test_another_value_or_a_hedge_is_wrong(fact: str, value: str, text: str) -> None:
    assert not answered(fact, value, text)


@given(ONE_FACT)
def test_whoever_gives_the_value_by_its_own_name_is_right(known: tuple[str, str]) -> None:
    fact, code = known
    value = VALUES[fact][code]
    assert answered(fact, code, value.zh)
    assert answered(fact, code, f"I think {value.en}.")


@given(ONE_FACT, st.sampled_from([Said.DONT_KNOW, Said.CONFIRMED, Said.DENIED]))
def test_only_an_answer_answers_a_question(known: tuple[str, str], said: Said) -> None:
    fact, code = known
    assert not answered(fact, code, VALUES[fact][code].zh, said)


@given(ONE_FACT, st.text(st.characters(exclude_categories=["C", "Z"]), max_size=200))
def test_any_words_at_all_get_the_same_mark_each_time(known: tuple[str, str], text: str) -> None:
    assert answered(*known, text) == answered(*known, text)


@pytest.mark.parametrize("text", ["白色\x00", "白\n色", "\ud800"])
def test_words_that_cannot_be_stored_are_refused_not_marked(text: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        answered("colour", "A", text)
    assert refusal.value.code == "text_unusable"


R, W = Mark.RIGHT, Mark.WRONG


@pytest.mark.parametrize(
    ("marks", "total", "so_far"),
    [
        ([], 4, Verdict.OPEN),
        ([R, R, R], 4, Verdict.OPEN),
        ([W, R, R], 4, Verdict.OPEN),
        ([R, R, R, R], 4, Verdict.PASSED),
        ([W, R, R, R], 4, Verdict.PASSED),
        ([R, R, R, W], 4, Verdict.PASSED),
        ([W, W], 4, Verdict.FAILED),
        ([R, W, W], 4, Verdict.FAILED),
        ([W, R, R, W], 4, Verdict.FAILED),
        ([R, R, W], 3, Verdict.PASSED),
        ([W, W, W], 3, Verdict.FAILED),
    ],
)
def test_two_wrong_answers_fail_the_call_at_once(
    marks: list[Mark], total: int, so_far: Verdict
) -> None:
    assert verdict(marks, total) == so_far


@pytest.mark.parametrize(("marks", "total"), [([], 0), ([R, R], 2), ([R] * 5, 4)])
def test_a_call_of_too_few_questions_can_never_pass(marks: list[Mark], total: int) -> None:
    with pytest.raises(ValueError, match="at least 3 questions"):
        verdict(marks, total)


@given(st.lists(st.sampled_from(Mark), max_size=4))
def test_a_failed_call_stays_failed_whatever_is_answered_later(marks: list[Mark]) -> None:
    reached = [verdict(marks[:end], 4) for end in range(len(marks) + 1)]
    assert (Verdict.FAILED in reached) == (marks.count(W) >= 2)
    assert reached == sorted(reached, key=[Verdict.OPEN, Verdict.PASSED, Verdict.FAILED].index)
