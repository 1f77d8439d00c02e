"""How people stand after what was proven: consultants suspended or watched, customers out.

A reader would break this by excluding anybody before a penalty counts: suspicion only watches.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from kernel.clock import start_of_day
from kernel.unit_of_work import UnitOfWork
from referral.justice.models import PartyExclusion, Penalty
from referral.models import ConsultantCase, Referral
from referral.rules.penalty import COUNTED_MONTHS, months_later


def is_suspended(uow: UnitOfWork, consultant_id: UUID) -> bool:
    """Whether an effective penalty keeps him from registering today (referral.md, section 2)."""
    found = select(Penalty.id).where(
        Penalty.consultant_id == consultant_id,
        Penalty.state == "effective",
        Penalty.excluded_until > uow.today,
    )
    return uow.session.scalar(found.limit(1)) is not None


def on_watch(uow: UnitOfWork, consultant_id: UUID) -> bool:
    """Whether both parties of his referrals are called: a confirmed case of the last twelve months,
    or a suspicion of that time nobody has settled (referral.md, section 3)."""
    since = start_of_day(months_later(uow.today, -COUNTED_MONTHS), uow.zone)
    found = select(ConsultantCase.id).where(
        ConsultantCase.consultant_id == consultant_id,
        or_(
            and_(ConsultantCase.state == "confirmed", ConsultantCase.decided_at >= since),
            and_(ConsultantCase.state == "open", ConsultantCase.opened_at >= since),
        ),
    )
    return uow.session.scalar(found.limit(1)) is not None


def excluded_until(uow: UnitOfWork, phone_index: bytes) -> date | None:
    """The first day a customer who took part in a fake may take part again; None if he may now."""
    until = select(func.max(PartyExclusion.until_on)).where(
        PartyExclusion.phone_index == phone_index,
        PartyExclusion.lifted_at.is_(None),
        PartyExclusion.until_on > uow.today,
    )
    return uow.session.scalar(until)


def owner_excluded(uow: UnitOfWork, owner_id: UUID) -> bool:
    """Whether a member is out as the owner of a fake, whatever number he has by now."""
    found = (
        select(PartyExclusion.referral_id)
        .join(Referral, Referral.id == PartyExclusion.referral_id)
        .where(
            Referral.owner_id == owner_id,
            PartyExclusion.lifted_at.is_(None),
            PartyExclusion.until_on > uow.today,
        )
    )
    return uow.session.scalar(found.limit(1)) is not None
