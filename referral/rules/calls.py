"""What follows after the calls (回访) of one referral; a second call is never a re-draw.

A reader would break this by letting anything but a passed call verify a referral.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum, auto
from typing import Final

from referral.questions.probability import Outcome


class Plan(StrEnum):
    """Fixed at the first draw: one drawn party, both, or both telling freely (无可问之题)."""

    SINGLE = auto()
    DUAL = auto()
    NARRATIVE = auto()


class CallResult(StrEnum):
    """The verdict of one call, or that three attempts reached nobody."""

    PASSED = auto()
    FAILED = auto()
    INCONCLUSIVE = auto()
    UNREACHABLE = auto()


class Next(StrEnum):
    """The step to take; all but `CALL_OTHER` end the calling."""

    CALL_OTHER = auto()
    VERIFY = auto()
    FAIL = auto()
    SUSPECT = auto()
    ADJUDICATE = auto()


MOST_CALLS: Final = 2
_UNDECIDED: Final = frozenset({CallResult.INCONCLUSIVE, CallResult.UNREACHABLE})


def after_calls(
    plan: Plan, results: Sequence[CallResult], *, strict: bool, needs_people: bool
) -> Next:
    """The next step after one or two calls, in the order made (referral.md, section 2).

    `strict` is `house_rule_strict`: one failed call is final. `needs_people`: a flag demands two
    people, so nothing verifies by itself. An appeal's own call is not counted here.
    Raises ValueError for no result or more than two.
    """
    if not 1 <= len(results) <= MOST_CALLS:
        raise ValueError("a referral is decided after one or two calls")
    if strict and CallResult.FAILED in results:
        return Next.FAIL
    step = _first(plan, results[0]) if len(results) == 1 else _second(plan, *results)
    return Next.ADJUDICATE if needs_people and step == Next.VERIFY else step


def policy_chances(
    plan: Plan,
    first: Mapping[Outcome, float],
    second: Mapping[Outcome, float],
    *,
    strict: bool,
) -> Mapping[Next, float]:
    """How likely each end is, by the verdicts' chances of the first and the other party.

    The parties answer independently and both are reached (referral.md, section 3, policies).
    """
    chances = dict.fromkeys(Next, 0.0)
    for one, chance in first.items():
        results = [CallResult(one)]
        step = after_calls(plan, results, strict=strict, needs_people=False)
        if step != Next.CALL_OTHER:
            chances[step] += chance
            continue
        for other, then in second.items():
            both = [*results, CallResult(other)]
            chances[after_calls(plan, both, strict=strict, needs_people=False)] += chance * then
    del chances[Next.CALL_OTHER]
    return chances


def _first(plan: Plan, result: CallResult) -> Next:
    passed = plan == Plan.SINGLE and result == CallResult.PASSED
    return Next.VERIFY if passed else Next.CALL_OTHER


def _second(plan: Plan, first: CallResult, second: CallResult) -> Next:
    if plan == Plan.NARRATIVE:
        return Next.ADJUDICATE
    if first == second == CallResult.FAILED:
        return Next.SUSPECT
    enough = {CallResult.PASSED} if plan == Plan.DUAL else _UNDECIDED
    return Next.VERIFY if first in enough and second == CallResult.PASSED else Next.ADJUDICATE
