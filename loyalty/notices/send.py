"""Write a message (短信) that the dealer's gateway will send; it is true if this commits.

A reader would break this by putting the number or the words into an event, a log or the audit.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import mobile
from loyalty.notices.models import Notice


class NoticeKind(StrEnum):
    """What a message is about; a gateway may have a template for each."""

    PHONE_CHANGED = "phone_changed"
    NOMINATION_CODE = "nomination_code"


def send_notice(
    uow: UnitOfWork,
    phone: str,
    kind: NoticeKind,
    zh: str,
    en: str,
    *,
    expires_at: datetime,
    member_id: UUID | None = None,
) -> UUID:
    """Leave a message for the gateway, in both languages; what is not collected by `expires_at`
    is never sent (referral.md, section 6.7).

    Raises RuleViolation for an unusable phone.
    """
    key = new_id()
    uow.session.add(
        Notice(
            id=key,
            dealer_id=uow.dealer_id,
            kind=kind.value,
            member_id=member_id,
            phone=uow.seal(mobile.canonical(phone), column="notice.phone", row=key),
            text_zh=uow.seal(zh, column="notice.text_zh", row=key),
            text_en=uow.seal(en, column="notice.text_en", row=key),
            created_at=uow.now,
            expires_at=expires_at,
        )
    )
    uow.session.flush()
    uow.emit("notice.waiting", key, about=kind.value)
    return key
