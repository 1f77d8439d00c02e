"""Tables of the ledger. Keys begin with the member, so that they can be partitioned by him."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Integer, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class PointAccount(Base):
    """One member's balances as the entries make them; `available` includes lots past expiry."""

    __tablename__ = "point_account"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    available: Mapped[int]
    pending: Mapped[int]
    held: Mapped[int]
    arrears: Mapped[int]
    frozen: Mapped[bool]
    version: Mapped[int]


class PointLot(Base):
    """What one accrual still has. `unit_cost_fen` is the cost of one point, for liability.

    `available_at` None waits for the event `awaits`, until `cancel_at`. `expired` counts points
    lost by date, `reinstated` those of them given back.
    """

    __tablename__ = "point_lot"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    issuer_id: Mapped[UUID]
    posting_set_id: Mapped[UUID]
    points: Mapped[int]
    remaining: Mapped[int]
    held: Mapped[int]
    expired: Mapped[int]
    reinstated: Mapped[int]
    open: Mapped[bool]
    activated: Mapped[bool]
    business_on: Mapped[date]
    available_at: Mapped[datetime | None]
    awaits: Mapped[str | None]
    cancel_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    expired_by: Mapped[UUID | None]
    inactivity_months: Mapped[int | None] = mapped_column(Integer)
    inactivity_round: Mapped[str | None]
    rule_id: Mapped[str]
    rule_version: Mapped[int] = mapped_column(Integer)
    unit_cost_fen: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    origin_lot_id: Mapped[UUID | None]


class PostingSet(Base):
    """A balanced group of entries: one business act on one member's points.

    `account_version` is the account's after it, taken under its lock: the order of the acts.
    `points` is what the member gained or lost in all; `shortfall` what a clawback wrote off.
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
    honoured_by: Mapped[UUID | None]
    reverses: Mapped[UUID | None]
    reason: Mapped[str | None]
    shortfall: Mapped[int]
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
    counterparty_id: Mapped[UUID | None]


class PointHold(Base):
    """Points put aside until `expires_at`; it ends once: captured, released or expired."""

    __tablename__ = "point_hold"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    points: Mapped[int]
    captured: Mapped[int | None]
    state: Mapped[str]
    posting_set_id: Mapped[UUID]
    held_at: Mapped[Instant]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PointAdjustment(Base):
    """A correction by hand (手工调整). `single_handed`: small enough for one manager alone."""

    __tablename__ = "point_adjustment"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    member_id: Mapped[UUID]
    points: Mapped[int]
    reason: Mapped[str]
    state: Mapped[str]
    single_handed: Mapped[bool]
    requested_by: Mapped[UUID]
    requested_at: Mapped[Instant]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    posting_set_id: Mapped[UUID | None]
    version: Mapped[int]


class PointTransfer(Base):
    """Points one member gave another (积分转赠)."""

    __tablename__ = "point_transfer"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    from_member_id: Mapped[UUID]
    to_member_id: Mapped[UUID]
    points: Mapped[int]
    transferred_at: Mapped[Instant]
    transferred_on: Mapped[date]
    transferred_by: Mapped[str]
    out_set_id: Mapped[UUID]
    in_set_id: Mapped[UUID]


class AccountFreeze(Base):
    """A period in which a member's points cannot be spent (冻结)."""

    __tablename__ = "account_freeze"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    member_id: Mapped[UUID]
    reason: Mapped[str]
    frozen_by: Mapped[UUID]
    frozen_at: Mapped[Instant]
    lifted_by: Mapped[UUID | None]
    lifted_at: Mapped[datetime | None]


class DealerPartner(Base):
    """A dealer (or OEM) whose points are honoured here, or who honours ours (F18)."""

    __tablename__ = "dealer_partner"

    dealer_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
