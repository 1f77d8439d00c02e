"""Tables of counter codes (核销码) and of every attempt a desk made with one.

The digits stand nowhere, only their keyed index; a reader would break this by adding them.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class CounterCode(Base):
    """What one code is for. It leaves the state `open` once: `used`, or `void` for a newer one."""

    __tablename__ = "counter_code"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    purpose: Mapped[str]
    subject_id: Mapped[UUID]
    code_index: Mapped[bytes]
    state: Mapped[str]
    expires_at: Mapped[Instant]
    created_at: Mapped[Instant]
    created_by: Mapped[str]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None]
    honoured_by: Mapped[UUID | None]


class CounterVerification(Base):
    """One attempt of a staff member; `code_id` names a code of the dealer `issued_by`."""

    __tablename__ = "counter_verification"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    at: Mapped[Instant]
    outcome: Mapped[str]
    issued_by: Mapped[UUID]
    code_id: Mapped[UUID | None]
