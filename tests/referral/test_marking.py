"""Marking: honest people are understood however they put it, guessers and hedgers are not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from referral.questions.bank import Kind
from referral.questions.marking import Answer, Mark, Said, mark
from referral.questions.values import VALUES

BLACK_JETTA = {"model": "sagitar", "colour": "A", "decoy_model": "jetta", "decoy_colour": "J"}
AUTOMATIC = {"fact": "transmission", "value": "automatic"}
ONE_FACT = st.sampled_from(sorted(VALUES)).flatmap(
    lambda fact: st.tuples(st.just(fact), st.sampled_from(sorted(VALUES[fact])))
)


def premised(text: str | None, said: Said = Said.DENIED, **changed: str) -> Mark:
    return mark(Kind.FALSE_PREMISE, BLACK_JETTA | changed, Answer(said, text))


def corrected(text: str | None, said: Said = Said.DENIED, **changed: str) -> bool:
    return premised(text, said, **changed) is Mark.RIGHT


def given_for(fact: str, value: str, text: str | None, said: Said = Said.ANSWERED) -> Mark:
    return mark(Kind.CHOICE, {"fact": fact, "value": value}, Answer(said, text))


def answered(fact: str, value: str, text: str | None, said: Said = Said.ANSWERED) -> bool:
    return given_for(fact, value, text, said) is Mark.RIGHT


def named(name: str, text: str) -> Mark:
    return mark(Kind.NAME, {"fact": "name", "value": name}, Answer(Said.ANSWERED, text))


def dated(year: str, text: str) -> Mark:
    expected = {"fact": "purchase_year", "value": year}
    return mark(Kind.YEAR, expected, Answer(Said.ANSWERED, text))


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
    assert premised(text, said) is Mark.WRONG


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
        ("known_for", "3_to_10", "五年了"),
        ("known_for", "3_to_10", "七八年吧"),
        ("known_for", "3_to_10", "三年"),
        ("known_for", "1_to_3", "三年"),
        ("known_for", "1_to_3", "一年多"),
        ("known_for", "1_to_3", "两年半"),
        ("known_for", "1_to_3", "about two years"),
        ("known_for", "under_1", "一年左右"),
        ("known_for", "under_1", "八个月"),
        ("known_for", "under_1", "刚认识"),
        ("known_for", "over_10", "十年"),
        ("known_for", "over_10", "十几年的老朋友"),
        ("known_for", "over_10", "二十三年"),
        ("known_for", "over_10", "从小一起长大的"),
        ("known_for", "over_10", "more than ten years"),
        ("companion", "family", "和老婆一起来的"),
        ("companion", "family", "带着老婆，还有一个朋友"),
        ("companion", "alone", "就他一个人"),
        ("companion", "alone", "he came alone"),
        ("companion", "friend", "两个哥们儿"),
        ("companion", "colleague", "单位的同事"),
    ],
)
def test_how_long_and_with_whom_are_heard_in_ordinary_words(
    fact: str, value: str, text: str
) -> None:
    assert answered(fact, value, text)


@pytest.mark.parametrize(
    ("fact", "value", "text"),
    [
        ("transmission", "automatic", "手动"),
        ("transmission", "automatic", "不是自动挡"),
        ("transmission", "automatic", "自动或者手动"),
        ("transmission", "automatic", ""),
        ("transmission", "automatic", "……"),
        ("plate_province", "京", "南京"),
        ("trade", "building", "做生意的"),
        ("trade", "building", "不太清楚"),
        ("trade", "education", "老师或者医生"),
        ("trade", "education", "老师、医生、律师、司机"),
        ("trade", "it", "it is something I do not remember"),
        ("relation", "friend", "同事"),
        ("relation", "friend", "朋友还是同事吧"),
        ("relation", "friend", "朋友、同事、亲戚"),
        ("known_for", "1_to_3", "三年多"),
        ("known_for", "3_to_10", "十几年"),
        ("known_for", "3_to_10", "两三年或者十几年"),
        ("known_for", "under_1", "三年"),
        ("companion", "alone", "和同事一起"),
    ],
)
def test_another_value_or_a_hedge_is_wrong(fact: str, value: str, text: str) -> None:
    assert given_for(fact, value, text) is Mark.WRONG


@pytest.mark.parametrize(
    ("fact", "value", "text"),
    [
        ("transmission", "automatic", "不用踩离合的那种"),
        ("transmission", "automatic", "he was at home"),
        ("model", "盛世 9 号", "盛世"),
        ("colour", "E", "preferred"),
        ("colour", "E", "红旗"),
        ("plate_province", "新", "新车还没上牌"),
        ("trade", "building", "搞门窗的"),
        ("known_for", "3_to_10", "很久了"),
        ("known_for", "3_to_10", "2019年认识的"),
        ("companion", "family", "带着他家那口子"),
    ],
)
def test_words_the_machine_does_not_know_are_read_by_a_person(
    fact: str, value: str, text: str
) -> None:
    assert given_for(fact, value, text) is Mark.REVIEW


@pytest.mark.parametrize(
    "text",
    [
        "不是，是奶咖拼色的速腾",
        "不是，白色的领克",
        "不是，是我没听过的牌子",
        "no, a Sagitar, sort of cream",
    ],
)
def test_a_correction_in_words_the_machine_does_not_know_is_read_by_a_person(text: str) -> None:
    assert premised(text) is Mark.REVIEW


@pytest.mark.parametrize(
    "text",
    [
        "张三",
        "張三",
        "是张三",
        "叫张三",
        "张三先生",
        "我朋友张三推荐的",
        "一个叫张三的朋友",
        "张三，我同事",
        "好像是张三吧",
        "张三介绍我来的",
        "嗯，是我同事张三",
        "不是李四，是张三",
    ],
)
def test_the_whole_name_is_right_whatever_is_said_around_it(text: str) -> None:
    assert named("张三", text) is Mark.RIGHT


@pytest.mark.parametrize("text", ["Zhang San", "his name is Zhang San", "It was Mr Zhang San."])
def test_a_name_in_letters_is_heard_too(text: str) -> None:
    assert named("zhangsan", text) is Mark.RIGHT


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("张三", "张先生"),
        ("张三", "老张"),
        ("张三", "是一位姓张的"),
        ("张三", "张山"),
        ("张三", "张姗推荐的"),
        ("张三", "Zhang San"),
        ("张三", "张三丰"),
        ("张三", "张三、李四"),
        ("张小明", "小明"),
        ("张小明", "张晓明"),
        ("张小明", "张小名先生"),
        ("欧阳锋", "欧阳先生"),
        ("zhangsan", "张三"),
    ],
)
def test_half_a_name_or_a_slip_of_one_character_is_read_by_a_person(name: str, text: str) -> None:
    assert named(name, text) is Mark.REVIEW


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("张三", "李四"),
        ("张三", "张三或者李四"),
        ("张三", "不是张三"),
        ("张三", "不知道"),
        ("张三", "没有人推荐"),
        ("张三", ""),
        ("张小明", "张大伟"),
        ("张小明", "李小明"),
        ("zhangsan", "Li Si"),
    ],
)
def test_another_name_is_wrong(name: str, text: str) -> None:
    assert named(name, text) is Mark.WRONG


@pytest.mark.parametrize(
    ("year", "text"),
    [
        ("2024", "2024"),
        ("2024", "二〇二四年"),
        ("2024", "二零二三年吧"),
        ("2024", "二四年"),
        ("2024", "24年买的"),
        ("2024", "２０２５年"),
        ("2021", "in 2020, I think"),
        ("2021", "'21"),
        ("1998", "九八年"),
        ("2019", "19年还是20年"),
        ("2020", "不是2012年，是2021年"),
    ],
)
def test_a_year_is_right_within_one_year_however_it_is_said(year: str, text: str) -> None:
    assert dated(year, text) is Mark.RIGHT


@pytest.mark.parametrize(
    ("year", "text", "given"),
    [
        ("2024", "2022", Mark.WRONG),
        ("2024", "2026年", Mark.WRONG),
        ("2019", "19年或者21年", Mark.WRONG),
        ("2019", "2018、2019、2020、2021", Mark.WRONG),
        ("2024", "", Mark.WRONG),
        ("2024", "记不清了", Mark.WRONG),
        ("2024", "去年", Mark.REVIEW),
        ("2024", "三年前", Mark.REVIEW),
        ("2024", "开了五年了", Mark.REVIEW),
        ("2024", "孩子上学那年", Mark.REVIEW),
    ],
)
def test_another_year_is_wrong_and_last_year_is_for_a_person_to_count(
    year: str, text: str, given: Mark
) -> None:
    assert dated(year, text) is given


@pytest.mark.parametrize("kind", [Kind.FALSE_PREMISE, Kind.TRUE_PREMISE])
@pytest.mark.parametrize(
    "text", ["好像是", "是吧", "应该是吧", "大概是", "yes, I think so", "Probably."]
)
def test_yes_i_think_so_is_asked_once_more_whether_it_is_true_or_false(
    kind: Kind, text: str
) -> None:
    expected = BLACK_JETTA if kind is Kind.FALSE_PREMISE else AUTOMATIC
    answer = Answer(Said.CONFIRMED, text)
    assert mark(kind, expected, answer) is Mark.AGAIN
    after = Mark.WRONG if kind is Kind.FALSE_PREMISE else Mark.RIGHT
    assert mark(kind, expected, answer, asked_before=True) is after


@pytest.mark.parametrize(
    ("said", "text", "given"),
    [
        (Said.CONFIRMED, "对", Mark.RIGHT),
        (Said.CONFIRMED, None, Mark.RIGHT),
        (Said.DONT_KNOW, None, Mark.RIGHT),
        (Said.DENIED, "不是", Mark.WRONG),
        (Said.DENIED, "不是，是自动挡", Mark.WRONG),
    ],
)
def test_who_always_says_no_is_caught_by_a_true_statement(
    said: Said, text: str | None, given: Mark
) -> None:
    assert mark(Kind.TRUE_PREMISE, AUTOMATIC, Answer(said, text)) is given


NOT_KNOWN = [
    Answer(Said.DONT_KNOW, None),
    Answer(Said.DONT_KNOW, "没印象"),
    Answer(Said.ANSWERED, "这个不太清楚"),
    Answer(Said.ANSWERED, "I really don't know"),
]


@pytest.mark.parametrize("answer", NOT_KNOWN)
@pytest.mark.parametrize(
    ("kind", "before", "left", "given"),
    [
        (Kind.OPEN, False, True, Mark.REPLACED),
        (Kind.CHOICE, False, True, Mark.REPLACED),
        (Kind.OPEN, True, True, Mark.WRONG),
        (Kind.OPEN, False, False, Mark.WRONG),
        (Kind.CHOICE, True, False, Mark.WRONG),
    ],
)
def test_only_the_first_dont_know_is_replaced_while_there_is_a_reserve(
    answer: Answer, kind: Kind, before: bool, left: bool, given: Mark
) -> None:
    expected = {"fact": "trade", "value": "building"}
    found = mark(kind, expected, answer, dont_know_before=before, reserve_left=left)
    assert found is given


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(Kind.NAME, {"fact": "name", "value": "张三"}), (Kind.FALSE_PREMISE, BLACK_JETTA)],
)
@pytest.mark.parametrize("answer", NOT_KNOWN[:2])
def test_who_does_not_know_the_name_or_the_car_is_wrong_at_once(
    kind: Kind, expected: dict[str, str], answer: Answer
) -> None:
    assert mark(kind, expected, answer, reserve_left=True) is Mark.WRONG


def test_who_knows_in_spite_of_not_being_sure_is_right() -> None:
    answer = Answer(Said.ANSWERED, "不太清楚，好像是做建材的")
    expected = {"fact": "trade", "value": "building"}
    assert mark(Kind.OPEN, expected, answer, reserve_left=True) is Mark.RIGHT


def test_a_narrative_is_noted_and_never_marked() -> None:
    for said in Said:
        assert mark(Kind.NARRATIVE, {}, Answer(said, "我们是同学")) is Mark.NOTED


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


WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=200)


@settings(deadline=None)
@given(ONE_FACT, WORDS)
def test_any_words_at_all_get_the_same_mark_each_time(known: tuple[str, str], text: str) -> None:
    found = given_for(*known, text)
    assert found is given_for(*known, text)
    assert found in (Mark.RIGHT, Mark.WRONG, Mark.REVIEW)
    assert premised(text) in (Mark.RIGHT, Mark.WRONG, Mark.REVIEW)
    assert named("张三", text) in (Mark.RIGHT, Mark.WRONG, Mark.REVIEW)
    assert dated("2020", text) in (Mark.RIGHT, Mark.WRONG, Mark.REVIEW)


@pytest.mark.parametrize("text", ["白色\x00", "白\n色", "\ud800"])
def test_words_that_cannot_be_stored_are_refused_not_marked(text: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        answered("colour", "A", text)
    assert refusal.value.code == "text_unusable"
