"""Which tiers there are: those of the schemes a dealer published, if he has one at all."""

from collections.abc import Iterable

from sqlalchemy import or_, select

from kernel.errors import RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.tiers.models import TierScheme
from loyalty.tiers.rules.scheme import parse


def refuse_unknown_tiers(uow: UnitOfWork, tiers: Iterable[str], pointer: str) -> None:
    """Let nothing name a tier that no member can have: a word misspelt grants nothing, or all.

    A dealer without a scheme gets his tiers from the CRM, under names of its own.
    Raises RuleViolation `tier_unknown` with the known ones.
    """
    published = uow.session.scalars(
        select(TierScheme.body).where(
            TierScheme.dealer_id == uow.dealer_id,
            TierScheme.state == "published",
            or_(TierScheme.effective_until.is_(None), TierScheme.effective_until > uow.today),
        )
    )
    known = {level.code for body in published for level in parse(body).ladder.levels}
    strange = sorted(set(tiers) - known)
    if known and strange:
        raise RuleViolation(
            "tier_unknown", pointer=pointer, tier=strange[0], known=", ".join(sorted(known))
        )
