"""The states of a referral (推荐购买) and what may happen to it.

A reader would break this by adding a state here without its rows in `transitions.py`.
"""

from enum import StrEnum, auto

from loyalty.dealers.roles import Role


class State(StrEnum):
    SUBMITTED = "submitted"
    REGISTERED = "registered"
    REFUSED = "refused"
    EXPIRED = "expired"
    ORDERED = "ordered"
    DELIVERED = "delivered"
    CHECKED = "checked"
    CHECK_FAILED = "check_failed"
    CALLING = "calling"
    INCONCLUSIVE = "inconclusive"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    ADJUDICATION = "adjudication"
    VERIFIED = "verified"
    FRAUD_SUSPECTED = "fraud_suspected"
    FRAUD_CONFIRMED = "fraud_confirmed"
    CLEARED = "cleared"
    REWARD_HELD = "reward_held"
    REWARDED = "rewarded"
    REVERSED = "reversed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    SUBMIT = auto()
    CONFIRM = auto()
    REFUSE = auto()
    EXPIRE = auto()
    ORDER = auto()
    DELIVER = auto()
    LICENCE_PASS = auto()
    LICENCE_FAIL = auto()
    DRAW = auto()
    PASS = auto()
    FAIL = auto()
    LEAVE_OPEN = auto()
    NOT_REACHED = auto()
    CALL_OTHER = auto()
    ADJUDICATE = auto()
    ACCEPT = auto()
    REJECT = auto()
    CALL_ONCE_MORE = auto()
    SUSPECT = auto()
    CONFIRM_FRAUD = auto()
    CLEAR = auto()
    HOLD = auto()
    PAY = auto()
    REVERSE = auto()
    CANCEL = auto()
    WITHDRAW = auto()
    REOPEN_REPORT = auto()
    REOPEN_CHECK = auto()
    REOPEN_JUDGEMENT = auto()


TERMINAL = frozenset(
    {
        State.REFUSED,
        State.EXPIRED,
        State.FAILED,
        State.FRAUD_CONFIRMED,
        State.CLEARED,
        State.REWARDED,
        State.REVERSED,
        State.CANCELLED,
        State.WITHDRAWN,
    }
)
"""Where a referral may rest. `failed` waits for the other party while it has a time to run out."""
ACTIVE = frozenset(State) - TERMINAL
MAY_END = (ACTIVE | {State.FAILED}) - {State.FRAUD_SUSPECTED}
"""Who is suspected does not slip away by cancelling the sale or withdrawing the consent."""

JUDGES = frozenset({Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN, Role.DUTY_MANAGER})
"""Who may be one of the two people who decide (api.md: adjudicate), if he took no other part."""
