"""Tables of tiers: facts that the score counts, schemes, words about tiers, where members stand."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant
from loyalty.versions import Versioned


class TierScheme(Versioned):
    """One version of how members are valued and which levels that gives."""

    __tablename__ = "tier_scheme"


class ValueFact(Base):
    """A fact of a business day. One without a `source` is a document's, and has its id."""

    __tablename__ = "value_fact"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    happened_on: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    kind: Mapped[str]
    amount: Mapped[int]
    grade: Mapped[str | None]
    corrects: Mapped[bool]
    source: Mapped[str | None]
    source_event_id: Mapped[str | None]
    recorded_at: Mapped[Instant]
    recorded_by: Mapped[str]


class ValueFactWithdrawal(Base):
    """A told fact that was wrong: whatever asks for facts passes it over."""

    __tablename__ = "value_fact_withdrawal"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    happened_on: Mapped[date] = mapped_column(primary_key=True)
    fact_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    reason: Mapped[str]
    withdrawn_at: Mapped[Instant]
    withdrawn_by: Mapped[str]


class TierStanding(Base):
    """Where a member stands by his score, and since when that has been below his tier."""

    __tablename__ = "tier_standing"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    tier: Mapped[str]
    score: Mapped[int]
    since_on: Mapped[date]
    below_since: Mapped[date | None]
    scheme_version: Mapped[int] = mapped_column(Integer)


class MemberTier(Base):
    """A word about a member's tier; nothing is ever changed. `evidence` is the score of an earned
    one, component by component."""

    __tablename__ = "member_tier"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    kind: Mapped[str]
    tier: Mapped[str | None]
    since_on: Mapped[date]
    until_on: Mapped[date | None]
    cause: Mapped[str | None]
    previous: Mapped[str | None]
    score: Mapped[int | None]
    scheme_version: Mapped[int | None] = mapped_column(Integer)
    evidence: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[Instant]
