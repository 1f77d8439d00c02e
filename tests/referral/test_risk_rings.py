"""Circles of people who recommend one another, against a plain search for them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.risk.rings import Ring, ring

PEOPLE = st.integers(0, 6)
EDGE = st.tuples(PEOPLE, PEOPLE)


def way_exists(start: int, goal: int, edges: Sequence[tuple[int, int]]) -> bool:
    """Whether edges, walked either way, lead from one to the other."""
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        for one, other in edges:
            for a, b in ((one, other), (other, one)):
                if a == here and b not in seen:
                    seen.add(b)
                    waiting.append(b)
    return goal in seen


def naive(edge: tuple[int, int], edges: Sequence[tuple[int, int]]) -> Ring:
    """Every edge tried by taking it away: one whose ends still hang together is on a circle."""
    every = {*edges, edge}
    here = [each for each in every if way_exists(edge[0], each[0], list(every))]
    people = {person for each in here for person in each}

    def on_circle(each: tuple[int, int]) -> bool:
        return way_exists(each[0], each[1], list(every - {each}))

    return Ring(len(people), len(here), any(map(on_circle, here)), on_circle(edge))


@given(EDGE, st.lists(EDGE, max_size=12))
def test_circles_are_those_a_plain_search_finds(
    edge: tuple[int, int], edges: list[tuple[int, int]]
) -> None:
    assert ring(edge, edges, ()) == naive(edge, edges)


@given(EDGE, st.lists(EDGE, max_size=8), st.lists(EDGE, max_size=4), PEOPLE)
def test_two_keys_of_one_person_are_one_person(
    edge: tuple[int, int], edges: list[tuple[int, int]], same: list[tuple[int, int]], times: int
) -> None:
    """Merging by name first and asking then gives the same answer."""
    names = {key: key for key in range(7)}
    for one, other in same:
        old, new = names[one], names[other]
        names = {key: new if name == old else name for key, name in names.items()}
    merged = [(names[a], names[b]) for a, b in edges]
    assert ring(edge, edges * (1 + times), same) == naive((names[edge[0]], names[edge[1]]), merged)


@pytest.mark.parametrize(
    ("edge", "others", "closed", "within", "people"),
    [
        ("ab", [], False, False, 2),
        ("ab", ["ac", "ad", "de"], False, False, 5),
        ("ab", ["bc", "cd"], False, False, 4),
        ("ab", ["ba"], True, True, 2),
        ("ab", ["bc", "ca"], True, True, 3),
        ("ad", ["ab", "bc", "ca"], True, False, 4),
        ("ab", ["cd", "dc"], False, False, 2),
        ("aa", [], True, True, 1),
    ],
)
def test_a_circle_is_told_from_an_ordinary_tree_of_friends(
    edge: str, others: list[str], closed: bool, within: bool, people: int
) -> None:
    found = ring((edge[0], edge[1]), [(each[0], each[1]) for each in others], ())
    assert (found.closed, found.within, found.people) == (closed, within, people)
