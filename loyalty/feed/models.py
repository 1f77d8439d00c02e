"""Tables of import runs. A fault keeps code, place and parameters, never the value of a cell."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer
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


class ImportJob(Base):
    """Documents that come in parts; `columns` are those the first part of a table named."""

    __tablename__ = "import_job"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    kind: Mapped[str]
    format: Mapped[str]
    source: Mapped[str]
    state: Mapped[str]
    columns: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    parts: Mapped[int] = mapped_column(Integer)
    lines_read: Mapped[int]
    rows_new: Mapped[int]
    rows_known: Mapped[int]
    rows_failed: Mapped[int]
    opened_at: Mapped[Instant]
    ended_at: Mapped[datetime | None]


class ImportPart(Base):
    """A part that was taken, by the hash of its content, and what its rows came to."""

    __tablename__ = "import_part"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    part_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    dealer_id: Mapped[UUID]
    content_hash: Mapped[bytes]
    rows_new: Mapped[int]
    rows_known: Mapped[int]
    rows_failed: Mapped[int]
    taken_at: Mapped[Instant]


class ImportRowResult(Base):
    """What became of one row of a job: its document and points, or the code that refused it."""

    __tablename__ = "import_row_result"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    row_no: Mapped[int] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    outcome: Mapped[str]
    document_id: Mapped[UUID | None]
    points: Mapped[int | None]
    code: Mapped[str | None]
    pointer: Mapped[str | None]
    params: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
