"""The audit trail: who did what to which object, append-only.

Details hold identifiers, codes and numbers; a name, phone, plate or VIN here would outlive erasure.
"""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class AuditEvent(Base):
    __tablename__ = "audit_event"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    at: Mapped[Instant]
    actor_id: Mapped[str]
    actor_role: Mapped[str]
    client: Mapped[str]
    action: Mapped[str]
    subject_id: Mapped[UUID]
    request_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
