"""The table of source documents: each is taken once, for ever."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class SourceDocument(Base):
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
    rule_id: Mapped[str]
    rule_version: Mapped[int] = mapped_column(Integer)
    posting_set_id: Mapped[UUID | None]
    received_at: Mapped[Instant]
