"""Enrol a member. The CRM's reference is the identity; a phone number never is (F63)."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import Conflict, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import mobile, names, text
from loyalty.members.household import household_index
from loyalty.members.models import Member
from loyalty.points import ledger


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the CRM tells of a person; `occupation` is asked in callbacks, so it is optional, and so
    is the household he lives in.
    """

    source: str
    external_id: str
    name: str
    phone: str
    joined_on: date
    occupation: str | None = None
    household_ref: str | None = None


def enroll(uow: UnitOfWork, person: Enrolment) -> UUID:
    """Create the member and his point account; told twice, the first result is given again.

    Raises RuleViolation for unusable names and phones, `joined_in_the_future`, and
    Conflict `member_changed` when the reference is known with other data.
    """
    if person.joined_on > uow.today:
        raise RuleViolation("joined_in_the_future", pointer="/joined_on")
    names.canonical(person.name)
    phone = mobile.canonical(person.phone)
    key = new_id()
    created = uow.session.scalar(
        insert(Member)
        .values(
            id=key,
            dealer_id=uow.dealer_id,
            source=person.source,
            external_id=person.external_id,
            name=uow.seal(person.name, column="member.name", row=key),
            phone=uow.seal(phone, column="member.phone", row=key),
            phone_index=uow.blind(phone, column="phone"),
            occupation=_occupation(uow, person.occupation, key),
            household_index=household_index(uow, person.household_ref),
            joined_on=person.joined_on,
            version=1,
            created_at=uow.now,
        )
        .on_conflict_do_nothing(index_elements=["dealer_id", "source", "external_id"])
        .returning(Member.id)
    )
    if created is None:
        return _known(uow, person, phone)
    ledger.open_account(uow, key)
    uow.emit("member.enrolled", key)
    uow.audit("member.enrolled", key)
    return key


def _occupation(uow: UnitOfWork, occupation: str | None, key: UUID) -> bytes | None:
    if not occupation:
        return None
    return uow.seal(text.normalise(occupation), column="member.occupation", row=key)


def _known(uow: UnitOfWork, person: Enrolment, phone: str) -> UUID:
    row = uow.session.scalars(
        select(Member).where(
            Member.source == person.source, Member.external_id == person.external_id
        )
    ).one()
    known = [
        uow.open(row.name, column="member.name", row=row.id),
        uow.open(row.phone, column="member.phone", row=row.id),
        row.joined_on,
    ]
    told = [person.name, phone, person.joined_on]
    household = household_index(uow, person.household_ref)
    moved = household is not None and household != row.household_index
    if known != told or moved or not _same_occupation(uow, row, person.occupation):
        raise Conflict("member_changed")
    return row.id


def _same_occupation(uow: UnitOfWork, row: Member, told: str | None) -> bool:
    """An occupation (职业) left out says nothing against a known one."""
    if not told:
        return True
    known = row.occupation and uow.open(row.occupation, column="member.occupation", row=row.id)
    return known == text.normalise(told)
