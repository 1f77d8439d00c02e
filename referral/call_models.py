"""Tables of the draw and the callback. A draw, a question and an answer are written once."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Double, SmallInteger, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class Draw(Base):
    """Which party is called, and why nobody could choose: one row per referral and purpose."""

    __tablename__ = "draw"

    referral_id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    party: Mapped[str]
    commitment: Mapped[bytes]
    catalogue_hash: Mapped[str]
    selector_version: Mapped[str]
    entropy_on: Mapped[date]
    seed: Mapped[bytes]
    drawn_at: Mapped[Instant]
    plan: Mapped[str | None]
    wanted_plan: Mapped[str | None]
    sampled: Mapped[bool | None]
    sample_percent: Mapped[int | None] = mapped_column(SmallInteger)
    agents: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    entropy_hash: Mapped[bytes | None]


class DrawEntropy(Base):
    """The promise of a day's secret: its hash, chained before the day begins."""

    __tablename__ = "draw_entropy"

    dealer_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    hash: Mapped[bytes]
    committed_at: Mapped[Instant]


class Callback(Base):
    """One phone call to a party, worked by one agent; with the odds of its questions."""

    __tablename__ = "callback"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    purpose: Mapped[str]
    party: Mapped[str]
    agent_id: Mapped[UUID]
    state: Mapped[str]
    created_at: Mapped[Instant]
    closed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    narrative: Mapped[bool] = mapped_column(server_default="false")
    answered_at: Mapped[datetime | None]
    result: Mapped[str | None]
    reason: Mapped[str | None]
    score_bits: Mapped[float | None] = mapped_column(Double)
    fake_t0: Mapped[float | None] = mapped_column(Double)
    fake_t1: Mapped[float | None] = mapped_column(Double)
    fake_t2: Mapped[float | None] = mapped_column(Double)
    honest_rejected: Mapped[float | None] = mapped_column(Double)


class CallbackQuestion(Base):
    """A question as it will be asked; `expected` is sealed and leaves only to be marked."""

    __tablename__ = "callback_question"

    callback_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    dealer_id: Mapped[UUID]
    key: Mapped[str]
    kind: Mapped[str]
    text_zh: Mapped[bytes]
    text_en: Mapped[bytes]
    expected: Mapped[bytes]
    part: Mapped[str] = mapped_column(server_default="asked")
    knock_out: Mapped[bool] = mapped_column(server_default="false")
    g_t0: Mapped[float | None] = mapped_column(Double)
    g_t1: Mapped[float | None] = mapped_column(Double)
    g_t2: Mapped[float | None] = mapped_column(Double)
    e: Mapped[float | None] = mapped_column(Double)


class CallbackAnswer(Base):
    """What the party said, word for word, and how the server marked it."""

    __tablename__ = "callback_answer"

    callback_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    attempt: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="1")
    dealer_id: Mapped[UUID]
    said: Mapped[str]
    words: Mapped[bytes | None]
    mark: Mapped[str]
    answered_by: Mapped[UUID]
    answered_at: Mapped[Instant]
    took_ms: Mapped[int | None]
    flag: Mapped[str | None]


class AnswerReading(Base):
    """What a second person read in an answer the server could not decide."""

    __tablename__ = "answer_reading"

    callback_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    dealer_id: Mapped[UUID]
    reading: Mapped[bytes]
    mark: Mapped[str]
    read_by: Mapped[UUID]
    read_at: Mapped[Instant]


class CallRecord(Base):
    """What the telephone system says of one attempt; the agent himself cannot tell us."""

    __tablename__ = "call_record"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    callback_id: Mapped[UUID]
    source: Mapped[str]
    source_event_id: Mapped[str]
    number_matches: Mapped[bool]
    in_hours: Mapped[bool]
    started_at: Mapped[Instant]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[Instant]
    fingerprint: Mapped[bytes]
    received_at: Mapped[Instant]


class FactShare(Base):
    """How often a value of a fact occurs at this dealer, counted by the night."""

    __tablename__ = "fact_share"

    dealer_id: Mapped[UUID] = mapped_column(primary_key=True)
    fact: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
