"""Tables of import runs. A fault keeps code, place and parameters, never the value of a cell."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class ImportRun(Base):
    """One file of one dealer; `rows_done` counts the rows taken or refused so far."""

    __tablename__ = "import_run"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    kind: Mapped[str]
    file_hash: Mapped[bytes]
    rows_done: Mapped[int]
    started_at: Mapped[Instant]
    finished_at: Mapped[datetime | None]


class ImportFault(Base):
    """A row that was refused; `row_no` is the row as a spreadsheet numbers it."""

    __tablename__ = "import_error"

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    row_no: Mapped[int] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    code: Mapped[str]
    pointer: Mapped[str | None]
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
