"""The life of a referral (推荐购买) as one table: who may move it from where to where, and why.

A reader would break this by changing a state anywhere without `advance`, or by a timer that pays.
"""

from dataclasses import dataclass
from enum import StrEnum, auto

from kernel.errors import Conflict, Forbidden, RuleViolation
from loyalty.dealers.roles import Role
from referral.reasons import LATE_NEWS, LICENCE, REGISTRATION, Reason


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
    VERIFIED = "verified"
    FAILED = "failed"
    REWARD_HELD = "reward_held"
    REWARDED = "rewarded"
    CANCELLED = "cancelled"


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
    HOLD = auto()
    PAY = auto()
    CANCEL = auto()


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: an empty `reasons` forbids a reason, any other demands one of them."""

    source: State | None
    event: Event
    target: State
    roles: frozenset[str]
    reasons: frozenset[Reason]
    guard: str


TERMINAL = frozenset({State.REFUSED, State.EXPIRED, State.FAILED, State.REWARDED, State.CANCELLED})
ACTIVE = frozenset(State) - TERMINAL


def _row(
    source: State | None,
    event: Event,
    target: State,
    roles: set[Role],
    guard: str,
    reasons: frozenset[Reason] = frozenset(),
) -> Transition:
    return Transition(source, event, target, frozenset(roles), reasons, guard)


def _cancel(source: State) -> Transition:
    reasons = frozenset({Reason.SALE_CANCELLED})
    guard = "the sale is cancelled before the reward is paid"
    return _row(source, Event.CANCEL, State.CANCELLED, {Role.CRM, Role.SYSTEM}, guard, reasons)


def _expire(source: State) -> Transition:
    reasons = frozenset({Reason.TIMEOUT_FAIL_CLOSED})
    guard = "the time allowed in this state has passed; fails closed"
    return _row(source, Event.EXPIRE, State.EXPIRED, {Role.SYSTEM}, guard, reasons)


_ALSO = {
    Reason.CAP_REACHED: "the owner's yearly cap is reached",
    Reason.SELF_SAME_VIN: "the car delivered is the owner's own",
}


def _late_refusal(source: State, *more: Reason) -> Transition:
    guards = ["an order told late was made before the registration", *(_ALSO[r] for r in more)]
    guard = ", or ".join(guards)
    return _row(
        source, Event.REFUSE, State.REFUSED, {Role.SYSTEM}, guard, LATE_NEWS | frozenset(more)
    )


_SALE = {Role.CRM, Role.SYSTEM}

TABLE: tuple[Transition, ...] = (
    _row(
        None,
        Event.SUBMIT,
        State.SUBMITTED,
        {Role.CONSULTANT},
        "four facts in the buyer's words and his consent, frozen with a hash",
    ),
    _row(
        State.SUBMITTED,
        Event.CONFIRM,
        State.REGISTERED,
        {Role.DUTY_MANAGER},
        "another person than the consultant; no order or delivery before this instant; eligible",
    ),
    _row(
        State.SUBMITTED,
        Event.REFUSE,
        State.REFUSED,
        {Role.DUTY_MANAGER, Role.SYSTEM},
        "a typed reason",
        REGISTRATION,
    ),
    _row(
        State.REGISTERED,
        Event.ORDER,
        State.ORDERED,
        _SALE,
        "the order is later than the registration; a sale backs one referral at most",
    ),
    _row(
        State.ORDERED,
        Event.DELIVER,
        State.DELIVERED,
        _SALE,
        "the delivery is later than the order; its VIN backs one referral at most",
    ),
    _late_refusal(State.REGISTERED),
    _late_refusal(State.ORDERED, Reason.SELF_SAME_VIN),
    _late_refusal(State.DELIVERED),
    _late_refusal(State.CHECK_FAILED),
    _late_refusal(State.CALLING),
    _late_refusal(State.VERIFIED, Reason.CAP_REACHED),
    _late_refusal(State.REWARD_HELD),
    _row(
        State.DELIVERED,
        Event.LICENCE_PASS,
        State.CHECKED,
        {Role.SHOWROOM_MANAGER},
        "neither the consultant nor the duty manager; licence agrees with the member's car",
    ),
    _row(
        State.DELIVERED,
        Event.LICENCE_FAIL,
        State.CHECK_FAILED,
        {Role.SHOWROOM_MANAGER},
        "a deciding licence field differs or cannot be read",
        LICENCE,
    ),
    _row(
        State.CHECK_FAILED,
        Event.LICENCE_PASS,
        State.CHECKED,
        {Role.SHOWROOM_MANAGER},
        "the one resubmission, by another manager, agrees",
    ),
    _row(
        State.CHECK_FAILED,
        Event.LICENCE_FAIL,
        State.REFUSED,
        {Role.SHOWROOM_MANAGER},
        "the one resubmission, by another manager, fails too",
        LICENCE,
    ),
    _row(
        State.CHECKED,
        Event.DRAW,
        State.CALLING,
        {Role.SYSTEM},
        "one draw; an agent outside the consultant's team who took no other step",
    ),
    _row(
        State.CALLING,
        Event.PASS,
        State.VERIFIED,
        {Role.SYSTEM},
        "every question marked on the server, at most one wrong",
    ),
    _row(
        State.CALLING,
        Event.FAIL,
        State.FAILED,
        {Role.SYSTEM},
        "the second wrong answer",
        frozenset({Reason.CALLBACK_TWO_WRONG}),
    ),
    _row(
        State.VERIFIED,
        Event.HOLD,
        State.REWARD_HELD,
        {Role.SYSTEM},
        "the reward is fixed by the rule and version of this day",
    ),
    _row(
        State.REWARD_HELD,
        Event.PAY,
        State.REWARDED,
        {Role.FINANCE},
        "nobody who acted before; hold elapsed, sale still valid; paid once",
    ),
    _expire(State.SUBMITTED),
    _expire(State.REGISTERED),
    _expire(State.ORDERED),
    _expire(State.DELIVERED),
    _expire(State.CHECK_FAILED),
    _expire(State.CALLING),
    *(_cancel(state) for state in State if state in ACTIVE),
)

_BY_MOVE = {(row.source, row.event): row for row in TABLE}


def advance(state: State | None, event: Event, *, role: str, reason: Reason | None) -> Transition:
    """The row that allows this move (referral.md, section 2); `None` is a referral not yet there.

    Raises Conflict `transition_not_allowed`, Forbidden `role_may_not`,
    RuleViolation `reason_required` or `reason_not_allowed`.
    """
    row = _BY_MOVE.get((state, event))
    if row is None:
        raise Conflict("transition_not_allowed", state=state or "new", event=event)
    if role not in row.roles:
        raise Forbidden("role_may_not", role=role, event=event)
    if row.reasons and reason is None:
        raise RuleViolation("reason_required", pointer="/reason", event=event)
    if reason is not None and reason not in row.reasons:
        raise RuleViolation("reason_not_allowed", pointer="/reason", reason=reason, event=event)
    return row


def mermaid() -> str:
    """The table as a Mermaid `stateDiagram-v2`, for the documentation."""
    lines = ["stateDiagram-v2"]
    for row in TABLE:
        roles = ", ".join(sorted(row.roles))
        lines.append(f"    {row.source or '[*]'} --> {row.target}: {row.event} ({roles})")
    lines.extend(f"    {state} --> [*]" for state in State if state in TERMINAL)
    return "\n".join(lines) + "\n"
