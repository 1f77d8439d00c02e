"""Tables of the draw and the callback. A draw, a question and an answer are written once."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import SmallInteger
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


class Callback(Base):
    """One phone call to the drawn party, worked by one agent."""

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


class CallbackAnswer(Base):
    """What the party said, word for word, and how the server marked it."""

    __tablename__ = "callback_answer"

    callback_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    dealer_id: Mapped[UUID]
    said: Mapped[str]
    words: Mapped[bytes | None]
    mark: Mapped[str]
    answered_by: Mapped[UUID]
    answered_at: Mapped[Instant]
