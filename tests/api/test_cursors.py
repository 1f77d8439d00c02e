"""A cursor is good only as issued and only for the query that issued it (api.md, lists)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import decode, encode
from api.problems import Unreadable

KEY = b"k" * 32
QUERY = "GET /v1/members?tier=gold|dealer-1|staff-7"
POSITION: list[str | int] = ["2026-03-01T08:00:00.000Z", 42]


def refused(cursor: str, *, bound_to: str = QUERY, key: bytes = KEY) -> bool:
    with pytest.raises(Unreadable) as refusal:
        decode(cursor, bound_to=bound_to, key=key)
    return refusal.value.code == "cursor_invalid"


@given(st.lists(st.text(max_size=20) | st.integers(-(2**63), 2**63), max_size=4), st.text())
def test_the_next_page_starts_where_the_last_one_ended(
    position: list[str | int], bound_to: str
) -> None:
    assert (
        decode(encode(position, bound_to=bound_to, key=KEY), bound_to=bound_to, key=KEY) == position
    )


@pytest.mark.parametrize(
    "other",
    [
        "GET /v1/members?tier=silver|dealer-1|staff-7",
        "GET /v1/members?tier=gold|dealer-2|staff-7",
        "GET /v1/members?tier=gold|dealer-1|staff-8",
        "GET /v1/referrals?tier=gold|dealer-1|staff-7",
        "",
    ],
)
def test_a_cursor_of_another_query_dealer_or_person_is_refused(other: str) -> None:
    assert refused(encode(POSITION, bound_to=QUERY, key=KEY), bound_to=other)


def test_a_cursor_signed_with_another_key_is_refused() -> None:
    assert refused(encode(POSITION, bound_to=QUERY, key=b"x" * 32))


@given(st.data())
def test_changing_any_one_character_spoils_the_cursor(data: st.DataObject) -> None:
    cursor = encode(POSITION, bound_to=QUERY, key=KEY)
    place = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.characters().filter(lambda c: c != cursor[place]))
    assert refused(cursor[:place] + letter + cursor[place + 1 :])


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize("tail", ["=", "A", "\n", " ", "%"])
def test_nothing_may_be_added_to_a_cursor(tail: str) -> None:
    assert refused(encode(POSITION, bound_to=QUERY, key=KEY) + tail)


def test_an_endless_cursor_is_refused() -> None:
    assert refused("A" * 1_000_000)
