"""The draw: recomputable by anyone, steerable by nobody, fair to both parties."""

import hashlib
import hmac
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.draw_rules import commitment, party, pick, rank, seed

COMMITTED = commitment("r-1", ["buyer", "owner"], "c0ffee", "1")
MANY = [seed(b"entropy of the day", number.to_bytes(8)) for number in range(10_000)]


def test_the_same_case_and_the_same_entropy_give_the_same_draw() -> None:
    assert commitment("r-1", ["buyer", "owner"], "c0ffee", "1") == COMMITTED
    assert seed(b"e", COMMITTED) == hmac.new(b"e", COMMITTED, hashlib.sha256).digest()


def test_a_draw_of_today_can_be_recomputed_in_ten_years() -> None:
    assert COMMITTED.hex() == "14a8d409388adbc1364ba2c31d32b2843b649d4e43fc7231cdf8c95bd3f8c1cb"
    drawn = seed(b"entropy", COMMITTED)
    assert drawn.hex() == "c2d903f8dc1839fe50d71e42b5c16dd95ae97f3fb2e7597aef7ea308c1ee8010"
    assert (party(drawn), pick(drawn, 7, "agent")) == ("owner", 5)


@pytest.mark.parametrize(
    "other",
    [
        ("r-2", ["buyer", "owner"], "c0ffee", "1"),
        ("r-1", ["owner", "buyer"], "c0ffee", "1"),
        ("r-1", ["buyer", "owner"], "c0ffef", "1"),
        ("r-1", ["buyer", "owner"], "c0ffee", "2"),
        ("r-1", ["buyerowner"], "c0ffee", "1"),
        ("r-1", ["buyer", "owner", "c0ffee"], "1", ""),
        ("r-1", ["buyer"], "owner", "c0ffee1"),
    ],
)
def test_whatever_differs_in_the_case_changes_the_commitment(
    other: tuple[str, list[str], str, str],
) -> None:
    assert commitment(*other) != COMMITTED


@given(
    st.tuples(st.text(), st.lists(st.text(), max_size=3), st.text(), st.text()),
    st.tuples(st.text(), st.lists(st.text(), max_size=3), st.text(), st.text()),
)
def test_no_two_cases_share_a_commitment(
    one: tuple[str, list[str], str, str], other: tuple[str, list[str], str, str]
) -> None:
    assert (commitment(*one) == commitment(*other)) == (one == other)


def test_the_party_is_the_first_bit_of_the_seed() -> None:
    assert party(b"\x7f" + bytes(31)) == "buyer"
    assert party(b"\x80" + bytes(31)) == "owner"


def test_of_ten_thousand_draws_about_half_fall_on_each_party() -> None:
    split = Counter(party(one) for one in MANY)
    assert split["buyer"] + split["owner"] == 10_000
    assert abs(split["buyer"] - 5_000) < 200  # four standard deviations of a fair coin


def test_agents_are_picked_evenly_and_independently_of_the_party() -> None:
    for drawn in ("buyer", "owner"):
        seeds = [one for one in MANY if party(one) == drawn]
        picked = Counter(pick(one, 5, "agent") for one in seeds)
        assert set(picked) == set(range(5))
        assert all(abs(count - len(seeds) / 5) < 120 for count in picked.values())


def test_one_seed_decides_differently_for_different_purposes() -> None:
    agreed = sum(pick(one, 2, "agent") == pick(one, 2, "decoy model") for one in MANY)
    assert abs(agreed - 5_000) < 200
    assert rank(MANY[0], "a") != rank(MANY[0], "b")


@given(st.binary(min_size=32, max_size=32), st.integers(1, 1000), st.text())
def test_a_pick_is_always_one_of_the_candidates(one: bytes, n: int, purpose: str) -> None:
    assert 0 <= pick(one, n, purpose) < n
    assert pick(one, n, purpose) == pick(one, n, purpose)


def test_nobody_is_picked_from_nobody() -> None:
    with pytest.raises(ValueError, match="nothing to pick from"):
        pick(MANY[0], 0, "agent")
