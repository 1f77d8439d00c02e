"""A benefit (权益) as JSON and back: one versioned body, read strictly as every rule is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from loyalty.formats.reading import (
    Fields,
    Shape,
    below,
    choice,
    code,
    integer,
    listing,
    refuse,
    table,
    text,
)
from loyalty.tiers.rules.score import FactKind

MOST_UNITS: Final = 10_000
MOST_DAYS: Final = 366
MOST_FEN: Final = 100_000_000
Units = int | None
"""How many; None is unlimited."""


class BoundTo(StrEnum):
    """Whose the units are: the member's, or those of each of his cars."""

    MEMBER = "member"
    VEHICLE = "vehicle"


class Every(StrEnum):
    """What brings the units anew: a stretch of the calendar, a year of membership, the purchase of
    a car, or an event such as a birthday."""

    CALENDAR_YEAR = "calendar_year"
    CALENDAR_QUARTER = "calendar_quarter"
    CALENDAR_MONTH = "calendar_month"
    MEMBERSHIP_YEAR = "membership_year"
    OWNERSHIP = "ownership"
    EVENT = "event"


class OnChange(StrEnum):
    """What counts when the tier changes within a period: the best so far, the one of the day, or
    each for its days or months, rounded up once at the end."""

    HIGHEST = "highest"
    CURRENT = "current"
    BY_DAY = "by_day"
    BY_MONTH = "by_month"


class NoShow(StrEnum):
    """What becomes of the unit of an appointment nobody came to (爽约)."""

    FORFEITS = "forfeits"
    RETURNS = "returns"


PRORATED: Final = frozenset({OnChange.BY_DAY, OnChange.BY_MONTH})


@dataclass(frozen=True, slots=True)
class Event:
    """Units come with a fact of this kind and last so many days from its day."""

    kind: FactKind
    valid_days: int


@dataclass(frozen=True, slots=True)
class Carry:
    """What is left at the end of a period goes on (结转): at most so many, for so many days."""

    most: int
    valid_days: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several things a unit may be used for."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Benefit:
    """What a version of a benefit says.

    `quota` has the units of a period by tier; a tier not named has none. `cost_fen` is what the
    supplier gets for a unit, `partner_fen` what we owe a partner dealer (合作店) who honoured one.
    A use may be reversed up to `reverse_days` after its day.
    """

    name_zh: str
    name_en: str
    bound_to: BoundTo
    first_owner_only: bool
    period: Every
    event: Event | None
    quota: Mapping[str, Units]
    on_change: OnChange
    carry_over: Carry | None
    no_show: NoShow
    choices: tuple[Choice, ...]
    supplier: str | None
    cost_fen: int
    partner_fen: int
    needs_appointment: bool
    reverse_days: int

    def units(self, tier: str | None) -> Units:
        """The quota of a tier for a whole period."""
        return 0 if tier is None else self.quota.get(tier, 0)


def parse(body: Mapping[str, Any]) -> Benefit:
    """What a benefit says (product.md, F31 to F34).

    Raises RuleViolation `rule_invalid` with the pointer below `/body` and a short `reason`:
    exclusive, unlimited_prorated, cannot_prorate, cannot_carry, repeated or those of any rule.
    """
    said = Fields(body, "/body", set(Benefit.__dataclass_fields__))
    benefit = Benefit(
        name_zh=said.need("name_zh", text),
        name_en=said.need("name_en", text),
        bound_to=said.need("bound_to", choice(BoundTo)),
        first_owner_only=said.get("first_owner_only", _flag) or False,
        period=said.need("period", choice(Every)),
        event=said.get("event", _event),
        quota=said.need("quota", _quota),
        on_change=said.get("on_change", choice(OnChange)) or OnChange.HIGHEST,
        carry_over=said.get("carry_over", _carry),
        no_show=said.get("no_show", choice(NoShow)) or NoShow.FORFEITS,
        choices=said.get("choices", _choices) or (),
        supplier=said.get("supplier", code),
        cost_fen=said.get("cost_fen", _FEN) or 0,
        partner_fen=said.get("partner_fen", _FEN) or 0,
        needs_appointment=said.get("needs_appointment", _flag) or False,
        reverse_days=said.need("reverse_days", integer(0, MOST_DAYS)),
    )
    _fits_together(benefit)
    return benefit


