"""From what was counted to points and a choice, at each bound; shares fair to small numbers."""

from dataclasses import replace
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.messages import catalogue
from referral.risk.conduct import Outcomes, excess_permille, luck_ppm, together
from referral.risk.statistics import Share, at_least, wilson
from referral.rules.risk import (
    ADJUDICATE_FROM,
    DUAL_FROM,
    RULES,
    Choice,
    Measures,
    Rule,
    is_virtual,
    median,
    score,
)

BY_COUNT = [rule for rule in RULES if rule.measure != "large_reward"]


def codes(**measures: int) -> list[str]:
    return [signal.code for signal in score(Measures(**measures)).signals]


def alone(rule: Rule, value: int) -> list[str]:
    """The signals of one measure by itself."""
    return codes(**{rule.measure: value})


def test_an_ordinary_referral_shows_nothing_and_is_drawn_as_usual() -> None:
    ordinary = Measures(
        consultant_reports_7d=2,
        consultant_reports_30d=7,
        owner_referrals_30d=1,
        owner_referrals_365d=2,
        owner_phone_members=1,
        minutes_to_order=3 * 24 * 60,
        hours_unreported=2,
        consultant_judged=30,
        reward_points=200,
        large_reward_points=500,
    )
    assert score(ordinary) == score(Measures())
    assert (score(ordinary).points, score(ordinary).choice) == (0, Choice.NONE)


@pytest.mark.parametrize("rule", BY_COUNT, ids=lambda rule: rule.code)
def test_a_signal_shows_at_its_limit_and_not_before(rule: Rule) -> None:
    shows, quiet = (rule.limit - 1, rule.limit) if rule.below else (rule.limit, rule.limit - 1)
    assert rule.code in alone(rule, shows)
    assert rule.code not in alone(rule, quiet)
    found = next(s for s in score(Measures(**{rule.measure: shows})).signals if s.code == rule.code)
    assert (found.points, found.facts[rule.measure]) == (rule.points, shows)
    assert found.facts["limit"] == rule.limit


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_signal_is_explained_in_both_languages_with_its_figures(rule: Rule) -> None:
    message = catalogue()[f"signal_{rule.code}"]
    facts = {rule.measure: 1, "limit": rule.limit, **dict.fromkeys(rule.beside, 2)}
    if rule.usual:
        facts[rule.usual] = 3
    for language in ("zh-CN", "en"):
        assert "?" not in message.detailed(language, facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reports", "usual", "shows"),
    [(6, 0, True), (5, 0, False), (8, 2, True), (8, 3, False), (9, 3, True), (29, 10, False)],
)
def test_many_reports_are_many_only_beside_what_colleagues_report(
    reports: int, usual: int, shows: bool
) -> None:
    found = codes(consultant_reports_7d=reports, usual_reports_7d=usual)
    assert found == (["consultant_busy_week"] if shows else [])


@pytest.mark.parametrize(
    ("measures", "points", "choice"),
    [
        ({}, 0, Choice.NONE),
        ({"review_flags": 1, "virtual_numbers": 1}, 25, Choice.NONE),
        ({"review_flags": 1, "owner_referrals_30d": 4}, DUAL_FROM, Choice.DUAL),
        ({"owner_phone_members": 3}, DUAL_FROM, Choice.DUAL),
        ({"owner_phone_changes": 1}, DUAL_FROM, Choice.DUAL),
        ({"licence_other_owners": 1, "review_flags": 1}, 55, Choice.DUAL),
        (
            {"licence_other_owners": 1, "nomination_doubts": 1},
            ADJUDICATE_FROM,
            Choice.ADJUDICATE,
        ),
        ({"circle_nearby_people": 4}, 15, Choice.NONE),
        ({"circle_people": 2}, ADJUDICATE_FROM, Choice.ADJUDICATE),
        ({"consultant_watched": 1}, 10, Choice.DUAL),
        ({"reward_points": 499, "large_reward_points": 500}, 0, Choice.NONE),
        ({"reward_points": 500, "large_reward_points": 500}, 0, Choice.DUAL),
    ],
)
def test_points_add_up_to_a_choice_and_some_signals_choose_by_themselves(
    measures: dict[str, int], points: int, choice: Choice
) -> None:
    found = score(Measures(**measures))
    assert (found.points, found.choice) == (points, choice)
    assert found.points == sum(signal.points for signal in found.signals)


