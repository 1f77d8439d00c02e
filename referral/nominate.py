"""The owner names the friend he recommended, before anybody looks at the evidence (F49).

Only he can, by a code sent to his phone of record. A reader would break this by telling him how
his answer agrees with the report, or who the buyer is before he has said it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict, DomainError, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import names
from referral.models import Referral
from referral.moves import flag
from referral.nomination_codes import awaiting_nomination, try_code
from referral.nomination_models import OwnerNomination
from referral.reasons import Reason
from referral.rules.nomination import KnownFor, Verdict, compare


@dataclass(frozen=True, slots=True)
class Told:
    """What the owner says of his friend. `relation` is a code of the vocabulary (词库)."""

    friend_name: str = field(repr=False)
    relation: str = field(repr=False)
    known_for: KnownFor = field(repr=False)
    how_it_came: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Nominated:
    """All the owner is told: that it was taken."""

    referral_id: UUID
    nominated_at: datetime


@dataclass(frozen=True, slots=True)
class Nomination:
    """Whom the owner named, for questions and judges; no role reads it beside an open call."""

    friend_name: str = field(repr=False)
    relation: str = field(repr=False)
    known_for: str = field(repr=False)
    verdict: Verdict = field(repr=False)


def nominate(
    uow: UnitOfWork, referral_id: UUID, told: Told, *, code: str
) -> Nominated | DomainError:
    """Keep whom the owner names, once; a name that is not the buyer's calls for two people.

    A wrong code is handed back as RuleViolation `nomination_code_wrong`, never raised: commit the
    try. Raises as `nomination_codes.awaiting_nomination`, TooSoon `nomination_locked`, and
    RuleViolation for an unusable name.
    """
    names.canonical(told.friend_name)
    referral = awaiting_nomination(uow, referral_id)
    if not try_code(uow, referral_id, code):
        return RuleViolation("nomination_code_wrong", pointer="/code")
    verdict = _compared(uow, referral, told)
    uow.session.add(_row(uow, referral, told, verdict))
    uow.emit("referral.nominated", referral_id)
    uow.audit("referral.nominated", referral_id)
    uow.session.flush()
    if verdict is not Verdict.MATCH:
        flag(uow, referral, Reason.NOMINATION_MISMATCH)
    return Nominated(referral_id, uow.now)


def nomination_of(uow: UnitOfWork, referral_id: UUID) -> Nomination | None:
    """Whom the owner named, if he has yet."""
    row = uow.session.get(OwnerNomination, referral_id)
    if row is None:
        return None
    return Nomination(
        friend_name=uow.open(row.friend_name, column="nomination.friend_name", row=referral_id),
        relation=row.relation,
        known_for=row.known_for,
        verdict=Verdict(row.verdict),
    )


def nominated_among(uow: UnitOfWork, referral_ids: Collection[UUID]) -> set[UUID]:
    """Those of these referrals whose owners have named their friends."""
    rows = select(OwnerNomination.referral_id).where(OwnerNomination.referral_id.in_(referral_ids))
    return set(uow.session.scalars(rows))


def require_nomination(uow: UnitOfWork, referral: Referral) -> None:
    """Nobody looks at the licence before the owner has spoken (referral.md, section 3).

    Raises Conflict `nomination_missing`.
    """
    if uow.session.get(OwnerNomination, referral.id) is None:
        raise Conflict("nomination_missing")


def _compared(uow: UnitOfWork, referral: Referral, told: Told) -> Verdict:
    buyer = uow.open(referral.buyer_name, column="referral.buyer_name", row=referral.id)
    return compare(told.friend_name, buyer)


def _row(uow: UnitOfWork, referral: Referral, told: Told, verdict: Verdict) -> OwnerNomination:
    key = referral.id
    return OwnerNomination(
        referral_id=key,
        dealer_id=uow.dealer_id,
        member_id=referral.owner_id,
        friend_name=uow.seal(told.friend_name, column="nomination.friend_name", row=key),
        relation=told.relation,
        known_for=told.known_for.value,
        told=uow.seal(told.how_it_came, column="nomination.told", row=key),
        verdict=verdict.value,
        nominated_at=uow.now,
    )
