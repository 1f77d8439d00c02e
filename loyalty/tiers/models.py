"""The table of tiers: one row per word about a member's level; nothing is ever changed."""

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant


class MemberTier(Base):
    """The tier from `since_on` on; a later day or, of one day, a later word replaces it."""

    __tablename__ = "member_tier"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    tier: Mapped[str]
    since_on: Mapped[date]
    reason: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[Instant]
