"""Circles among those who recommend one another, found by connected components.

Pure: a reader would break this by taking two keys of one person for two people.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

Pair = tuple[Hashable, Hashable]


class Groups:
    """Disjoint sets of things, joined one pair at a time."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, thing: Hashable) -> Hashable:
        """What stands for the set the thing is in; alone it stands for itself."""
        root = thing
        while (above := self._parent.get(root, root)) != root:
            root = above
        while thing != root:
            self._parent[thing], thing = root, self._parent.get(thing, root)
        return root

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make one set of the two these are in."""
        self._parent[self.find(one)] = self.find(other)


@dataclass(frozen=True, slots=True)
class Ring:
    """The people connected with one recommendation.

    `closed`: some of them recommend one another in a circle. `within`: this recommendation is
    part of such a circle, that is, its two ends hang together without it.
    """

    people: int
    edges: int
    closed: bool
    within: bool


def ring(edge: Pair, edges: Iterable[Pair], same: Iterable[Pair]) -> Ring:
    """What one edge (owner, buyer) is part of, among `edges` and itself (F52, referral.md 6.24).

    `same` are pairs of keys of one person. Told twice, an edge counts once; there and back are
    two. A component with as many edges as people, or more, has a circle.
    """
    persons = Groups()
    for one, other in same:
        persons.join(one, other)
    this = _of_persons(persons, edge)
    others = {_of_persons(persons, each) for each in edges} - {this}
    apart = Groups()
    for one, other in others:
        apart.join(one, other)
    within = apart.find(this[0]) == apart.find(this[1])
    apart.join(*this)
    here = apart.find(this[0])
    around = {each for each in {*others, this} if apart.find(each[0]) == here}
    people = {person for each in around for person in each}
    return Ring(len(people), len(around), len(around) >= len(people), within)


def _of_persons(persons: Groups, edge: Pair) -> Pair:
    return persons.find(edge[0]), persons.find(edge[1])
