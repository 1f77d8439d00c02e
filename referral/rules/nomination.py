"""Whether the friend an owner names is the buyer of the referral (F49): names compared, purely.

A reader would break this by calling a name that is merely like the buyer's a match.
"""

from enum import StrEnum
from typing import Final

from rapidfuzz.distance import Levenshtein

from loyalty.formats import names
from loyalty.formats.address import surname

_BEFORE: Final = ("老", "小", "大", "阿")
_AFTER: Final = (
    *("先生", "女士", "小姐", "太太", "老师", "师傅", "经理", "老板", "医生", "阿姨", "叔叔"),
    *("总", "哥", "姐", "叔", "姨", "嫂", "工", "老"),
)


class Verdict(StrEnum):
    """How the name told agrees; whatever is no match calls for two people, and accuses nobody."""

    MATCH = "match"
    UNCLEAR = "unclear"
    MISMATCH = "mismatch"


class KnownFor(StrEnum):
    """How long the owner has known his friend, in years (referral.md, section 3: 认识多久)."""

    UNDER_1 = "under_1"
    FROM_1_TO_3 = "1_to_3"
    FROM_3_TO_10 = "3_to_10"
    OVER_10 = "over_10"


def compare(friend_name: str, buyer_name: str) -> Verdict:
    """Equal canonical names match; one character of the given name off, or a surname, a given
    name or a nickname alone (老李), is unclear; anything else is another person.

    Raises RuleViolation `name_invalid` or `text_unusable` (formats.md).
    """
    said, known = names.canonical(friend_name), names.canonical(buyer_name)
    if said == known:
        return Verdict.MATCH
    if _slip(said, known) or _nickname(said, known) or _words(friend_name) <= _words(buyer_name):
        return Verdict.UNCLEAR
    return Verdict.MISMATCH


def _slip(said: str, known: str) -> bool:
    """The same surname, and a given name that differs in one character at most."""
    family = surname(known)
    given, told = known.removeprefix(family), said.removeprefix(family)
    return said.startswith(family) and Levenshtein.distance(told, given) <= 1


def _nickname(said: str, known: str) -> bool:
    """What one calls a friend: 李哥, 小李, 建国, 阿国, 国国 of 李建国."""
    family = surname(known)
    given = known.removeprefix(family)
    called = {family, given, given[-1:], given[-1:] * 2}
    return not {said, *_bare(said)}.isdisjoint(called - {""})


def _bare(said: str) -> set[str]:
    """The name without what is put before or after it among friends."""
    before = {said.removeprefix(each) for each in _BEFORE}
    return {bare.removesuffix(each) for bare in {said, *before} for each in ("", *_AFTER)}


def _words(name: str) -> set[str]:
    """The words of a name in any order: a Latin one may be told the other way round."""
    return {names.canonical(word) for word in names.display(name).replace("·", " ").split()}
