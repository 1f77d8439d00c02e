"""Tables of the ledger. Keys begin with the member, so that they can be partitioned by him."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Integer, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant


class PointAccount(Base):
    """One member's balances as the entries make them; `available` includes lots past expiry."""

    __tablename__ = "point_account"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    available: Mapped[int]
    pending: Mapped[int]
    held: Mapped[int]
    arrears: Mapped[int]
    version: Mapped[int]


class PointLot(Base):
    """What one accrual still has. `unit_cost_fen` is the cost of one point, for liability."""

    __tablename__ = "point_lot"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    issuer_id: Mapped[UUID]
    posting_set_id: Mapped[UUID]
    points: Mapped[int]
    remaining: Mapped[int]
    open: Mapped[bool]
    business_on: Mapped[date]
    available_at: Mapped[Instant]
    expires_at: Mapped[datetime | None]
    rule_id: Mapped[str]
    rule_version: Mapped[int] = mapped_column(Integer)
    unit_cost_fen: Mapped[Decimal] = mapped_column(Numeric(12, 4))


class PostingSet(Base):
    """A balanced group of entries: one business act on one member's points.

    `account_version` is the account's after it, taken under its lock: the order of the acts.
    """

    __tablename__ = "posting_set"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    account_version: Mapped[int]
    kind: Mapped[str]
    points: Mapped[int]
    business_on: Mapped[date]
    posted_at: Mapped[Instant]
    source: Mapped[str]
    source_key: Mapped[str]
    rule_id: Mapped[str | None]
    rule_version: Mapped[int | None] = mapped_column(Integer)
    actor_id: Mapped[str]
    actor_role: Mapped[str]
    request_id: Mapped[str]


class PointEntry(Base):
    """One line: points gained (+) or lost (-) by a member or programme account."""

    __tablename__ = "point_entry"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    posting_set_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    dealer_id: Mapped[UUID]
    side: Mapped[str]
    account: Mapped[str]
    issuer_id: Mapped[UUID]
    lot_id: Mapped[UUID | None]
    points: Mapped[int]
