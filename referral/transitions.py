"""The life of a referral (推荐购买) as one table: who may move it from where to where, and why.

A reader would break this by a timer that pays, or a way to `rewarded` around check and call.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from loyalty.dealers.roles import Role
from referral.reasons import CALL, CONTRACT_NEWS, DOUBT, LICENCE, REGISTRATION, SUSPICION, Reason
from referral.states import JUDGES, MAY_END, Event, State


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: an empty `reasons` forbids a reason, any other demands one of them."""

    source: State | None
    event: Event
    target: State
    roles: frozenset[str]
    reasons: frozenset[Reason]
    guard: str


def _row(
    source: State | None,
    event: Event,
    target: State,
    roles: Iterable[Role],
    guard: str,
    reasons: frozenset[Reason] = frozenset(),
) -> Transition:
    return Transition(source, event, target, frozenset(roles), reasons, guard)


def _cancel(source: State) -> Transition:
    reasons = frozenset({Reason.SALE_CANCELLED, Reason.SALE_RETURNED, Reason.SALE_NOT_RETAIL})
    guard = "the sale is cancelled before the reward is paid"
    return _row(source, Event.CANCEL, State.CANCELLED, _SALE, guard, reasons)


def _withdraw(source: State) -> Transition:
    reasons = frozenset({Reason.CONSENT_WITHDRAWN})
    guard = "owner or buyer takes his consent back before the reward is paid"
    roles = {Role.OWNER, Role.CRM, Role.SYSTEM}
    return _row(source, Event.WITHDRAW, State.WITHDRAWN, roles, guard, reasons)


def _expire(source: State, target: State = State.EXPIRED) -> Transition:
    reasons = frozenset({Reason.TIMEOUT_FAIL_CLOSED})
    guard = "the time allowed in this state has passed; fails closed"
    return _row(source, Event.EXPIRE, target, {Role.SYSTEM}, guard, reasons)


def _other_party(source: State) -> Transition:
    guard = "the other party, fresh questions, another agent; not a second draw"
    return _row(source, Event.CALL_OTHER, State.CALLING, {Role.SYSTEM}, guard)


def _adjudicate(source: State) -> Transition:
    guard = "the calls leave it open, or a flag wants two people"
    return _row(source, Event.ADJUDICATE, State.ADJUDICATION, {Role.SYSTEM}, guard, DOUBT)


def _suspect(source: State, guard: str) -> Transition:
    roles = {Role.SYSTEM, *JUDGES}
    return _row(source, Event.SUSPECT, State.FRAUD_SUSPECTED, roles, guard, SUSPICION)


def _reopen(source: State, event: Event, target: State) -> Transition:
    guard = "an appeal was upheld by somebody not involved; the corrective step is appended"
    reasons = frozenset({Reason.APPEAL_UPHELD})
    return _row(source, event, target, {Role.PROGRAMME_ADMIN}, guard, reasons)


_ALSO = {
    Reason.CAP_REACHED: "the owner's yearly cap is reached",
    Reason.SELF_SAME_VIN: "the car delivered is the owner's own",
}


def _late_refusal(source: State, *more: Reason) -> Transition:
    guards = [
        "an order told late was made before the registration",
        "its buyer was registered first by another referral",
        "the contract names the owner's own number",
        *(_ALSO[r] for r in more),
    ]
    guard = ", or ".join(guards)
    return _row(
        source, Event.REFUSE, State.REFUSED, {Role.SYSTEM}, guard, CONTRACT_NEWS | frozenset(more)
    )


