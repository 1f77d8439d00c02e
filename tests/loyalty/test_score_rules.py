"""What a member is worth (F24): measures, bands, weights, and the edges of every window."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.tiers.rules.score import (
    Band,
    Component,
    Fact,
    FactKind,
    Group,
    Measure,
    score,
    total,
)

TODAY = date(2026, 11, 22)
K = FactKind


def fact(kind: FactKind, days_ago: int, amount: int = 0, **more: object) -> Fact:
    """A fact so many days before today."""
    happened_on = TODAY - timedelta(days=days_ago)
    return Fact(happened_on, f"{days_ago:06}", kind, amount, **more)  # type: ignore[arg-type]


def part(measure: Measure, *kinds: FactKind, window: int = 365, **more: object) -> Component:
    """A component that is the whole score."""
    bands = (Band(1, 10), Band(3, 60), Band(6, 100))
    told: dict[str, object] = {"bands": bands, "otherwise": 0} | more
    return Component("it", Group.LIFE_CYCLE, measure, kinds, window, 100, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "points"), [(0, 0), (1, 10), (2, 10), (3, 60), (5, 60), (6, 100), (7, 100)]
)
def test_a_band_begins_with_its_first_value_and_ends_before_the_next(
    count: int, points: int
) -> None:
    facts = [fact(K.SERVICE_ORDER, days) for days in range(count)]
    [found] = score([part(Measure.COUNT, K.SERVICE_ORDER)], facts, TODAY)
    assert (found.value, found.points, found.hundredths) == (count, points, points * 100)


@pytest.mark.parametrize(
    ("days_ago", "counts"),
    [(-1, False), (0, True), (1, True), (29, True), (30, False), (31, False)],
)
def test_a_window_of_thirty_days_holds_today_and_the_twenty_nine_before(
    days_ago: int, counts: bool
) -> None:
    [found] = score([part(Measure.COUNT, K.VISIT, window=30)], [fact(K.VISIT, days_ago)], TODAY)
    assert found.facts == counts


MEASURES = [
    (Measure.COUNT, [], 0),
    (Measure.COUNT, [(5, 7), (9, 7)], 2),
    (Measure.SUM, [], 0),
    (Measure.SUM, [(5, 700), (9, 50)], 750),
    (Measure.AVERAGE, [], None),
    (Measure.AVERAGE, [(5, 80), (9, 85)], 82),
    (Measure.AVERAGE, [(5, 0)], 0),
    (Measure.DAYS_SINCE, [], None),
    (Measure.DAYS_SINCE, [(0, 1)], 0),
    (Measure.DAYS_SINCE, [(5, 1), (9, 1)], 5),
    (Measure.CYCLE_DAYS, [], None),
    (Measure.CYCLE_DAYS, [(5, 1)], None),
    (Measure.CYCLE_DAYS, [(5, 1), (5, 1)], 0),
    (Measure.CYCLE_DAYS, [(100, 1), (5, 1)], 95),
    (Measure.CYCLE_DAYS, [(100, 1), (50, 1), (5, 1)], 47),
]


@pytest.mark.parametrize(("measure", "told", "value"), MEASURES)
def test_each_measure_says_what_it_says(
    measure: Measure, told: list[tuple[int, int]], value: int | None
) -> None:
    facts = [fact(K.SATISFACTION, days, amount) for days, amount in told]
    [found] = score([part(measure, K.SATISFACTION)], facts, TODAY)
    assert found.value == value


def test_what_cannot_be_measured_gets_the_points_for_otherwise() -> None:
    average = part(Measure.AVERAGE, K.SATISFACTION, otherwise=40)
    assert score([average], [], TODAY)[0].points == 40
    below_the_first_band = score([average], [fact(K.SATISFACTION, 1, 0)], TODAY)
    assert below_the_first_band[0].points == 40


def test_complaints_can_cost_points() -> None:
    complaints = part(Measure.COUNT, K.COMPLAINT, bands=(Band(0, 100), Band(1, 50), Band(2, 0)))
    for count, points in ((0, 100), (1, 50), (2, 0), (3, 0)):
        facts = [fact(K.COMPLAINT, days) for days in range(count)]
        assert score([complaints], facts, TODAY)[0].points == points


def test_a_return_lowers_the_sum_but_is_no_order_and_no_visit() -> None:
    told = [
        fact(K.SERVICE_ORDER, 20, 100_000),
        fact(K.SERVICE_ORDER, 10, -40_000, corrects=True),
    ]
    for measure, value in (
        (Measure.SUM, 60_000),
        (Measure.COUNT, 1),
        (Measure.DAYS_SINCE, 20),
        (Measure.AVERAGE, 60_000),
    ):
        assert score([part(measure, K.SERVICE_ORDER)], told, TODAY)[0].value == value


def test_the_latest_word_about_a_trade_counts() -> None:
    trade = part(Measure.GRADE, K.TRADE, bands=(), grades=(("finance", 90), ("other", 20)))
    told = [fact(K.TRADE, 300, grade="other"), fact(K.TRADE, 10, grade="finance")]
    [found] = score([trade], told, TODAY)
    assert (found.grade, found.points) == ("finance", 90)
    assert score([trade], told[:1], TODAY)[0].points == 20
    assert score([trade], [fact(K.TRADE, 1, grade="unheard")], TODAY)[0].points == 0


def test_the_score_is_the_weighted_sum_in_hundredths() -> None:
    parts = [
        Component("use", Group.LIFE_CYCLE, Measure.COUNT, (K.SERVICE_ORDER,), 365, 33,
                  (Band(1, 67),)),
        Component("calls", Group.LOYALTY, Measure.COUNT, (K.CALLBACK,), 365, 67, (Band(1, 1),)),
    ]  # fmt: skip
    found = score(parts, [fact(K.SERVICE_ORDER, 1), fact(K.CALLBACK, 1)], TODAY)
    assert total(found) == 33 * 67 + 67 * 1


FACTS = st.lists(
    st.builds(
        fact,
        st.sampled_from([K.SERVICE_ORDER, K.VISIT, K.SATISFACTION]),
        st.integers(-5, 800),
        st.integers(0, 10_000),
    ),
    max_size=12,
)


@given(FACTS, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_become_known_does_not_matter(facts: list[Fact], dice) -> None:  # type: ignore[no-untyped-def]
    parts = [part(measure, K.SERVICE_ORDER, K.VISIT) for measure in Measure if measure != "grade"]
    shuffled = list(facts)
    dice.shuffle(shuffled)
    assert score(parts, shuffled, TODAY) == score(parts, facts, TODAY)


@given(FACTS)
def test_a_score_lies_between_nothing_and_ten_thousand(facts: list[Fact]) -> None:
    found = score([part(Measure.SUM, K.SATISFACTION, otherwise=5)], facts, TODAY)
    assert 0 <= total(found) <= 10_000