@given(st.data())
def test_more_of_anything_never_means_less_checking(data: st.DataObject) -> None:
    rising = [rule.measure for rule in BY_COUNT if not rule.below]
    measures = Measures(**{name: data.draw(st.integers(0, 60), label=name) for name in rising})
    name = data.draw(st.sampled_from(rising))
    more = replace(measures, **{name: getattr(measures, name) + data.draw(st.integers(1, 60))})
    before, after = score(measures), score(more)
    assert after.points >= before.points
    order = list(Choice)
    assert order.index(after.choice) >= order.index(before.choice)


@pytest.mark.parametrize(
    ("phone", "virtual"),
    [("+8617012345678", True), ("+8616212345678", True), ("+8613812345678", False),
     ("+8617212345678", False)],
)  # fmt: skip
def test_numbers_of_virtual_operators_are_known_by_their_beginning(
    phone: str, virtual: bool
) -> None:
    assert is_virtual(phone) is virtual


@pytest.mark.parametrize(("counts", "middle"), [([], 0), ([4], 4), ([1, 9], 9), ([1, 5, 9], 5)])
def test_the_usual_is_the_middle_of_the_colleagues(counts: list[int], middle: int) -> None:
    assert median(counts) == middle


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634),
     (1, 100, 0.0018, 0.0545)],
)  # fmt: skip
def test_wilson_bounds_are_those_of_the_tables(
    count: int, total: int, low: float, high: float
) -> None:
    assert wilson(count, total) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 40), st.data())
def test_the_tail_of_the_binomial_is_the_exact_sum(total: int, data: st.DataObject) -> None:
    count, chance = data.draw(st.integers(0, total)), data.draw(st.integers(1, 99))
    p = Fraction(chance, 100)
    exact = sum(comb(total, k) * p**k * (1 - p) ** (total - k) for k in range(count, total + 1))
    assert at_least(count, total, chance / 100) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize(
    ("own", "others", "excess"),
    [
        (Outcomes(4, 0, 4), Outcomes(100, 98, 2), 0),
        (Outcomes(5, 5, 0), Outcomes(100, 98, 2), 0),
        (Outcomes(6, 5, 1), Outcomes(100, 98, 2), 0),
        (Outcomes(5, 0, 5), Outcomes(100, 98, 2), 536),
        (Outcomes(20, 10, 10), Outcomes(100, 50, 50), 0),
    ],
)
def test_a_consultant_stands_out_by_the_lower_bound_of_what_fails(
    own: Outcomes, others: Outcomes, excess: int
) -> None:
    assert excess_permille(own, own + others, fewest=5) == excess


@pytest.mark.parametrize(
    ("own", "others", "shows"),
    [
        (Outcomes(19, 19), Outcomes(100, 60, 40), False),
        (Outcomes(20, 20), Outcomes(100, 60, 40), True),
        (Outcomes(40, 24, 16), Outcomes(100, 60, 40), False),
        (Outcomes(100, 98, 2), Outcomes(200, 196, 4), False),
        (Outcomes(40, 40), Outcomes(19, 9, 10), False),
    ],
)
def test_an_agent_stands_out_when_chance_does_not_explain_what_passes(
    own: Outcomes, others: Outcomes, shows: bool
) -> None:
    luck = luck_ppm(own, together({1: own, 2: others}), fewest=20)  # type: ignore[dict-item]
    found = [signal.code for signal in score(Measures(agent_luck_ppm=luck)).signals]
    assert found == (["agent_passes_all"] if shows else [])


def test_a_share_without_one_person_is_that_of_the_others() -> None:
    assert Share(5, 20).without(Share(5, 10)) == Share(0, 10)
    assert Share(0, 0).smoothed == 0.5
