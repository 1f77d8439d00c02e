"""Tables of the catalogue, its stock and redemptions. Stock stands apart: it is written often."""

from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key
from loyalty.versions import Versioned


class RewardTerms(Versioned):
    """One version of the terms on which a reward is redeemed; `code` is the reward's."""

    __tablename__ = "reward_terms"


class Reward(Base):
    """`termed` from the first publication of terms on: only then are terms looked for."""

    __tablename__ = "reward"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    points: Mapped[int]
    created_at: Mapped[Instant]
    kind: Mapped[str]
    termed: Mapped[bool]


class RewardStock(Base):
    """`codes` are those a pool has left, as many as pieces; null for a reward without a pool."""

    __tablename__ = "reward_stock"

    reward_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    received: Mapped[int]
    available: Mapped[int]
    codes: Mapped[int | None]


class RewardStockAddition(Base):
    """Pieces that came after the first stock; never of a pool of codes."""

    __tablename__ = "reward_stock_addition"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    reward_id: Mapped[UUID]
    pieces: Mapped[int]
    reason: Mapped[str]
    added_at: Mapped[Instant]
    added_by: Mapped[str]


class Redemption(Base):
    """`terms_version` and `tier` are what the price was by; null for a reward without terms."""

    __tablename__ = "redemption"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    member_id: Mapped[UUID]
    reward_id: Mapped[UUID]
    quantity: Mapped[int]
    points: Mapped[int]
    posting_set_id: Mapped[UUID]
    redeemed_at: Mapped[Instant]
    redeemed_by: Mapped[str]
    honoured_by: Mapped[UUID | None]
    hold_id: Mapped[UUID | None]
    cash_fen: Mapped[int]
    terms_version: Mapped[int | None] = mapped_column(Integer)
    tier: Mapped[str | None]


class RedemptionCancellation(Base):
    """A redemption undone; `restored` counts the points that came back alive."""

    __tablename__ = "redemption_cancellation"

    redemption_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    member_id: Mapped[UUID]
    posting_set_id: Mapped[UUID]
    restored: Mapped[int]
    reason: Mapped[str]
    cancelled_at: Mapped[Instant]
    cancelled_by: Mapped[str]


class HoldPurpose(Base):
    """What a hold is for: pieces of a reward, whose stock it keeps, or an order elsewhere, which
    has one `live` hold."""

    __tablename__ = "hold_purpose"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    reward_id: Mapped[UUID | None]
    quantity: Mapped[int | None]
    order_source: Mapped[str | None]
    order_key: Mapped[str | None]
    cash_fen: Mapped[int]
    stock: Mapped[str]
    live: Mapped[bool]
    terms_version: Mapped[int | None] = mapped_column(Integer)
    tier: Mapped[str | None]
