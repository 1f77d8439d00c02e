"""Tables of referrals, their transitions, sales, licence checks and rewards.

What the consultant reported is sealed, frozen and hashed: the database grants no update on it.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key
from loyalty.versions import Versioned


class Referral(Base):
    """One recommendation. `due_at` is when the present state times out, always to not paid."""

    __tablename__ = "referral"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    state: Mapped[str]
    reason: Mapped[str | None]
    version: Mapped[int]
    due_at: Mapped[datetime | None]
    consultant_id: Mapped[UUID]
    team: Mapped[str]
    consent_version: Mapped[str | None]
    buyer_name: Mapped[bytes]
    buyer_phone: Mapped[bytes]
    buyer_phone_index: Mapped[bytes]
    buyer_first_visit_on: Mapped[date]
    slip: Mapped[bytes]
    slip_hash: Mapped[bytes]
    submitted_at: Mapped[Instant]
    owner_id: Mapped[UUID | None]
    confirmed_by: Mapped[UUID | None]
    registered_at: Mapped[datetime | None]
    order_no: Mapped[str | None]
    ordered_at: Mapped[datetime | None]
    bought_vin: Mapped[bytes | None]
    bought_vin_index: Mapped[bytes | None]
    bought_model: Mapped[str | None]
    bought_colour: Mapped[str | None]
    bought_transmission: Mapped[str | None]
    invoice_no: Mapped[str | None]
    invoiced_on: Mapped[date | None]
    delivered_at: Mapped[datetime | None]
    checked_by: Mapped[UUID | None]
    rechecked_by: Mapped[UUID | None]
    callback_agent_id: Mapped[UUID | None]
    verified_at: Mapped[datetime | None]
    paid_by: Mapped[UUID | None]
    review: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    buyer_household_index: Mapped[bytes | None]
    cut_off: Mapped[str] = mapped_column(server_default="order")


class ReferralDuty(Base):
    """What one person does on one referral: one duty each, never of a party or his relative."""

    __tablename__ = "referral_duty"

    referral_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    duty: Mapped[str]
    taken_at: Mapped[Instant]


class StaffRelative(Base):
    """A relative (亲属) a person of the staff declared, by the blind index of the phone."""

    __tablename__ = "staff_relative"

    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_index: Mapped[bytes] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    declared_at: Mapped[Instant]
    declared_by: Mapped[str]


class ReferralPolicy(Versioned):
    """The dealer's own figures for referrals: times, ladder, strictness, sample, penalties."""

    __tablename__ = "referral_policy"


class QuestionBank(Versioned):
    """The dealer's own questions, instead of those the service brings along."""

    __tablename__ = "question_bank"


class ReferralTransition(Base):
    """One step of one referral; `hash` covers the step and the hash before it."""

    __tablename__ = "referral_transition"

    referral_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    dealer_id: Mapped[UUID]
    event: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    actor_id: Mapped[str]
    actor_role: Mapped[str]
    reason: Mapped[str | None]
    at: Mapped[Instant]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]


class SaleEvent(Base):
    """What the CRM told of an order (订单): ordered, paid a deposit, delivered, undone.

    `phone_indexes` are further phones of the contract; `sale_type` null is retail.
    """

    __tablename__ = "sale_event"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    source: Mapped[str]
    source_event_id: Mapped[str]
    kind: Mapped[str]
    order_no: Mapped[str]
    occurred_at: Mapped[Instant]
    buyer_phone_index: Mapped[bytes | None]
    vin: Mapped[bytes | None]
    vin_index: Mapped[bytes | None]
    model: Mapped[str | None]
    colour: Mapped[str | None]
    transmission: Mapped[str | None]
    invoice_no: Mapped[str | None]
    invoiced_on: Mapped[date | None]
    fingerprint: Mapped[bytes]
    received_at: Mapped[Instant]
    sale_type: Mapped[str | None]
    phone_indexes: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), server_default="{}")


class Lead(Base):
    """A lead (线索) the CRM had: who asked for a car, through which channel, since when."""

    __tablename__ = "lead"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    source: Mapped[str]
    source_event_id: Mapped[str]
    phone_index: Mapped[bytes]
    channel: Mapped[str]
    opened_at: Mapped[Instant]
    fingerprint: Mapped[bytes]
    received_at: Mapped[Instant]


class LicenceCheck(Base):
    """One comparison of the vehicle licence (行驶证), verdict by field; never the values."""

    __tablename__ = "licence_check"

    referral_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    dealer_id: Mapped[UUID]
    checked_by: Mapped[UUID]
    checked_at: Mapped[Instant]
    verdicts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    passed: Mapped[bool]
    reason: Mapped[str | None]
    vehicle_id: Mapped[UUID | None]
    photo_id: Mapped[UUID | None]
    typed: Mapped[list[str]] = mapped_column(JSONB)
    flags: Mapped[list[str]] = mapped_column(JSONB)


class ReferralReward(Base):
    """What one beneficiary gets for one referral under one rule, held first, paid once."""

    __tablename__ = "referral_reward"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    member_id: Mapped[UUID]
    rule_id: Mapped[str]
    rule_version: Mapped[int] = mapped_column(Integer)
    nth: Mapped[int] = mapped_column(Integer)
    points: Mapped[int]
    state: Mapped[str]
    held_at: Mapped[Instant]
    release_at: Mapped[Instant]
    paid_at: Mapped[datetime | None]
    posting_set_id: Mapped[UUID | None]
    beneficiary: Mapped[str] = mapped_column(server_default="owner")
    reversed_at: Mapped[datetime | None]
    reversal_set_id: Mapped[UUID | None]


class ConsultantCase(Base):
    """A suspicion against a referral's consultant: open, then confirmed or cleared by people."""

    __tablename__ = "consultant_case"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    consultant_id: Mapped[UUID]
    reason: Mapped[str]
    state: Mapped[str]
    opened_at: Mapped[Instant]
    decided_at: Mapped[datetime | None]
