"""The life of a referral: who may move it, and that nothing unverified is ever paid."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Conflict, Forbidden, RuleViolation
from referral.lifecycle import ACTIVE, TABLE, TERMINAL, Event, State, Transition, advance, mermaid
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


def reachable(start: State | None, without: frozenset[State] = frozenset()) -> set[State]:
    found: set[State] = set()
    frontier: list[State | None] = [start]
    while frontier:
        state = frontier.pop()
        steps = {row.target for row in TABLE if row.source == state} - without - found
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


def test_nothing_leaves_an_ending_and_everything_else_can_end() -> None:
    assert not {row.source for row in TABLE} & TERMINAL
    assert all(reachable(state) & TERMINAL for state in ACTIVE)
    assert reachable(None) == set(State)


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
    assert {row.source for row in TABLE if row.event == Event.CANCEL} == ACTIVE


@given(st.lists(st.integers(0, 5), min_size=9, max_size=12))
def test_whichever_way_it_goes_a_paid_referral_was_checked_called_and_verified(
    choices: list[int],
) -> None:
    state: State | None = None
    passed: list[State] = []
    for choice in choices:
        rows = [row for row in TABLE if row.source == state]
        if not rows:
            break
        tried = rows[choice % len(rows)]
        reason = min(tried.reasons) if tried.reasons else None
        state = advance(state, tried.event, role=min(tried.roles), reason=reason).target
        passed.append(state)
    needed = [State.REGISTERED, State.CHECKED, State.CALLING, State.VERIFIED]
    if state == State.REWARDED:
        assert [step for step in passed if step in needed] == needed
    assert len(set(passed)) == len(passed)


def test_the_picture_shows_every_row_of_the_table() -> None:
    lines = mermaid().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert "    [*] --> submitted: submit (consultant)" in lines
    assert "    reward_held --> rewarded: pay (finance)" in lines
    assert "    rewarded --> [*]" in lines
    assert len(lines) == 1 + len(TABLE) + len(TERMINAL)
