"""The worked example of referral.md: 张三 owns a white automatic 速腾, 李四 is called."""

from collections.abc import Iterator

import pytest

from referral import draw_rules
from referral.questions.bank import Kind
from referral.questions.bank_body import BUILT_IN
from referral.questions.facts import Origin, Record, gather
from referral.questions.marking import Answer, Mark, Said, mark
from referral.questions.probability import Outcome, outcome
from referral.questions.selector import Asked, Chosen, select

COMMITTED = b"the commitment of the case of 4"
ZHANG_SAN = gather(
    {
        "name": Record("张三", Origin.SLIP),
        "model": Record("速腾", Origin.SLIP),
        "colour": Record("白色", Origin.SLIP),
        "trade": Record("做建材生意", Origin.RECORD),
        "transmission": Record("自动挡", Origin.RECORD),
        "relation": Record("同事", Origin.CONSULTANT),
    }
)
HONEST = {
    "owner_name": Answer(Said.ANSWERED, "我同事张三"),
    "owner_trade": Answer(Said.ANSWERED, "他是做建材的"),
    "owner_model_and_colour": Answer(Said.DENIED, "不是，是白色速腾"),
    "owner_relation": Answer(Said.ANSWERED, "我们是同事"),
    "owner_transmission_told": Answer(Said.CONFIRMED, "对，自动挡"),
}
FAKE = {
    "owner_name": Answer(Said.ANSWERED, "张三"),
    "owner_trade": Answer(Said.DONT_KNOW, None),
    "owner_model_and_colour": Answer(Said.CONFIRMED, "是的"),
    "owner_relation": Answer(Said.ANSWERED, "朋友"),
    "owner_transmission_told": Answer(Said.CONFIRMED, "嗯"),
}


def calls_to_the_buyer() -> Iterator[Chosen]:
    for number in range(5_000):
        seed = draw_rules.seed(number.to_bytes(8), COMMITTED)
        if draw_rules.party(seed) == "buyer":
            yield select(
                about="owner",
                facts=ZHANG_SAN,
                cars=[("速腾", "白色")],
                bank=BUILT_IN,
                seed=seed,
                recent=frozenset(),
            )


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "with a control"])
def call(request: pytest.FixtureRequest) -> Chosen:
    """A call to the buyer in which he is told of a black Jetta."""
    return next(
        drawn
        for drawn in calls_to_the_buyer()
        if any(one.part == "control" for one in drawn.asked) == request.param
        and any("黑色捷达" in one.text_zh for one in drawn.asked)
    )


def told(call: Chosen) -> Asked:
    return next(one for one in call.asked if one.kind is Kind.FALSE_PREMISE)


def marks(call: Chosen, answers: dict[str, Answer]) -> list[Mark]:
    return [mark(one.kind, one.expected, answers[one.key]) for one in call.asked]


def end(call: Chosen, given: list[Mark]) -> Outcome:
    items = [one.item for one in call.asked if one.item is not None]
    return outcome(items[: len(given)], [one is Mark.RIGHT for one in given])


def test_the_buyer_is_asked_who_recommended_us_first_then_the_rest_of_the_example(
    call: Chosen,
) -> None:
    scored = [one.key for one in call.asked if one.part == "asked"]
    assert set(scored) == set(HONEST) - {"owner_transmission_told"}
    assert call.asked[0].text_zh == "谁推荐您来的？"
    assert told(call).text_zh.format(surname_title="张先生") == "张先生开的车是一辆黑色捷达，对吗？"
    english = told(call).text_en.format(surname_title="Mr Zhang")
    assert english == "Mr Zhang's car is a black Jetta, is that right?"


def test_the_odds_of_the_example_are_those_of_the_design(call: Chosen) -> None:
    mixed = any(one.part == "control" for one in call.asked)
    assert 100 * call.odds.fake_t0 == pytest.approx(0.92, abs=0.005)
    assert 100 * call.odds.fake_t1 == pytest.approx(49.0, abs=0.05)
    assert 100 * call.odds.honest_rejected == pytest.approx(2.86 if mixed else 2.42, abs=0.005)


def test_not_a_black_jetta_but_a_white_sagitar_is_right_and_yes_is_wrong(call: Chosen) -> None:
    one = told(call)
    assert mark(one.kind, one.expected, HONEST[one.key]) is Mark.RIGHT
    assert mark(one.kind, one.expected, FAKE[one.key]) is Mark.WRONG


def test_the_honest_buyer_passes(call: Chosen) -> None:
    given = marks(call, HONEST)
    assert set(given) == {Mark.RIGHT}
    assert end(call, given) is Outcome.PASSED


def test_the_invented_referral_fails_at_the_second_wrong_answer(call: Chosen) -> None:
    given = marks(call, FAKE)
    second = [place for place, one in enumerate(given, start=1) if one is Mark.WRONG][1]
    assert end(call, given[: second - 1]) is not Outcome.FAILED
    assert end(call, given[:second]) is Outcome.FAILED


def test_a_forger_who_read_the_slip_still_fails_on_what_only_a_friend_knows(call: Chosen) -> None:
    read = {**FAKE, "owner_model_and_colour": HONEST["owner_model_and_colour"]}
    given = dict(zip((one.key for one in call.asked), marks(call, read), strict=True))
    assert given["owner_name"] is given["owner_model_and_colour"] is Mark.RIGHT
    assert end(call, list(given.values())) is Outcome.FAILED


def test_nothing_that_is_printed_of_a_call_says_an_expected_answer(call: Chosen) -> None:
    printed = f"{call!r} {call.asked!s} {ZHANG_SAN!r}"
    assert not [one for one in ("张三", "sagitar", "building", "colleague") if one in printed]
