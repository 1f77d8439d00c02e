"""Tables of judgements, statements, penalties, exclusions and appeals.

What a judge said and a consultant stated is written once; words of people are sealed.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class Judgement(Base):
    """One person's verdict (裁决) on one stay of a referral in its state; two alike move it."""

    __tablename__ = "judgement"

    referral_id: Mapped[UUID] = mapped_column(primary_key=True)
    round: Mapped[int] = mapped_column(Integer, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    verdict: Mapped[str]
    reason: Mapped[str]
    at: Mapped[Instant]


class CaseStatement(Base):
    """What the consultant says to his case (陈述), in his own words."""

    __tablename__ = "case_statement"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    case_id: Mapped[UUID]
    words: Mapped[bytes]
    made_by: Mapped[UUID]
    made_at: Mapped[Instant]


class Penalty(Base):
    """What a confirmed case costs the consultant (处罚); effective after the appeal window."""

    __tablename__ = "penalty"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    case_id: Mapped[UUID]
    consultant_id: Mapped[UUID]
    nth: Mapped[int] = mapped_column(SmallInteger)
    fine_fen: Mapped[int]
    pay_withheld_on: Mapped[date | None]
    excluded_months: Mapped[int] = mapped_column(SmallInteger)
    referred_to_hr: Mapped[bool]
    policy_version: Mapped[int] = mapped_column(Integer)
    proposed_at: Mapped[Instant]
    appeal_until: Mapped[Instant]
    state: Mapped[str]
    effective_at: Mapped[datetime | None]
    excluded_until: Mapped[date | None]
    voided_at: Mapped[datetime | None]


class PartyExclusion(Base):
    """A customer who took part in a fake, out until the first day he may take part again."""

    __tablename__ = "party_exclusion"

    referral_id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_index: Mapped[bytes] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    excluded_at: Mapped[Instant]
    until_on: Mapped[date]
    lifted_at: Mapped[datetime | None]


class Appeal(Base):
    """An appeal (申诉) against one step of a referral; out of time it is rejected, unjudged."""

    __tablename__ = "appeal"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    decision_seq: Mapped[int] = mapped_column(Integer)
    appellant: Mapped[str]
    words: Mapped[bytes]
    raised_by: Mapped[str]
    raised_at: Mapped[Instant]
    due_at: Mapped[Instant]
    state: Mapped[str]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
