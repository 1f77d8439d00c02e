"""Whether a referral (推荐购买) may take a step: the table of `transitions.py` decides.

A reader would break this by changing a state anywhere without `advance`.
"""

from kernel.errors import Conflict, Forbidden, RuleViolation
from referral.reasons import Reason
from referral.states import ACTIVE, JUDGES, MAY_END, TERMINAL, Event, State
from referral.transitions import TABLE, Transition

__all__ = [
    "ACTIVE",
    "JUDGES",
    "MAY_END",
    "TABLE",
    "TERMINAL",
    "Event",
    "State",
    "Transition",
    "advance",
    "mermaid",
]

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
