"""The draw: recomputable by anyone, steerable by nobody, fair to both parties."""

import hashlib
import hmac
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.draw_rules import (
    Committed,
    commitment,
    first_commitment,
    other,
    party,
    pick,
    promise,
    rank,
    sampled,
    seed,
)

CASE = Committed(
    referral_id="r-1",
    purpose="callback",
    parties=("buyer", "owner"),
    catalogue_hash="c0ffee",
    selector_version="2",
    wanted_plan="single",
    sample_percent=20,
    agents=("a-1", "a-2", "a-3"),
)
COMMITTED = commitment(CASE)
FIRST = first_commitment("r-1", ["buyer", "owner"], "c0ffee", "1")
MANY = [seed(b"entropy of the day", number.to_bytes(8)) for number in range(10_000)]

names = st.lists(st.text(max_size=3), max_size=3).map(tuple)
cases = st.builds(
    Committed,
    referral_id=st.text(max_size=3),
    purpose=st.text(max_size=3),
    parties=names,
    catalogue_hash=st.text(max_size=3),
    selector_version=st.text(max_size=3),
    wanted_plan=st.text(max_size=3),
    sample_percent=st.integers(0, 100),
    agents=names,
)
firsts = st.tuples(st.text(), st.lists(st.text(), max_size=3), st.text(), st.text())


def test_the_same_case_and_the_same_entropy_give_the_same_draw() -> None:
    assert commitment(replace(CASE, parties=["buyer", "owner"])) == COMMITTED
    assert seed(b"e", COMMITTED) == hmac.new(b"e", COMMITTED, hashlib.sha256).digest()


def test_a_draw_of_today_can_be_recomputed_in_ten_years() -> None:
    assert COMMITTED.hex() == "aafd99fde02fd5c95f3ddfa987bf9044d9a76fe59698c4dc7bcf139b0b6dbd38"
    drawn = seed(b"entropy", COMMITTED)
    assert drawn.hex() == "18e2273b94dcceb849b658785b8ababe66721a2eb886630d5aee9fcaa121df8d"
    assert (party(drawn), pick(drawn, 3, "agent"), sampled(drawn, 20)) == ("buyer", 2, False)
    assert (
        promise(b"entropy").hex()
        == "8501b6ba24004e9fdd02639482a965dfd2adb76a4512c3bf34e75e0c373e009f"
    )


def test_a_draw_of_the_first_releases_can_still_be_recomputed() -> None:
    assert FIRST.hex() == "14a8d409388adbc1364ba2c31d32b2843b649d4e43fc7231cdf8c95bd3f8c1cb"
    drawn = seed(b"entropy", FIRST)
    assert drawn.hex() == "c2d903f8dc1839fe50d71e42b5c16dd95ae97f3fb2e7597aef7ea308c1ee8010"
    assert (party(drawn), pick(drawn, 7, "agent")) == ("owner", 5)


@pytest.mark.parametrize(
    "change",
    [
        {"referral_id": "r-2"},
        {"purpose": "other_party"},
        {"parties": ("owner", "buyer")},
        {"parties": ("buyerowner",)},
        {"parties": ("buyer",)},
        {"catalogue_hash": "c0ffef"},
        {"selector_version": "3"},
        {"wanted_plan": "dual"},
        {"sample_percent": 21},
        {"agents": ("a-2", "a-1", "a-3")},
        {"agents": ("a-1", "a-2")},
        {"agents": ("a-1", "a-2a-3")},
        {"parties": ("buyer", "owner", "c0ffee"), "catalogue_hash": "2", "selector_version": ""},
    ],
)
def test_whatever_differs_in_the_case_changes_the_commitment(change: dict[str, Any]) -> None:
    assert commitment(replace(CASE, **change)) != COMMITTED


@given(cases, cases)
def test_no_two_cases_share_a_commitment(one: Committed, two: Committed) -> None:
    assert (commitment(one) == commitment(two)) == (one == two)


@given(firsts, firsts)
def test_no_two_cases_of_the_first_releases_share_one(
    one: tuple[str, list[str], str, str], two: tuple[str, list[str], str, str]
) -> None:
    assert (first_commitment(*one) == first_commitment(*two)) == (one == two)


def test_no_case_of_today_looks_like_one_of_the_first_releases() -> None:
    assert first_commitment("r-1", ["buyer", "owner"], "c0ffee", "2") != COMMITTED


def test_a_promise_tells_the_secret_again_and_nothing_of_it() -> None:
    assert promise(b"entropy") == promise(b"entropy") != promise(b"entropy of another day")
    assert promise(b"entropy") != hashlib.sha256(b"entropy").digest()


def test_the_party_is_the_first_bit_of_the_seed() -> None:
    assert party(b"\x7f" + bytes(31)) == "buyer"
    assert party(b"\x80" + bytes(31)) == "owner"
    assert (other("buyer"), other("owner")) == ("owner", "buyer")


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


@pytest.mark.parametrize(("percent", "fewest", "most"), [(0, 0, 0), (20, 1_840, 2_160)])
def test_so_many_of_a_hundred_fall_into_the_audit_sample(
    percent: int, fewest: int, most: int
) -> None:
    assert fewest <= sum(sampled(one, percent) for one in MANY) <= most
    assert all(sampled(one, 100) for one in MANY[:100])


@given(st.binary(min_size=32, max_size=32), st.integers(1, 1000), st.text())
def test_a_pick_is_always_one_of_the_candidates(one: bytes, n: int, purpose: str) -> None:
    assert 0 <= pick(one, n, purpose) < n
    assert pick(one, n, purpose) == pick(one, n, purpose)


def test_nobody_is_picked_from_nobody() -> None:
    with pytest.raises(ValueError, match="nothing to pick from"):
        pick(MANY[0], 0, "agent")
