"""The phone of record (留存号码): a new number counts for nothing until it has cooled off.

Whoever changes an owner's phone to speak for him finds the old number asked, and told of the
change (referral.md, section 6.7). A reader would break this by verifying with `member.phone`.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import dealer_name
from loyalty.formats import mobile
from loyalty.members.models import Member, MemberFormerPhone
from loyalty.notices.send import NoticeKind, send_notice

TOLD_WITHIN: Final = timedelta(days=7)
CHANGED_ZH: Final = "您在{dealer}登记的手机号码已被变更。如非您本人要求，请立即联系本店。"
CHANGED_EN: Final = (
    "Your phone number on record with {dealer} was changed. If you did not ask for it, contact us."
)


def phone_of_record(uow: UnitOfWork, member_id: UUID) -> str:
    """The number that counts for everything of verification, as "+86" and 11 digits.

    The last one that was in use for the whole cooling period, or the one enrolled with. Raises
    NotFound `member_not_found`.
    """
    kept = _cooling(uow, member_id)
    if kept is not None:
        return uow.open(kept.phone, column="member_former_phone.phone", row=member_id)
    row = uow.session.scalar(select(Member).where(Member.id == member_id))
    if row is None:
        raise NotFound("member_not_found")
    return uow.open(row.phone, column="member.phone", row=member_id)


def changed_lately(uow: UnitOfWork, member_id: UUID) -> bool:
    """Whether a number of this member still cools off: a sign of risk, and no proof."""
    return _cooling(uow, member_id) is not None


def change_phone(uow: UnitOfWork, row: Member, phone: str, *, cooling_days: int) -> None:
    """Give a locked member another number; the former one is told and stays of record so long.

    Changed again before that, the same one stays of record, from now on as long again. Raises
    RuleViolation for unusable phones.
    """
    new = mobile.canonical(phone)
    former = uow.open(row.phone, column="member.phone", row=row.id)
    if new == former:
        return
    of_record = phone_of_record(uow, row.id)
    row.phone = uow.seal(new, column="member.phone", row=row.id)
    row.phone_index = uow.blind(new, column="phone")
    if cooling_days:
        _keep(uow, row.id, of_record, timedelta(days=cooling_days))
    for number in {former, of_record} - {new}:
        _tell(uow, row.id, number)


def forget_former_phones(uow: UnitOfWork) -> int:
    """Erase the numbers whose successors have cooled off; how many there were."""
    gone = uow.session.execute(
        delete(MemberFormerPhone)
        .where(MemberFormerPhone.until <= uow.now)
        .execution_options(synchronize_session=False)
        .returning(MemberFormerPhone.member_id)
    )
    return len(gone.all())


def _cooling(uow: UnitOfWork, member_id: UUID) -> MemberFormerPhone | None:
    return uow.session.scalar(
        select(MemberFormerPhone)
        .where(MemberFormerPhone.member_id == member_id, MemberFormerPhone.until > uow.now)
        .execution_options(populate_existing=True)
    )


def _keep(uow: UnitOfWork, member_id: UUID, phone: str, cooling: timedelta) -> None:
    values = {
        "phone": uow.seal(phone, column="member_former_phone.phone", row=member_id),
        "phone_index": uow.blind(phone, column="phone"),
        "changed_at": uow.now,
        "changed_by": uow.actor.id,
        "until": uow.now + cooling,
    }
    uow.session.execute(
        insert(MemberFormerPhone)
        .values(member_id=member_id, dealer_id=uow.dealer_id, **values)
        .on_conflict_do_update(constraint="pk_member_former_phone", set_=values)
    )


def _tell(uow: UnitOfWork, member_id: UUID, number: str) -> None:
    dealer = dealer_name(uow)
    send_notice(
        uow,
        number,
        NoticeKind.PHONE_CHANGED,
        CHANGED_ZH.format(dealer=dealer),
        CHANGED_EN.format(dealer=dealer),
        expires_at=uow.now + TOLD_WITHIN,
        member_id=member_id,
    )
