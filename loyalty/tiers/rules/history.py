"""Which tier a member had on a day, from all that was said about it (F27, F28)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Kind(StrEnum):
    """A tier EARNED by the score, or one a person gave by hand."""

    EARNED = "earned"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, order=True)
class Word:
    """A tier from `since_on` on; of one day, the word with the later key counts.

    One given by hand ends before `until_on`, if that is set; without a tier it gives back what the
    member has earned.
    """

    since_on: date
    key: str
    kind: Kind
    tier: str | None
    until_on: date | None = None


class History:
    """All words about one member."""

    def __init__(self, words: Iterable[Word]) -> None:
        self._words = sorted(words, reverse=True)

    def on(self, day: date) -> str | None:
        """The tier of a day: the latest word by hand as long as it lasts, else what was earned."""
        by_hand = self._latest(Kind.MANUAL, day)
        if by_hand and by_hand.tier and (by_hand.until_on is None or day < by_hand.until_on):
            return by_hand.tier
        earned = self._latest(Kind.EARNED, day)
        return earned.tier if earned else None

    def _latest(self, kind: Kind, day: date) -> Word | None:
        return next(
            (word for word in self._words if word.kind is kind and word.since_on <= day), None
        )
