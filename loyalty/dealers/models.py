"""Tables of dealers and staff, and of access tokens that were withdrawn."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from kernel.model import Base, Instant, Key


class Dealer(Base):
    __tablename__ = "dealer"

    id: Mapped[Key]
    code: Mapped[str]
    name: Mapped[str]
    timezone: Mapped[str]


class Staff(Base):
    __tablename__ = "staff"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    staff_no: Mapped[str]
    name: Mapped[bytes]
    phone_index: Mapped[bytes | None]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    team: Mapped[str]
    active: Mapped[bool]
    version: Mapped[int]
    created_at: Mapped[Instant]


class WithdrawnToken(Base):
    __tablename__ = "withdrawn_token"

    dealer_id: Mapped[UUID] = mapped_column(primary_key=True)
    token_id: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]
