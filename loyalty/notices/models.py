"""The table of messages to be sent. Number and texts are sealed, and gone once given out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped

from kernel.model import Base, Instant, Key


class Notice(Base):
    """One message. Without a `phone` it was taken or has expired: nothing of it is left to tell."""

    __tablename__ = "notice"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    kind: Mapped[str]
    member_id: Mapped[UUID | None]
    phone: Mapped[bytes | None]
    text_zh: Mapped[bytes | None]
    text_en: Mapped[bytes | None]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    taken_at: Mapped[datetime | None]
    taken_by: Mapped[str | None]
