"""Which corrective step (纠正) an upheld appeal appends, by where the referral came from and why.

A reader would break this by a remedy that pays: each leads back to people or to fresh evidence.
"""

from typing import Final

from referral.reasons import LATE_NEWS, Reason
from referral.states import Event, State

_LICENCE: Final = frozenset({State.DELIVERED, State.CHECK_FAILED})
_CALLED: Final = frozenset(
    {
        State.CHECKED,
        State.CALLING,
        State.INCONCLUSIVE,
        State.UNREACHABLE,
        State.FAILED,
        State.ADJUDICATION,
        State.VERIFIED,
        State.REWARD_HELD,
    }
)


def remedy(state: State, *, before: State | None, reason: Reason | None) -> Event | None:
    """The step that undoes a decision, or None where none can be appealed (referral.md, section 2).

    `before` is the state the decision was taken in. An order proven to be older than the report is
    a fact of the sale, not a judgement: only while merely submitted it is asked about once more.
    What was paid and reversed, cancelled or withdrawn stays so; `lifts_case` alone may hold there.
    """
    if state is State.FRAUD_CONFIRMED:
        return Event.CLEAR
    if state is State.FAILED:
        return Event.REOPEN_JUDGEMENT
    if state is State.REFUSED and before is State.SUBMITTED:
        return Event.REOPEN_REPORT
    if state not in (State.REFUSED, State.EXPIRED) or reason in LATE_NEWS:
        return None
    if before in _LICENCE:
        return Event.REOPEN_CHECK
    return Event.REOPEN_JUDGEMENT if before in _CALLED else None


def lifts_case(state: State, *, proven: bool) -> bool:
    """Whether an upheld appeal lifts the case against the consultant: penalty void, nobody out.

    `proven` is whether two people confirmed that case. A referral that was paid has no step back:
    it stays reversed, and its points return by the ordinary reinstatement, which two people make.
    """
    return state is State.FRAUD_CONFIRMED or (state is State.REVERSED and proven)
