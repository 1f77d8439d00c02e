"""The mathematics of a callback: the constants and reference results of referral.md, section 3."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.questions.probability import (
    ACCEPT_BITS,
    PRIORS,
    REJECT_BITS,
    Item,
    Outcome,
    at_most_one_wrong,
    bits,
    fake_passes,
    honest_rejected,
    largest_e,
    largest_g,
    odds,
    outcome,
    outcome_chances,
    weight,
)

ON_THE_SLIP = {"colour", "model", "model_and_colour", "name"}
DISTRICT = Item((0.22, 0.22, 0.22), 0.10)
CHANCE = st.floats(0.01, 0.99)
ITEMS = st.lists(
    st.builds(Item, st.tuples(CHANCE, CHANCE, CHANCE), CHANCE, st.booleans(), st.booleans()),
    min_size=1,
    max_size=5,
)
P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE


def item(kind: str) -> Item:
    """A question at its default priors, about the owner: T1 knows what is on the slip."""
    g, e = PRIORS[kind]
    known = 1.0 if kind in ON_THE_SLIP else g
    return Item((g, known, known), e, knock_out=kind == "name", control=kind == "control")


def items(*kinds: str) -> list[Item]:
    return [item(kind) for kind in kinds]


STRONG = items("name", "model_and_colour", "trade", "relation")


@pytest.mark.parametrize(("n", "g", "passes", "digits"), [(4, 0.5, 0.3125, 12), (3, 0.5, 0.5, 12)])
def test_coin_flipping_through_a_call(n: int, g: float, passes: float, digits: int) -> None:
    assert round(fake_passes([g] * n), digits) == passes


@pytest.mark.parametrize(
    ("e", "percent", "digits"),
    [(0.05, 1.40, 2), (0.02, 0.23, 2), (0.08, 3.44, 2), (0.10, 5.23, 2), (0.20, 18.1, 1)],
)
def test_honest_people_who_miss_one_answer_in_some(e: float, percent: float, digits: int) -> None:
    assert round(100 * honest_rejected([e] * 4), digits) == percent


@pytest.mark.parametrize(("n", "largest"), [(3, 0.059), (4, 0.141), (5, 0.222), (6, 0.294)])
def test_how_guessable_questions_may_be_for_one_fake_in_a_hundred(n: int, largest: float) -> None:
    found = largest_g(n, 0.01)
    assert round(found, 3) == largest
    assert fake_passes([found] * n) <= 0.01 < fake_passes([found + 1e-9] * n)


@pytest.mark.parametrize(("n", "largest"), [(3, 0.104), (4, 0.074), (5, 0.058)])
def test_how_forgettable_questions_may_be_for_three_honest_in_a_hundred(
    n: int, largest: float
) -> None:
    found = largest_e(n, 0.03)
    assert round(found, 3) == largest
    assert honest_rejected([found] * n) <= 0.03 < honest_rejected([found + 1e-9] * n)


@pytest.mark.parametrize(("n", "bound"), [(1, 0.01), (0, 0.01), (4, 0.0), (4, 1.0)])
def test_a_bound_nothing_can_reach_is_refused(n: int, bound: float) -> None:
    for largest in (largest_g, largest_e):
        with pytest.raises(ValueError, match="two questions"):
            largest(n, bound)


@pytest.mark.parametrize(
    ("asked", "t0", "t1", "rejected", "digits"),
    [
        (items(*["yes_no"] * 4), 31.3, 31.3, 2.0, 1),
        (items("colour", "transmission", "plate_city", "purchase_year"), 63.0, 86.3, 1.2, 1),
        (items("trade", "model_and_colour", "transmission", "plate_city"), 20.6, 75.9, 2.1, 1),
        ([*items("colour", "model", "trade"), DISTRICT], 6.7, 33.7, 2.5, 1),
        (STRONG, 0.92, 49.0, 2.4, 2),
    ],
    ids=["yes-no", "car-facts", "the-source's-kind", "no-name", "with-the-name"],
)
def test_the_reference_sets(
    asked: list[Item], t0: float, t1: float, rejected: float, digits: int
) -> None:
    known = odds(asked)
    assert 100 * known.fake_t0 == pytest.approx(t0, abs=0.5001 * 10**-digits)
    assert 100 * known.fake_t1 == pytest.approx(t1, abs=0.05001)
    assert 100 * known.honest_rejected == pytest.approx(rejected, abs=0.05001)


def test_only_the_open_name_brings_four_ordinary_questions_under_both_bounds() -> None:
    known = odds(STRONG)
    assert known.fake_t0 < 0.01
    assert known.honest_rejected < 0.03
    for other in set(PRIORS) - {"name", "phone_tail", "control"}:
        assert odds([item(other), *STRONG[1:]]).fake_t0 > 0.01


def test_the_bounds_of_wald_are_those_of_the_design() -> None:
    assert (round(ACCEPT_BITS, 2), round(REJECT_BITS, 2)) == (6.60, -5.04)


def test_a_value_every_second_case_shares_is_one_bit() -> None:
    assert (bits(0.5), bits(0.25), bits(1.0)) == (1.0, 2.0, 0.0)
    with pytest.raises(ValueError):
        bits(0.0)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("name", 8.907, -4.641),
        ("model_and_colour", 2.632, -3.602),
        ("yes_no", 0.911, -3.059),
        ("transmission", 0.078, -1.0),
        ("control", 0.0, 0.0),
    ],
)
def test_what_an_answer_weighs(kind: str, right: float, wrong: float) -> None:
    assert weight(item(kind), right=True) == pytest.approx(right, abs=0.0006)
    assert weight(item(kind), right=False) == pytest.approx(wrong, abs=0.0006)


def test_what_every_stranger_knows_weighs_nothing() -> None:
    known = Item((1.0, 1.0, 1.0), 0.05)
    assert (weight(known, right=True), weight(known, right=False)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ([True] * 4, P),
        ([True, False, True, True], P),
        ([True, True, False, True], P),
        ([True, True, True, False], P),
        ([False, True, True, True], N),
        ([True, False, False, True], F),
        ([False, False, True, True], F),
        ([False] * 4, F),
    ],
)
def test_the_verdict_of_one_call(right: list[bool], expected: Outcome) -> None:
    assert outcome(STRONG, right) == expected


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        (items("colour", "model", "trade", "relation"), [True] * 4),
        (items("trade", "delivery_month", "plate_last", "model_and_colour"), [True] * 4),
        (items("name", "transmission", "plate_city"), [False, True, True]),
        (items("name", "transmission", "relation"), [True, True, False]),
    ],
    ids=["too-few-bits", "bits-enough-but-no-name-asked", "name-wrong", "one-wrong-too-few-bits"],
)
def test_a_call_that_proves_too_little_is_inconclusive(
    asked: list[Item], right: list[bool]
) -> None:
    assert outcome(asked, right) == N


def test_a_control_counts_as_wrong_but_proves_nothing() -> None:
    asked = [*STRONG, item("control")]
    assert outcome(asked, [True, True, True, False, False]) == F
    assert outcome(asked, [True, True, True, True, False]) == P
    assert odds(asked).fake_t0 == pytest.approx(odds(STRONG).fake_t0)
    assert odds(asked).honest_rejected > odds(STRONG).honest_rejected


def test_every_answer_needs_its_question() -> None:
    with pytest.raises(ValueError, match="zip"):
        outcome(STRONG, [True] * 3)
    with pytest.raises(ValueError, match="zip"):
        outcome_chances(STRONG, [0.5] * 5)


@pytest.mark.parametrize(
    ("g", "e"), [(0.0, 0.1), (1.1, 0.1), (-0.1, 0.1), (0.5, 0.0), (0.5, 1.0), (0.5, inf)]
)
def test_a_chance_that_is_none_is_refused(g: float, e: float) -> None:
    with pytest.raises(ValueError, match="chance"):
        Item((0.5, g, 0.5), e)


@given(ITEMS, st.data())
def test_the_verdicts_share_all_patterns_and_failed_is_two_wrong(
    asked: list[Item], data: st.DataObject
) -> None:
    right = data.draw(st.lists(CHANCE, min_size=len(asked), max_size=len(asked)))
    chances = outcome_chances(asked, right)
    assert sum(chances.values()) == pytest.approx(1)
    assert chances[F] == pytest.approx(1 - at_most_one_wrong(right), abs=1e-9)


@given(st.lists(CHANCE, min_size=2, max_size=6), st.integers(0, 5), st.floats(0, 1))
def test_who_knows_more_passes_no_less(g: list[float], place: int, more: float) -> None:
    at = place % len(g)
    better = [*g[:at], g[at] + more * (1 - g[at]), *g[at + 1 :]]
    assert at_most_one_wrong(better) >= at_most_one_wrong(g) - 1e-12


@given(ITEMS, st.data())
def test_one_more_right_answer_never_turns_a_verdict_for_the_worse(
    asked: list[Item], data: st.DataObject
) -> None:
    right = data.draw(st.lists(st.booleans(), min_size=len(asked), max_size=len(asked)))
    order = [F, N, P]
    before = order.index(outcome(asked, right))
    for place, one in enumerate(asked):
        informed = one.control or one.g[0] < 1 - one.e
        if informed and not right[place]:
            better = [*right[:place], True, *right[place + 1 :]]
            assert order.index(outcome(asked, better)) >= before
