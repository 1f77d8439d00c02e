"""Tables of month closes and settlements: written once, at the close, and never changed."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class MonthClose(Base):
    """A month that stands (月结): `number` counts a dealer's closes without a gap."""

    __tablename__ = "month_close"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(Integer)
    month: Mapped[date]
    starts_at: Mapped[Instant]
    ends_at: Mapped[datetime]
    liability: Mapped[dict[str, Any]] = mapped_column(JSONB)
    closed_at: Mapped[Instant]
    closed_by: Mapped[str]


class MonthBalance(Base):
    """One account of one issuer at the end of a closed month."""

    __tablename__ = "month_balance"

    month_close_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    issuer_id: Mapped[UUID] = mapped_column(primary_key=True)
    side: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    points: Mapped[int]


class Settlement(Base):
    """What the debtor owes the creditor for one closed month (结算单); negative: the reverse."""

    __tablename__ = "settlement"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    month_close_id: Mapped[UUID]
    place: Mapped[int] = mapped_column(Integer)
    month: Mapped[date]
    debtor_id: Mapped[UUID]
    creditor_id: Mapped[UUID]
    points: Mapped[int]
    exact_fen: Mapped[Decimal] = mapped_column(Numeric(24, 4))
    amount_fen: Mapped[int]
    lots: Mapped[int]
    number: Mapped[str]
