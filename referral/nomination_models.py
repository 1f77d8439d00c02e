"""Tables of the owner's nomination (车主提名): codes sent to him, his tries, and whom he named.

The digits stand nowhere, only their keyed index; a reader would break this by adding them.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class NominationCode(Base):
    """One code of a referral: the `nth` of a day. The latest alone is good, while it is alive."""

    __tablename__ = "nomination_code"

    referral_id: Mapped[UUID] = mapped_column(primary_key=True)
    issued_on: Mapped[date] = mapped_column(primary_key=True)
    nth: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    dealer_id: Mapped[UUID]
    code_index: Mapped[bytes]
    issued_at: Mapped[Instant]
    expires_at: Mapped[Instant]


class NominationAttempt(Base):
    """One try with a code, kept whatever came of it."""

    __tablename__ = "nomination_attempt"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    at: Mapped[Instant]
    right_code: Mapped[bool]


class OwnerNomination(Base):
    """Whom the owner of a referral named, and how that agrees with its buyer; never told him."""

    __tablename__ = "nomination"

    referral_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    member_id: Mapped[UUID]
    friend_name: Mapped[bytes]
    relation: Mapped[str]
    known_for: Mapped[str]
    told: Mapped[bytes]
    verdict: Mapped[str]
    nominated_at: Mapped[Instant]
