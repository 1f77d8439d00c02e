"""The terms of a reward as pure rules: what they say, and whom they let redeem on which day."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.rewards.rules.offer import Refusal, decide, period_began, plain
from loyalty.rewards.rules.terms import (
    Cancel,
    Cash,
    Fulfilment,
    Limit,
    Period,
    Terms,
    Until,
    Window,
    dump,
    parse,
)

DAY = date(2026, 11, 20)
TIERS = ("base", "silver", "gold")


def days(number: int) -> date:
    return DAY + timedelta(days=number)


def window(begins: int | None, length: int | None) -> Window:
    ends = None if length is None else days((begins or 0) + length)
    return Window(None if begins is None else days(begins), ends)


WINDOWS = st.builds(window, st.none() | st.integers(-2, 2), st.none() | st.integers(1, 3))
TERMS = st.builds(
    Terms,
    points=st.integers(50, 60),
    tiers=st.none() | st.lists(st.sampled_from(TIERS), min_size=1, unique=True).map(tuple),
    visible=WINDOWS,
    available=WINDOWS,
    limit=st.none() | st.builds(Limit, st.integers(1, 5), st.sampled_from(Period)),
    cash=st.none() | st.builds(Cash, st.integers(1, 20), st.integers(1, 100)),
    fulfilment=st.sampled_from(Fulfilment),
    cancel=st.sampled_from([Cancel(), Cancel(Until.NEVER), Cancel(Until.DAYS, 7, by_owner=True)]),
).flatmap(
    lambda terms: st.dictionaries(st.sampled_from(terms.tiers or TIERS), st.integers(20, 70)).map(
        lambda prices: _priced(terms, prices)
    )
)


def _priced(terms: Terms, prices: dict[str, int]) -> Terms:
    kept = {name: getattr(terms, name) for name in Terms.__dataclass_fields__}
    return Terms(**kept | {"prices": prices})


@given(TERMS)
def test_terms_say_the_same_when_they_are_read_again(terms: Terms) -> None:
    assert parse(dump(terms)) == terms


def test_what_need_not_be_said_is_what_a_reward_without_terms_does() -> None:
    assert parse({"points": 500}) == Terms(points=500)
    told = dump(Terms(points=500))
    assert (told["fulfilment"], told["cancel"]["until"]) == ("none", "handed_over")


@pytest.mark.parametrize(
    ("said", "pointer", "reason"),
    [
        ({"points": 0}, "/body/points", "out_of_range"),
        ({"points": None}, "/body/points", "missing"),
        ({"limits": {}}, "/body/limits", "unknown_key"),
        ({"prices": {"金卡": 5}}, "/body/prices/金卡", "malformed"),
        ({"tiers": ["gold"], "prices": {"silver": 5}}, "/body/prices/silver", "tier_not_admitted"),
        ({"tiers": []}, "/body/tiers", "out_of_range"),
        ({"visible_from": "20261120"}, "/body/visible_from", "malformed"),
        ({"visible_from": "2026-11-31"}, "/body/visible_from", "malformed"),
        ({"visible_from": 20261120}, "/body/visible_from", "malformed"),
        (
            {"available_from": "2026-11-20", "available_until": "2026-11-20"},
            "/body/available_until",
            "not_after",
        ),
        ({"limit": {"most": 0, "period": "day"}}, "/body/limit/most", "out_of_range"),
        ({"limit": {"most": 1, "period": "week"}}, "/body/limit/period", "unknown_choice"),
        ({"limit": {"most": 1}}, "/body/limit/period", "missing"),
        (
            {"cash": {"least_points": 101, "fen_a_point": 1}},
            "/body/cash/least_points",
            "above_price",
        ),
        (
            {"prices": {"gold": 50}, "cash": {"least_points": 51, "fen_a_point": 1}},
            "/body/cash/least_points",
            "above_price",
        ),
        ({"fulfilment": "post"}, "/body/fulfilment", "unknown_choice"),
        ({"cancel": {"until": "days"}}, "/body/cancel/days", "missing"),
        ({"cancel": {"until": "never", "days": 3}}, "/body/cancel/days", "exclusive"),
        (
            {"cancel": {"until": "handed_over", "by_owner": True}},
            "/body/cancel/by_owner",
            "never_handed_over",
        ),
        ({"cancel": {"until": "never", "by_owner": 1}}, "/body/cancel/by_owner", "not_boolean"),
    ],
)
def test_terms_that_do_not_hold_together_are_refused(
    said: dict[str, Any], pointer: str, reason: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        parse({"points": 100} | said)
    assert (refused.value.code, refused.value.pointer) == ("rule_invalid", pointer)
    assert refused.value.params == {"reason": reason}


@pytest.mark.parametrize(
    ("begins", "ends", "on", "holds"),
    [
        (None, None, 0, True),
        (0, 1, 0, True),
        (0, 1, 1, False),
        (0, 1, -1, False),
        (1, None, 0, False),
        (None, 0, -1, True),
        (None, 0, 0, False),
    ],
)
def test_a_window_has_its_first_day_and_not_its_last(
    begins: int | None, ends: int | None, on: int, holds: bool
) -> None:
    terms = Terms(
        points=10,
        visible=Window(
            None if begins is None else days(begins), None if ends is None else days(ends)
        ),
    )
    offer = decide(terms, day=days(on), tier=None, taken=0)
    assert (offer.visible, offer.refused) == (holds, None)
    available = Terms(points=10, available=terms.visible)
    offer = decide(available, day=days(on), tier=None, taken=0)
    assert (offer.visible, offer.refused is None) == (True, holds)


@pytest.mark.parametrize(
    ("tier", "price", "refused"),
    [
        ("gold", 80, None),
        ("silver", 100, None),
        ("base", 100, Refusal.NOT_FOR_TIER),
        (None, 100, Refusal.NOT_FOR_TIER),
    ],
)
def test_a_tier_opens_a_reward_and_makes_its_price(
    tier: str | None, price: int, refused: Refusal | None
) -> None:
    terms = Terms(points=100, prices={"gold": 80}, tiers=("silver", "gold"))
    offer = decide(terms, day=DAY, tier=tier, taken=0)
    assert (offer.price, offer.refused) == (price, refused)


@pytest.mark.parametrize(
    ("taken", "quantity", "left", "refused"),
    [
        (0, 2, 2, None),
        (1, 1, 1, None),
        (1, 2, 1, Refusal.LIMIT_REACHED),
        (2, 1, 0, Refusal.LIMIT_REACHED),
        (3, 1, 0, Refusal.LIMIT_REACHED),
    ],
)
def test_a_limit_counts_the_pieces_of_a_member(
    taken: int, quantity: int, left: int, refused: Refusal | None
) -> None:
    terms = Terms(points=10, limit=Limit(2, Period.QUARTER))
    offer = decide(terms, day=DAY, tier=None, taken=taken, quantity=quantity)
    assert (offer.left, offer.refused) == (left, refused)


@pytest.mark.parametrize(
    ("period", "day", "began"),
    [
        (Period.DAY, "2026-11-20", "2026-11-20"),
        (Period.MONTH, "2026-11-30", "2026-11-01"),
        (Period.QUARTER, "2026-12-31", "2026-10-01"),
        (Period.QUARTER, "2026-10-01", "2026-10-01"),
        (Period.QUARTER, "2026-09-30", "2026-07-01"),
        (Period.YEAR, "2024-02-29", "2024-01-01"),
        (Period.EVER, "2026-11-20", None),
    ],
)
def test_a_limit_begins_anew_with_its_calendar_period(
    period: Period, day: str, began: str | None
) -> None:
    first = period_began(period, date.fromisoformat(day))
    assert first == (date.fromisoformat(began) if began else None)


def test_without_cash_in_the_terms_all_of_the_price_is_points() -> None:
    offer = decide(Terms(points=100, prices={"gold": 80}), day=DAY, tier="gold", taken=0)
    assert (offer.least_points, offer.fen_a_point) == (80, None)
    mixed = Terms(points=100, cash=Cash(30, 10))
    offer = decide(mixed, day=DAY, tier="gold", taken=0)
    assert (offer.least_points, offer.fen_a_point) == (30, 10)


def test_a_reward_without_terms_is_everybodys_for_its_plain_price() -> None:
    offer = decide(plain(100, 1), day=DAY, tier=None, taken=99)
    assert (offer.visible, offer.refused, offer.price, offer.left) == (True, None, 100, None)
    assert (offer.least_points, offer.fen_a_point) == (1, 1)
