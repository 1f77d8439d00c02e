"""The worked example of referral.md: 张三 owns a white automatic 速腾, 李四 is called."""

from collections.abc import Iterator

import pytest

from referral import draw_rules
from referral.questions.bank import BANK_VERSION
from referral.questions.facts import gather
from referral.questions.marking import Answer, Mark, Said, Verdict, mark, verdict
from referral.questions.selector import SELECTOR_VERSION, Asked, select

COMMITTED = draw_rules.commitment(
    "referral of 李四", ["buyer", "owner"], BANK_VERSION, SELECTOR_VERSION
)
ZHANG_SAN = gather(
    {
        "trade": "做建材生意",
        "model": "速腾",
        "colour": "白色",
        "transmission": "自动挡",
        "relation": "同事",
    }
)
HONEST = {
    "owner_trade": Answer(Said.ANSWERED, "他是做建材的"),
    "owner_model_and_colour": Answer(Said.DENIED, "不是，是白色速腾"),
    "owner_transmission": Answer(Said.ANSWERED, "自动挡"),
    "owner_relation": Answer(Said.ANSWERED, "我们是同事"),
}
FAKE = {
    "owner_trade": Answer(Said.DONT_KNOW, None),
    "owner_model_and_colour": Answer(Said.CONFIRMED, "是的"),
    "owner_transmission": Answer(Said.ANSWERED, "自动挡"),
    "owner_relation": Answer(Said.ANSWERED, "朋友"),
}


def calls_to_the_buyer() -> Iterator[tuple[Asked, ...]]:
    for number in range(5_000):
        seed = draw_rules.seed(number.to_bytes(8), COMMITTED)
        if draw_rules.party(seed) == "buyer":
            yield select(about="owner", facts=ZHANG_SAN, cars=[("速腾", "白色")], seed=seed)


@pytest.fixture(scope="module")
def call() -> tuple[Asked, ...]:
    """A call to the buyer in which he is told of a black Jetta."""
    return next(
        asked
        for asked in calls_to_the_buyer()
        if any("黑色捷达" in one.text_zh and "black Jetta" in one.text_en for one in asked)
    )


def marks(call: tuple[Asked, ...], answers: dict[str, Answer]) -> list[Mark]:
    return [mark(one.kind, one.expected, answers[one.key]) for one in call]


def test_the_buyer_is_asked_the_four_questions_of_the_example(call: tuple[Asked, ...]) -> None:
    assert {one.key for one in call} == set(HONEST)
    told = next(one for one in call if one.key == "owner_model_and_colour")
    assert told.text_zh.format(surname_title="张先生") == "张先生开的车是一辆黑色捷达，对吗？"
    assert (
        told.text_en.format(surname_title="Mr Zhang")
        == "Mr Zhang's car is a black Jetta, is that right?"
    )


def test_not_a_black_jetta_but_a_white_sagitar_is_right_and_yes_is_wrong(
    call: tuple[Asked, ...],
) -> None:
    told = next(one for one in call if one.key == "owner_model_and_colour")
    assert mark(told.kind, told.expected, HONEST[told.key]) == Mark.RIGHT
    assert mark(told.kind, told.expected, FAKE[told.key]) == Mark.WRONG


def test_the_honest_buyer_passes_and_only_after_the_last_question(
    call: tuple[Asked, ...],
) -> None:
    given = marks(call, HONEST)
    assert [verdict(given[:end], len(call)) for end in range(1, 5)] == [
        Verdict.OPEN,
        Verdict.OPEN,
        Verdict.OPEN,
        Verdict.PASSED,
    ]


def test_the_invented_referral_fails_at_the_second_wrong_answer(call: tuple[Asked, ...]) -> None:
    given = marks(call, FAKE)
    second = [place for place, one in enumerate(given, start=1) if one == Mark.WRONG][1]
    assert verdict(given[: second - 1], len(call)) == Verdict.OPEN
    assert verdict(given[:second], len(call)) == Verdict.FAILED
