"""A dealer's figures for referrals as JSON and back; every one has the default of referral.md.

Strict, as every rule: a misspelt key that was skipped would leave a door open unseen.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Final

from loyalty.formats.reading import Fields, Shape, below, choice, integer, refuse


class CutOff(StrEnum):
    """What a report must come before (referral.md, section 2)."""

    DEPOSIT = "deposit"
    ORDER = "order"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class Policy:
    """The assumptions of referral.md, section 2 (marked there as such), by name with their unit."""

    house_rule_strict: bool = False
    cut_off: CutOff = CutOff.ORDER
    confirm_within_hours: int = 24
    sale_within_days: int = 90
    lead_older_than_days: int = 7
    cap_per_year: int = 12
    call_within_days: int = 7
    calling_from_hour: int = 9
    calling_until_hour: int = 21
    call_attempts: int = 3
    call_attempt_days: int = 2
    audit_sample_percent: int = 20
    large_reward_points: int = 500
    adjudicate_within_days: int = 15
    hold_days: int = 15
    appeal_within_days: int = 7
    appeal_decided_within_days: int = 15
    contact_cooling_days: int = 30
    excluded_customer_months: int = 12
    buyer_points: int = 0
    ladder: tuple[tuple[int, int], ...] = ((1, 200), (2, 400), (6, 500))
    fine_fen: tuple[int, int] = (50_000, 100_000)
    excluded_consultant_months: int = 3


DEFAULT: Final = Policy()

_MOST_DAYS: Final = integer(1, 400)
_BOUNDS: Final[Mapping[str, Shape[int]]] = {
    "confirm_within_hours": integer(1, 168),
    "lead_older_than_days": integer(0, 400),
    "cap_per_year": integer(1, 1_000),
    "calling_from_hour": integer(0, 23),
    "calling_until_hour": integer(1, 24),
    "call_attempts": integer(1, 10),
    "call_attempt_days": integer(1, 5),
    "audit_sample_percent": integer(0, 100),
    "large_reward_points": integer(1, 10_000_000),
    "hold_days": integer(0, 400),
    "contact_cooling_days": integer(0, 400),
    "excluded_customer_months": integer(0, 60),
    "buyer_points": integer(0, 10_000_000),
    "excluded_consultant_months": integer(0, 60),
}
_STEP: Final = integer(1, 10_000_000)
_FINE: Final = integer(0, 10_000_000)


def parse(body: Mapping[str, Any]) -> Policy:
    """What a policy says; what it does not name keeps its default.

    Raises RuleViolation `rule_invalid` with the pointer below `/body` and a short `reason`, such as
    hours_crossed, hearing_too_long (who stays silent through his days must not be cleared
    by the timer first), not_rising, first_step_missing or those of any rule.
    """
    said = Fields(body, "/body", {field.name for field in fields(Policy)})
    found: dict[str, Any] = {}
    for field in fields(Policy):
        value = said.get(field.name, _shape(field.name))
        if value is not None:
            found[field.name] = value
    policy = Policy(**found)
    if policy.calling_from_hour >= policy.calling_until_hour:
        refuse("/body/calling_until_hour", "hours_crossed")
    if policy.appeal_within_days >= policy.adjudicate_within_days:
        refuse("/body/adjudicate_within_days", "hearing_too_long")
    return policy


def dump(policy: Policy) -> dict[str, Any]:
    """The policy as JSON, every figure named."""
    return asdict(policy) | {
        "ladder": [list(step) for step in policy.ladder],
        "fine_fen": list(policy.fine_fen),
    }


def _shape(name: str) -> Shape[Any]:
    special: Mapping[str, Shape[Any]] = {
        "house_rule_strict": _switch,
        "cut_off": choice(CutOff),
        "ladder": _ladder,
        "fine_fen": _fines,
    }
    return special.get(name) or _BOUNDS.get(name, _MOST_DAYS)


def _switch(value: Any, pointer: str) -> bool:
    if type(value) is not bool:
        refuse(pointer, "not_boolean")
    return value


def _ladder(value: Any, pointer: str) -> tuple[tuple[int, int], ...]:
    """Pairs of the first place of a step and its points, places rising from 1."""
    if not isinstance(value, list) or not 1 <= len(value) <= 12:
        refuse(pointer, "not_list")
    steps = tuple(_pair(each, below(pointer, index), _STEP) for index, each in enumerate(value))
    places = [place for place, _ in steps]
    if places[0] != 1:
        refuse(below(pointer, 0), "first_step_missing")
    if places != sorted(set(places)):
        refuse(pointer, "not_rising")
    return steps


def _fines(value: Any, pointer: str) -> tuple[int, int]:
    return _pair(value, pointer, _FINE)


def _pair(value: Any, pointer: str, shape: Shape[int]) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        refuse(pointer, "not_list")
    return shape(value[0], below(pointer, 0)), shape(value[1], below(pointer, 1))
