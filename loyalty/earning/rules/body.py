"""The body of an earning rule as JSON and back; `dump` is the exact inverse of `parse`.

Strict: a misspelt key that was skipped would publish a rule without its condition.
"""

from collections.abc import Mapping
from typing import Any, Final

from kernel.errors import RuleViolation
from loyalty.earning.rules.rule import (
    CapPeriod,
    Caps,
    DocumentKind,
    Flat,
    MemberCap,
    Multiplier,
    PendingDays,
    PendingEvent,
    PerYuan,
    RuleBody,
)
from loyalty.earning.rules.standard import UNIT_COST_FEN, JobType, Payer
from loyalty.formats.reading import (
    Fields,
    choice,
    cost,
    integer,
    listing,
    name,
    refuse,
    table,
    text,
    uuid,
)
from loyalty.points.rules.expiry import MOST_MONTHS, STANDARD, Mode, Policy, Round

MOST_POINTS: Final = 10_000_000
MOST_BUDGET: Final = 1_000_000_000_000
MOST_FEN: Final = 10_000_000_000
MOST_DAYS: Final = 3_650

_KEYS: Final = set(RuleBody.__dataclass_fields__)
_POINTS: Final = integer(1, MOST_POINTS)
_DAYS: Final = integer(1, MOST_DAYS)


def parse(body: Mapping[str, Any]) -> RuleBody:
    """What a rule says, read from JSON (product.md, F19 and F20).

    Raises RuleViolation `rule_invalid` with the pointer below `/body` and a short `reason`:
    unknown_key, missing, exclusive, not_integer, out_of_range, unknown_choice and the like.
    """
    said = Fields(body, "/body", _KEYS)
    award = said.need("award", _award)
    if "tier_percent" in said.said and not isinstance(award, PerYuan):
        refuse("/body/tier_percent", "exclusive")
    unit_cost = said.get("unit_cost_fen", cost)
    return RuleBody(
        kinds=said.need("kinds", listing(choice(DocumentKind))),
        award=award,
        payers=said.get("payers", listing(choice(Payer))) or (Payer.CUSTOMER,),
        job_types=said.get("job_types", listing(choice(JobType))),
        models=said.get("models", listing(text)),
        tiers=said.get("tiers", listing(text)),
        campaign=said.get("campaign", text),
        tier_percent=said.get("tier_percent", table(integer(1, 1_000))) or {},
        minimum_fen=said.get("minimum_fen", integer(0, MOST_FEN)) or 0,
        caps=said.get("caps", _caps) or Caps(),
        cooldown_days=said.get("cooldown_days", _DAYS),
        group=said.get("group", text),
        pending=said.get("pending", _pending),
        expiry=said.get("expiry", _policy) or STANDARD,
        expiry_by_tier=said.get("expiry_by_tier", table(_policy)) or {},
        unit_cost_fen=UNIT_COST_FEN if unit_cost is None else unit_cost,
        issuer=said.get("issuer", uuid),
    )


def dump(body: RuleBody) -> dict[str, Any]:
    """The body as JSON with every key said, defaults included."""
    return {
        "kinds": _texts(body.kinds),
        "payers": _texts(body.payers),
        "job_types": _texts(body.job_types),
        "models": _texts(body.models),
        "tiers": _texts(body.tiers),
        "campaign": body.campaign,
        "award": _dumped_award(body.award),
        "tier_percent": dict(body.tier_percent) or None,
        "minimum_fen": body.minimum_fen,
        "caps": _dumped_caps(body.caps),
        "cooldown_days": body.cooldown_days,
        "group": body.group,
        "pending": _dumped_pending(body.pending),
        "expiry": _dumped_policy(body.expiry),
        "expiry_by_tier": {tier: _dumped_policy(one) for tier, one in body.expiry_by_tier.items()},
        "unit_cost_fen": f"{body.unit_cost_fen:.4f}",
        "issuer": None if body.issuer is None else str(body.issuer),
    }


def _award(value: Any, pointer: str) -> PerYuan | Flat | Multiplier:
    said = Fields(value, pointer, {"per_yuan", "flat", "multiplier_percent"})
    if len(said.said) != 1:
        refuse(pointer, "exclusive" if said.said else "missing")
    if "flat" in said.said:
        return Flat(said.need("flat", _POINTS))
    if "multiplier_percent" in said.said:
        return Multiplier(said.need("multiplier_percent", integer(101, 1_000)))
    return said.need("per_yuan", _per_yuan)


def _per_yuan(value: Any, pointer: str) -> PerYuan:
    said = Fields(value, pointer, {"points", "per_fen"})
    return PerYuan(
        points=said.need("points", integer(1, 10_000)),
        per_fen=said.need("per_fen", integer(1, MOST_FEN)),
    )


def _caps(value: Any, pointer: str) -> Caps:
    said = Fields(value, pointer, {"per_document", "per_member", "budget"})
    return Caps(
        per_document=said.get("per_document", _POINTS),
        per_member=said.get("per_member", _member_cap),
        budget=said.get("budget", integer(1, MOST_BUDGET)),
    )


def _member_cap(value: Any, pointer: str) -> MemberCap:
    said = Fields(value, pointer, {"points", "period"})
    return MemberCap(said.need("points", _POINTS), said.need("period", choice(CapPeriod)))


def _pending(value: Any, pointer: str) -> PendingDays | PendingEvent:
    said = Fields(value, pointer, {"days", "event", "cancel_after_days"})
    if "days" not in said.said:
        return PendingEvent(said.need("event", name), said.need("cancel_after_days", _DAYS))
    if len(said.said) > 1:
        refuse(pointer, "exclusive")
    return PendingDays(said.need("days", _DAYS))


def _policy(value: Any, pointer: str) -> Policy:
    said = Fields(value, pointer, {"mode", "months", "round"})
    mode = said.need("mode", choice(Mode))
    months = said.get("months", integer(0, MOST_MONTHS))
    rounded = said.need("round", choice(Round))
    try:
        return Policy(mode, months, rounded)
    except RuleViolation as error:
        refuse(f"{pointer}{error.pointer}", error.params["reason"])


def _texts(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else [str(each) for each in values]


def _dumped_award(award: PerYuan | Flat | Multiplier) -> dict[str, Any]:
    match award:
        case PerYuan(points, per_fen):
            return {"per_yuan": {"points": points, "per_fen": per_fen}}
        case Flat(points):
            return {"flat": points}
        case Multiplier(percent):
            return {"multiplier_percent": percent}


def _dumped_caps(caps: Caps) -> dict[str, Any]:
    member = caps.per_member
    return {
        "per_document": caps.per_document,
        "per_member": member and {"points": member.points, "period": str(member.period)},
        "budget": caps.budget,
    }


def _dumped_pending(pending: PendingDays | PendingEvent | None) -> dict[str, Any] | None:
    match pending:
        case PendingDays(days):
            return {"days": days}
        case PendingEvent(event, cancel_after_days):
            return {"event": event, "cancel_after_days": cancel_after_days}
        case None:
            return None


def _dumped_policy(policy: Policy) -> dict[str, Any]:
    return {"mode": str(policy.mode), "months": policy.months, "round": str(policy.round)}
