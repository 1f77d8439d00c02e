"""Tables of voucher codes and of what happened to a redemption. The code itself is sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class RewardCode(Base):
    """A voucher code (券码) of a pool: available, held, issued or void; `ends_on` is its last
    day."""

    __tablename__ = "reward_code"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    reward_id: Mapped[UUID]
    sealed: Mapped[bytes]
    code_index: Mapped[bytes]
    state: Mapped[str]
    member_id: Mapped[UUID | None]
    hold_id: Mapped[UUID | None]
    redemption_id: Mapped[UUID | None]
    ends_on: Mapped[date | None]
    revealed_at: Mapped[datetime | None]
    revealed_by: Mapped[str | None]
    voided_at: Mapped[datetime | None]
    batch: Mapped[UUID]
    uploaded_at: Mapped[Instant]
    uploaded_by: Mapped[str]


class RedemptionStep(Base):
    """Issued, ready, handed over or cancelled; the last two exclude one another."""

    __tablename__ = "redemption_step"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    at: Mapped[Instant]
    by: Mapped[str]
