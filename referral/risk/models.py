"""The table of risk assessments: one row each time, with its breakdown, never changed."""

from typing import Any
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant


class ReferralRisk(Base):
    """What was noticed about a referral at one moment; counts only, no personal data."""

    __tablename__ = "referral_risk"

    referral_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    dealer_id: Mapped[UUID]
    at: Mapped[Instant]
    points: Mapped[int] = mapped_column(Integer)
    choice: Mapped[str]
    signals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
