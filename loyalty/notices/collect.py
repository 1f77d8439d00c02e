"""The gateway takes the messages that wait: each is given out at most once and erased with it.

A reader would break this by giving a message out again: who asks twice could be somebody else.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from sqlalchemy import select, update

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.notices.models import Notice

MOST: Final = 50
"""How many messages one collection takes."""
_ERASED: Final = {"phone": None, "text_zh": None, "text_en": None}


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent to whom, until when; it stands nowhere any more."""

    id: UUID
    kind: str
    phone: str = field(repr=False)
    text_zh: str = field(repr=False)
    text_en: str = field(repr=False)
    expires_at: datetime


def collect_notices(uow: UnitOfWork, *, limit: int) -> list[Message]:
    """The oldest messages that wait and have not expired; others collecting now get others."""
    rows = uow.session.scalars(
        select(Notice)
        .where(Notice.phone.is_not(None), Notice.expires_at > uow.now)
        .order_by(Notice.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    messages = [_opened(uow, row) for row in rows]
    if messages:
        uow.session.execute(
            update(Notice)
            .where(Notice.id.in_([message.id for message in messages]))
            .values(taken_at=uow.now, taken_by=uow.actor.id, **_ERASED)
            .execution_options(synchronize_session=False)
        )
        uow.audit("notices.collected", new_id(), count=len(messages))
    return messages


def forget_notices(uow: UnitOfWork) -> int:
    """Erase what expired before anybody collected it; how many there were."""
    gone = uow.session.execute(
        update(Notice)
        .where(Notice.phone.is_not(None), Notice.expires_at <= uow.now)
        .values(_ERASED)
        .execution_options(synchronize_session=False)
        .returning(Notice.id)
    )
    return len(gone.all())


def _opened(uow: UnitOfWork, row: Notice) -> Message:
    phone, zh, en = (cast("bytes", each) for each in (row.phone, row.text_zh, row.text_en))
    return Message(
        id=row.id,
        kind=row.kind,
        phone=uow.open(phone, column="notice.phone", row=row.id),
        text_zh=uow.open(zh, column="notice.text_zh", row=row.id),
        text_en=uow.open(en, column="notice.text_en", row=row.id),
        expires_at=row.expires_at,
    )
