"""Draft, publish and end a tier scheme (F21, F25): a life of `versions`, one scheme a dealer."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from json import dumps, loads
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.tiers.models import TierScheme
from loyalty.tiers.rules.ladder import Ladder
from loyalty.tiers.rules.scheme import Scheme, dump, parse

CODE: Final = "tiers"


@dataclass(frozen=True, slots=True)
class InForce:
    """A scheme with the number of its version."""

    version: int
    scheme: Scheme


def draft_scheme(
    uow: UnitOfWork,
    *,
    body: Mapping[str, Any],
    effective_from: date,
    effective_until: date | None,
) -> TierScheme:
    """Write down the next version; its moves can be previewed, it counts for nothing yet.

    Raises RuleViolation `rule_invalid`, `effective_until_not_after_from`.
    """
    return versions.draft(
        uow,
        TierScheme,
        code=CODE,
        body=dump(parse(body)),
        effective_from=effective_from,
        effective_until=effective_until,
    )


def publish_scheme(uow: UnitOfWork, scheme_id: UUID) -> TierScheme:
    """Let it count from its first day on: read once more, for a scheme that cannot be read would
    stop every document from that day on.

    Raises as `versions.publish`, and RuleViolation `rule_invalid`.
    """
    parse(versions.get(uow, TierScheme, scheme_id).body)
    return versions.publish(uow, TierScheme, scheme_id)


def end_scheme(uow: UnitOfWork, scheme_id: UUID, *, effective_until: date) -> TierScheme:
    """The first day without it: every member keeps the tier he has. Raises as `versions.end`."""
    return versions.end(uow, TierScheme, scheme_id, effective_until=effective_until)


def scheme_on(uow: UnitOfWork, day: date) -> InForce | None:
    """The scheme in force on a business day, if the dealer has one."""
    return next((_read(row) for row in versions.in_force(uow, TierScheme, day)), None)


def scheme_of(uow: UnitOfWork, scheme_id: UUID) -> InForce:
    """A version in any state, for a preview. Raises NotFound `rule_not_found`."""
    return _read(versions.get(uow, TierScheme, scheme_id))


def ladders(uow: UnitOfWork, numbers: Collection[int]) -> dict[int, Ladder]:
    """The ladders of these versions, by number."""
    rows = uow.session.scalars(
        select(TierScheme).where(
            TierScheme.dealer_id == uow.dealer_id, TierScheme.version.in_(numbers)
        )
    )
    return {row.version: _read(row).scheme.ladder for row in rows}


def _read(row: TierScheme) -> InForce:
    return InForce(row.version, _scheme(dumps(row.body)))


@lru_cache(maxsize=64)
def _scheme(said: str) -> Scheme:
    """Bodies never change, and reading one costs more than fetching it."""
    return parse(loads(said))
