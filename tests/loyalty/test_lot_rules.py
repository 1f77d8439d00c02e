"""The pure rules of lots and expiry, by tables of cases and by property."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.points.rules.lots import Lot, allocate, spendable

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def lot(key: str, points: int, ends: int | None, starts: int = -1) -> Lot:
    """A lot by hours from now."""
    ends_at = None if ends is None else NOW + timedelta(hours=ends)
    return Lot(key, points, NOW + timedelta(hours=starts), ends_at)


LOTS = st.lists(
    st.builds(
        lot,
        st.uuids().map(str),
        st.integers(1, 500),
        st.one_of(st.none(), st.integers(-3, 5)),
        st.integers(-3, 2),
    ),
    max_size=8,
    unique_by=lambda one: one.key,
)


@pytest.mark.parametrize(
    ("lots", "points", "taken"),
    [
        ([lot("a", 10, 5), lot("b", 10, 2)], 15, {"b": 10, "a": 5}),
        ([lot("b", 10, 5), lot("a", 10, 5)], 5, {"a": 5}),
        ([lot("n", 10, None), lot("a", 10, 9)], 10, {"a": 10}),
        ([lot("a", 10, 0)], 1, None),
        ([lot("a", 10, 5, starts=0)], 10, {"a": 10}),
        ([lot("a", 10, 5, starts=1)], 1, None),
        ([lot("a", 10, 5)], 11, None),
    ],
    ids=["soonest first", "then oldest", "never last", "ends now", "starts now", "later", "short"],
)
def test_a_burn_takes_the_lots_in_their_order(
    lots: list[Lot], points: int, taken: dict[str, int] | None
) -> None:
    assert allocate(lots, points, now=NOW) == taken


@given(LOTS, st.integers(1, 2000))
def test_an_allocation_is_exact_and_never_more_than_a_lot_has(lots: list[Lot], points: int) -> None:
    taken = allocate(lots, points, now=NOW)
    assert (taken is None) == (spendable(lots, now=NOW) < points)
    if taken is not None:
        left = {one.key: one.remaining for one in lots}
        assert sum(taken.values()) == points
        assert all(0 < share <= left[key] for key, share in taken.items())