def dump(benefit: Benefit) -> dict[str, Any]:
    """The body as JSON with every key said; the exact inverse of `parse`."""
    event, carry = benefit.event, benefit.carry_over
    return {
        "name_zh": benefit.name_zh,
        "name_en": benefit.name_en,
        "bound_to": str(benefit.bound_to),
        "first_owner_only": benefit.first_owner_only,
        "period": str(benefit.period),
        "event": event and {"kind": str(event.kind), "valid_days": event.valid_days},
        "quota": dict(benefit.quota),
        "on_change": str(benefit.on_change),
        "carry_over": carry and {"most": carry.most, "valid_days": carry.valid_days},
        "no_show": str(benefit.no_show),
        "choices": [
            {"code": each.code, "name_zh": each.name_zh, "name_en": each.name_en}
            for each in benefit.choices
        ] or None,
        "supplier": benefit.supplier,
        "cost_fen": benefit.cost_fen,
        "partner_fen": benefit.partner_fen,
        "needs_appointment": benefit.needs_appointment,
        "reverse_days": benefit.reverse_days,
    }  # fmt: skip


def _fits_together(benefit: Benefit) -> None:
    prorated = benefit.on_change in PRORATED
    endless = benefit.period in (Every.OWNERSHIP, Every.EVENT)
    to_member = benefit.bound_to is BoundTo.MEMBER
    for wrong, key, reason in (
        (benefit.period is Every.EVENT and benefit.event is None, "event", "missing"),
        (benefit.period is not Every.EVENT and benefit.event is not None, "event", "exclusive"),
        (to_member and benefit.first_owner_only, "first_owner_only", "exclusive"),
        (to_member and benefit.period is Every.OWNERSHIP, "period", "exclusive"),
        (not to_member and benefit.period is Every.EVENT, "period", "exclusive"),
        (prorated and None in benefit.quota.values(), "quota", "unlimited_prorated"),
        (prorated and endless, "on_change", "cannot_prorate"),
        (endless and benefit.carry_over is not None, "carry_over", "cannot_carry"),
        (benefit.cost_fen > 0 and benefit.supplier is None, "supplier", "missing"),
    ):
        if wrong:
            refuse(below("/body", key), reason)


def _flag(value: Any, pointer: str) -> bool:
    if not isinstance(value, bool):
        refuse(pointer, "not_boolean")
    return value


def _units(value: Any, pointer: str) -> Units:
    return None if value is None else integer(0, MOST_UNITS)(value, pointer)


def _quota(value: Any, pointer: str) -> dict[str, Units]:
    quota = table(_units)(value, pointer)
    if not quota:
        refuse(pointer, "out_of_range")
    for tier in quota:
        code(tier, below(pointer, tier))
    return quota


def _event(value: Any, pointer: str) -> Event:
    said = Fields(value, pointer, {"kind", "valid_days"})
    return Event(said.need("kind", choice(FactKind)), said.need("valid_days", _DAYS))


def _carry(value: Any, pointer: str) -> Carry:
    said = Fields(value, pointer, {"most", "valid_days"})
    return Carry(said.need("most", integer(1, MOST_UNITS)), said.need("valid_days", _DAYS))


def _choices(value: Any, pointer: str) -> tuple[Choice, ...]:
    choices = listing(_choice)(value, pointer)
    if len({each.code for each in choices}) != len(choices):
        refuse(pointer, "repeated")
    return choices


def _choice(value: Any, pointer: str) -> Choice:
    said = Fields(value, pointer, set(Choice.__dataclass_fields__))
    return Choice(said.need("code", code), said.need("name_zh", text), said.need("name_en", text))


_FEN: Final[Shape[int]] = integer(0, MOST_FEN)
_DAYS: Final[Shape[int]] = integer(1, MOST_DAYS)
