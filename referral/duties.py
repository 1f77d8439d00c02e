"""One person, one duty on a referral (api.md: separation of duties); the primary key decides.

A reader would break this by letting anybody act on a referral without taking his duty first.
"""

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Forbidden
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import staff_using
from referral.models import ReferralDuty, StaffRelative


class Duty(StrEnum):
    """What a person of the staff does on a referral. Two judges share a duty; nobody has two."""

    CONSULTANT = "consultant"
    DUTY_MANAGER = "duty_manager"
    LICENCE_CHECKER = "licence_checker"
    CALLBACK_AGENT = "callback_agent"
    READER = "reader"
    JUDGE = "judge"
    APPEAL_JUDGE = "appeal_judge"
    PAYER = "payer"


def take_duty(
    uow: UnitOfWork, referral_id: UUID, duty: Duty, *, person: UUID | None = None
) -> None:
    """Let a person, by default who acts, take this duty on a referral; again is no harm.

    Raises Forbidden `separation_of_duties` when he has another duty on it, or is of the
    consultant's team as an agent, and `party_or_relative` when he or a relative he declared is a
    party of it (referral.md, section 6.16).
    """
    who = person or UUID(uow.actor.id)
    wanted = insert(ReferralDuty).values(
        referral_id=referral_id,
        person_id=who,
        dealer_id=uow.dealer_id,
        duty=duty,
        taken_at=uow.now,
    )
    try:
        with uow.session.begin_nested():
            uow.session.execute(wanted.on_conflict_do_nothing(constraint="pk_referral_duty"))
    except IntegrityError as error:
        raise _refused(error) from error
    if duty_of(uow, referral_id, who) is not duty:
        raise Forbidden("separation_of_duties")


def duty_of(uow: UnitOfWork, referral_id: UUID, person: UUID) -> Duty | None:
    """What this person does on the referral, if anything."""
    found = uow.session.scalar(
        select(ReferralDuty.duty).where(
            ReferralDuty.referral_id == referral_id, ReferralDuty.person_id == person
        )
    )
    return None if found is None else Duty(found)


def involved(uow: UnitOfWork, referral_id: UUID) -> set[UUID]:
    """Everybody who has a duty on the referral."""
    rows = select(ReferralDuty.person_id).where(ReferralDuty.referral_id == referral_id)
    return set(uow.session.scalars(rows))


def barred(uow: UnitOfWork, referral_id: UUID, phones: Collection[bytes]) -> set[UUID]:
    """Everybody who may take no duty more: who has one, and who uses one of the parties' numbers
    or declared a relative who does (referral.md, section 6.16)."""
    kin = select(StaffRelative.staff_id).where(StaffRelative.phone_index.in_(phones))
    related = set(uow.session.scalars(kin)) | staff_using(uow, phones)
    return involved(uow, referral_id) | related


def has_relative(uow: UnitOfWork, person: UUID, phone_index: bytes) -> bool:
    """Whether this person of the staff declared a relative (亲属) with this number."""
    found = select(StaffRelative.staff_id).where(
        StaffRelative.staff_id == person, StaffRelative.phone_index == phone_index
    )
    return uow.session.scalar(found) is not None


def _refused(error: IntegrityError) -> Exception:
    match violated(error):
        case "ck_referral_duty_impartial":
            return Forbidden("party_or_relative")
        case "ck_referral_duty_team":
            return Forbidden("separation_of_duties")
        case _:
            return error