_SALE = {Role.CRM, Role.SYSTEM}
_CALLED = (State.CALLING, State.INCONCLUSIVE, State.UNREACHABLE, State.FAILED)
_UNDER_WAY = (State.SUBMITTED, State.REGISTERED, State.ORDERED)
_CHECKED = (State.DELIVERED, State.CHECK_FAILED)
_TIMED = (*_UNDER_WAY, *_CHECKED, *_CALLED, State.ADJUDICATION)
_LATE = (*_CHECKED, *_CALLED, State.ADJUDICATION, State.REWARD_HELD)

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
    *(_late_refusal(state) for state in _LATE),
    _late_refusal(State.VERIFIED, Reason.CAP_REACHED),
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
        "every question marked on the server, at most one wrong, the name right, the score reached;"
        " and no flag wants two people",
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
        State.CALLING,
        Event.LEAVE_OPEN,
        State.INCONCLUSIVE,
        {Role.SYSTEM},
        "neither passed nor failed, or no record that the call took place",
        CALL,
    ),
    _row(
        State.CALLING,
        Event.NOT_REACHED,
        State.UNREACHABLE,
        {Role.SYSTEM},
        "the attempts allowed, on the days allowed, within hours; the party is never swapped",
        frozenset({Reason.CALLBACK_UNREACHABLE}),
    ),
    *(_other_party(state) for state in _CALLED),
    *(_adjudicate(state) for state in (*_CALLED, State.REWARD_HELD)),
    _row(
        State.ADJUDICATION,
        Event.ACCEPT,
        State.VERIFIED,
        JUDGES,
        "two people not involved agree, on a call that was answered",
    ),
    _row(
        State.ADJUDICATION,
        Event.REJECT,
        State.REFUSED,
        JUDGES,
        "two people not involved agree",
        frozenset({Reason.JUDGED_NOT_PROVEN}),
    ),
    _row(
        State.ADJUDICATION,
        Event.CALL_ONCE_MORE,
        State.CALLING,
        JUDGES,
        "two people agree that nobody was heard yet, or an appeal was upheld; one more draw, ever",
    ),
    _suspect(State.ADJUDICATION, "two people not involved agree"),
    _suspect(State.FAILED, "both parties failed"),
    *(_suspect(state, "another owner's licence") for state in _CHECKED),
    _row(
        State.FRAUD_SUSPECTED,
        Event.CONFIRM_FRAUD,
        State.FRAUD_CONFIRMED,
        JUDGES,
        "the consultant was heard; two people not involved agree",
        frozenset({Reason.JUDGED_FAKE}),
    ),
    _row(
        State.FRAUD_SUSPECTED,
        Event.CLEAR,
        State.CLEARED,
        JUDGES,
        "the consultant was heard; two people not involved agree; nothing is paid",
        frozenset({Reason.JUDGED_HONEST}),
    ),
    _row(
        State.FRAUD_CONFIRMED,
        Event.CLEAR,
        State.CLEARED,
        {Role.PROGRAMME_ADMIN},
        "an appeal was upheld by somebody not involved; no penalty stands",
        frozenset({Reason.APPEAL_UPHELD}),
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
        "nobody who acted before; hold elapsed, sale still valid, risk looked at again; paid once",
    ),
    _row(
        State.REWARDED,
        Event.REVERSE,
        State.REVERSED,
        {*_SALE, *JUDGES},
        "the sale is undone or the fake proven later; new entries take the points back",
        CONTRACT_NEWS | {Reason.SALE_CANCELLED, Reason.SALE_RETURNED, Reason.JUDGED_FAKE},
    ),
    _reopen(State.REFUSED, Event.REOPEN_REPORT, State.SUBMITTED),
    _reopen(State.REFUSED, Event.REOPEN_CHECK, State.DELIVERED),
    _reopen(State.REFUSED, Event.REOPEN_JUDGEMENT, State.ADJUDICATION),
    _reopen(State.EXPIRED, Event.REOPEN_CHECK, State.DELIVERED),
    _reopen(State.EXPIRED, Event.REOPEN_JUDGEMENT, State.ADJUDICATION),
    _reopen(State.FAILED, Event.REOPEN_JUDGEMENT, State.ADJUDICATION),
    *(_expire(state) for state in _TIMED),
    _expire(State.FRAUD_SUSPECTED, State.CLEARED),
    *(end(state) for end in (_cancel, _withdraw) for state in State if state in MAY_END),
)
