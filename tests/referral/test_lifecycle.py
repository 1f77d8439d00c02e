"""The life of a referral: who may move it, and that nothing unverified is ever paid."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Conflict, Forbidden, RuleViolation
from referral.lifecycle import (
    ACTIVE,
    MAY_END,
    TABLE,
    TERMINAL,
    Event,
    State,
    Transition,
    advance,
    mermaid,
)
from referral.reasons import Reason

HONEST_PATH = [
    (None, "submit", "consultant", "submitted"),
    ("submitted", "confirm", "duty_manager", "registered"),
    ("registered", "order", "crm", "ordered"),
    ("ordered", "deliver", "crm", "delivered"),
    ("delivered", "licence_pass", "showroom_manager", "checked"),
    ("checked", "draw", "system", "calling"),
    ("calling", "pass", "system", "verified"),
    ("verified", "hold", "system", "reward_held"),
    ("reward_held", "pay", "finance", "rewarded"),
]
ENDINGS = [
    ("submitted", "refuse", "duty_manager", "slip_incomplete", "refused"),
    ("submitted", "refuse", "system", "registered_after_order", "refused"),
    ("registered", "refuse", "system", "registered_after_order", "refused"),
    ("ordered", "refuse", "system", "registered_after_order", "refused"),
    ("delivered", "refuse", "system", "registered_after_order", "refused"),
    ("submitted", "expire", "system", "timeout_fail_closed", "expired"),
    ("registered", "expire", "system", "timeout_fail_closed", "expired"),
    ("ordered", "expire", "system", "timeout_fail_closed", "expired"),
    ("delivered", "expire", "system", "timeout_fail_closed", "expired"),
    ("delivered", "licence_fail", "showroom_manager", "licence_vin_mismatch", "check_failed"),
    ("check_failed", "licence_fail", "showroom_manager", "licence_unreadable", "refused"),
    ("calling", "fail", "system", "callback_two_wrong", "failed"),
    ("calling", "leave_open", "system", "callback_knockout", "inconclusive"),
    ("calling", "not_reached", "system", "callback_unreachable", "unreachable"),
    ("failed", "suspect", "system", "callback_two_wrong", "fraud_suspected"),
    ("adjudication", "reject", "dealer_admin", "judged_not_proven", "refused"),
    ("adjudication", "expire", "system", "timeout_fail_closed", "expired"),
    ("fraud_suspected", "expire", "system", "timeout_fail_closed", "cleared"),
    ("rewarded", "reverse", "crm", "sale_returned", "reversed"),
    ("submitted", "cancel", "crm", "sale_cancelled", "cancelled"),
    ("reward_held", "cancel", "system", "sale_cancelled", "cancelled"),
]


def move(state: str | None, event: str, role: str, reason: str | None = None) -> Transition:
    return advance(
        State(state) if state else None,
        Event(event),
        role=role,
        reason=Reason(reason) if reason else None,
    )


APPEALS = {Event.REOPEN_REPORT, Event.REOPEN_CHECK, Event.REOPEN_JUDGEMENT}
"""Corrective steps: which of them a referral may take, the rule of appeals decides."""
WITHOUT_APPEAL = [row for row in TABLE if row.event not in APPEALS]


def reachable(
    start: State | None,
    without: frozenset[State] = frozenset(),
    rows: Sequence[Transition] = WITHOUT_APPEAL,
) -> set[State]:
    found: set[State] = set()
    frontier: list[State | None] = [start]
    while frontier:
        state = frontier.pop()
        steps = {row.target for row in rows if row.source == state} - without - found
        found |= steps
        frontier.extend(steps)
    return found


@pytest.mark.parametrize(("state", "event", "role", "target"), HONEST_PATH)
def test_an_honest_referral_goes_step_by_step_to_its_reward(
    state: str | None, event: str, role: str, target: str
) -> None:
    assert move(state, event, role).target == target


@pytest.mark.parametrize(("state", "event", "role", "reason", "target"), ENDINGS)
def test_a_referral_ends_with_a_typed_reason(
    state: str, event: str, role: str, reason: str, target: str
) -> None:
    assert move(state, event, role, reason).target == target


def test_a_failed_licence_check_may_be_mended_once() -> None:
    assert move("check_failed", "licence_pass", "showroom_manager").target == State.CHECKED


@pytest.mark.parametrize(
    ("state", "event", "role"),
    [
        ("submitted", "confirm", "consultant"),
        ("submitted", "refuse", "consultant"),
        ("delivered", "licence_pass", "consultant"),
        ("delivered", "licence_pass", "duty_manager"),
        ("checked", "draw", "callback_agent"),
        ("calling", "pass", "callback_agent"),
        ("reward_held", "pay", "showroom_manager"),
        ("reward_held", "pay", "system"),
        ("registered", "order", "consultant"),
        ("registered", "cancel", "consultant"),
    ],
)
def test_a_step_is_refused_to_any_other_role(state: str, event: str, role: str) -> None:
    with pytest.raises(Forbidden) as refusal:
        move(state, event, role)
    assert refusal.value.code == "role_may_not"


@pytest.mark.parametrize(
    ("state", "event", "named"),
    [
        ("delivered", "pay", "delivered"),
        ("submitted", "order", "submitted"),
        ("calling", "draw", "calling"),
        ("rewarded", "cancel", "rewarded"),
        ("failed", "pass", "failed"),
        (None, "confirm", "new"),
    ],
)
def test_a_step_that_is_not_in_the_table_is_a_conflict_naming_the_state(
    state: str | None, event: str, named: str
) -> None:
    with pytest.raises(Conflict) as refusal:
        move(state, event, "system")
    assert refusal.value.code == "transition_not_allowed"
    assert refusal.value.params == {"state": named, "event": event}


@pytest.mark.parametrize(
    ("state", "event", "role", "reason", "code"),
    [
        ("submitted", "refuse", "duty_manager", None, "reason_required"),
        ("registered", "expire", "system", None, "reason_required"),
        ("submitted", "confirm", "duty_manager", "slip_incomplete", "reason_not_allowed"),
        ("calling", "fail", "system", "licence_vin_mismatch", "reason_not_allowed"),
        ("registered", "refuse", "system", "refused_by_manager", "reason_not_allowed"),
        ("delivered", "licence_fail", "showroom_manager", "cap_reached", "reason_not_allowed"),
    ],
)
def test_a_reason_is_given_exactly_where_the_table_wants_one(
    state: str, event: str, role: str, reason: str | None, code: str
) -> None:
    with pytest.raises(RuleViolation) as refusal:
        move(state, event, role, reason)
    assert refusal.value.code == code
    assert refusal.value.pointer == "/reason"


def test_there_is_one_row_for_each_state_and_event() -> None:
    assert max(Counter((row.source, row.event) for row in TABLE).values()) == 1


def test_an_ending_is_left_only_by_people_who_look_again_or_by_a_sale_undone() -> None:
    left = {(row.source, row.event) for row in WITHOUT_APPEAL if row.source in TERMINAL}
    waits_for_the_other_party = {pair for pair in left if pair[0] is State.FAILED}
    assert left - waits_for_the_other_party == {
        (State.FRAUD_CONFIRMED, Event.CLEAR),
        (State.REWARDED, Event.REVERSE),
    }
    assert all(reachable(state) & TERMINAL for state in ACTIVE)
    assert reachable(None) == set(State)


def test_an_upheld_appeal_is_a_step_of_the_programme_alone() -> None:
    rows = [row for row in TABLE if row.event in APPEALS]
    assert {row.source for row in rows} == {State.REFUSED, State.EXPIRED, State.FAILED}
    assert {row.roles for row in rows} == {frozenset({"programme_admin"})}
    assert State.REWARDED not in {row.target for row in rows}


def test_who_is_suspected_does_not_slip_away() -> None:
    ways = {row.event for row in TABLE if row.source is State.FRAUD_SUSPECTED}
    assert ways == {Event.CONFIRM_FRAUD, Event.CLEAR, Event.EXPIRE}
    assert State.REWARDED not in reachable(State.FRAUD_SUSPECTED)


@pytest.mark.parametrize("state", [State.CHECKED, State.CALLING, State.VERIFIED])
def test_no_reward_without_licence_check_and_passed_call(state: State) -> None:
    assert State.REWARDED in reachable(None)
    assert State.REWARDED not in reachable(None, without=frozenset({state}))


def test_only_finance_pays_and_only_from_a_held_reward() -> None:
    (row,) = (row for row in TABLE if row.target == State.REWARDED)
    assert (row.source, row.roles) == (State.REWARD_HELD, frozenset({"finance"}))


def test_letting_time_pass_never_leads_to_a_payment() -> None:
    timers = [row for row in TABLE if Reason.TIMEOUT_FAIL_CLOSED in row.reasons]
    assert {row.event for row in timers} == {Event.EXPIRE}
    for row in timers:
        assert State.REWARDED not in {row.target} | reachable(row.target)


def test_a_cancelled_sale_ends_every_unpaid_referral() -> None:
    assert {row.source for row in TABLE if row.event == Event.CANCEL} == MAY_END
    assert (ACTIVE | {State.FAILED}) - {State.FRAUD_SUSPECTED} == MAY_END


@given(st.lists(st.integers(0, 12), min_size=9, max_size=16))
def test_whichever_way_it_goes_a_paid_referral_was_checked_called_and_verified(
    choices: list[int],
) -> None:
    state: State | None = None
    passed: list[State] = []
    for choice in choices:
        rows = [row for row in WITHOUT_APPEAL if row.source == state]
        if not rows or state == State.REWARDED:
            break
        tried = rows[choice % len(rows)]
        reason = min(tried.reasons) if tried.reasons else None
        state = advance(state, tried.event, role=min(tried.roles), reason=reason).target
        passed.append(state)
    needed = [State.REGISTERED, State.CHECKED, State.CALLING, State.VERIFIED]
    if state == State.REWARDED:
        firsts = sorted(needed, key=passed.index)
        assert (firsts, passed[-2]) == (needed, State.REWARD_HELD)


def test_the_picture_shows_every_row_of_the_table() -> None:
    lines = mermaid().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert "    [*] --> submitted: submit (consultant)" in lines
    assert "    reward_held --> rewarded: pay (finance)" in lines
    assert "    rewarded --> [*]" in lines
    assert len(lines) == 1 + len(TABLE) + len(TERMINAL)
