"""The outbox: events for integrators, written in the transaction that made them true.

`committed_in` and `id` together order the feed: an id alone would lose events that commit late
(ledger.md, measured facts).
"""

from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue, Identity
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant


class OutboxEvent(Base):
    __tablename__ = "outbox_event"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    committed_in: Mapped[str] = mapped_column(FetchedValue())
    dealer_id: Mapped[UUID]
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    occurred_at: Mapped[Instant]
    request_id: Mapped[str]
