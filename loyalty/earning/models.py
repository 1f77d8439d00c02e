"""Tables of earning: source documents, each taken once for ever, and rules with what they gave."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key
from loyalty.versions import Versioned


class SourceDocument(Base):
    """`evaluation` keeps facts, grants and every rule considered: the explanation (F28).

    A return names what it `returns` and has negative points.
    """

    __tablename__ = "source_document"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    member_id: Mapped[UUID]
    source: Mapped[str]
    source_event_id: Mapped[str]
    kind: Mapped[str]
    occurred_on: Mapped[date]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    fingerprint: Mapped[bytes]
    points: Mapped[int]
    rule_id: Mapped[str | None]
    rule_version: Mapped[int | None] = mapped_column(Integer)
    posting_set_id: Mapped[UUID | None]
    received_at: Mapped[Instant]
    vehicle_id: Mapped[UUID | None]
    campaign: Mapped[str | None]
    evaluation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    returns_id: Mapped[UUID | None]


class EarningRule(Versioned):
    """One version of a rule (积分规则)."""

    __tablename__ = "earning_rule"


class RuleBudget(Base):
    """The points all members together may get by one version of a rule, and have got."""

    __tablename__ = "rule_budget"

    dealer_id: Mapped[UUID] = mapped_column(primary_key=True)
    rule_code: Mapped[str] = mapped_column(primary_key=True)
    rule_version: Mapped[int] = mapped_column(Integer, primary_key=True)
    budget: Mapped[int]
    granted: Mapped[int]


class RuleGrant(Base):
    """What a rule gave for a document: caps and cooldowns count these."""

    __tablename__ = "rule_grant"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    rule_code: Mapped[str] = mapped_column(primary_key=True)
    rule_version: Mapped[int] = mapped_column(Integer)
    dealer_id: Mapped[UUID]
    business_on: Mapped[date]
    raw: Mapped[int]
    points: Mapped[int]
    lot_id: Mapped[UUID]
