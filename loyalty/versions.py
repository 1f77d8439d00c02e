"""The life of versioned data: drafted, published by another person, ended once (F21, F30).

Earning rules, tier schemes, benefits and the terms of rewards live so. What was published stands:
another wish is another version, and none begins on a day that has passed.
"""

from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Integer, func, select
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.orm import Mapped, mapped_column

from kernel.errors import Conflict, Forbidden, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.model import Base, Instant
from kernel.unit_of_work import UnitOfWork, type_of_fact


class Versioned(Base):
    """The columns of a versioned table; in force on `effective_from <= day < effective_until`."""

    __abstract__ = True

    dealer_id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[UUID]
    state: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    effective_from: Mapped[date]
    effective_until: Mapped[date | None]
    author_id: Mapped[UUID]
    created_at: Mapped[Instant]
    publisher_id: Mapped[UUID | None]
    published_at: Mapped[datetime | None]


V = TypeVar("V", bound=Versioned)


def draft(
    uow: UnitOfWork,
    table: type[V],
    *,
    code: str,
    body: dict[str, Any],
    effective_from: date,
    effective_until: date | None,
    built_in: int = 0,
) -> V:
    """Write down the next version; it counts for nothing until it is published. `built_in` is the
    number of a version the service brings along.

    Raises RuleViolation `effective_until_not_after_from`.
    """
    if effective_until is not None and effective_until <= effective_from:
        raise RuleViolation("effective_until_not_after_from", pointer="/effective_until")
    row = table(
        dealer_id=uow.dealer_id,
        code=code,
        version=_next_version(uow, table, code, built_in),
        id=new_id(),
        state="draft",
        body=body,
        effective_from=effective_from,
        effective_until=effective_until,
        author_id=UUID(uow.actor.id),
        created_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    uow.audit(f"{_name(table)}.drafted", row.id, code=code, version=row.version)
    return row


def publish(uow: UnitOfWork, table: type[V], version_id: UUID) -> V:
    """Let a draft count from its first day on.

    Raises NotFound `rule_not_found`, Forbidden `separation_of_duties` for its author, Conflict
    `rule_not_draft`, RuleViolation `effective_in_the_past`: a day that has passed keeps what it
    had, so that late documents meet it.
    """
    row = _locked(uow, table, version_id)
    if row.state != "draft":
        raise Conflict("rule_not_draft")
    if row.author_id == UUID(uow.actor.id):
        raise Forbidden("separation_of_duties")
    if row.effective_from < uow.today:
        raise RuleViolation("effective_in_the_past", today=uow.today.isoformat())
    row.state, row.publisher_id, row.published_at = "published", UUID(uow.actor.id), uow.now
    uow.session.flush()
    _tell(uow, f"{_name(table)}.published", row)
    return row


def end(uow: UnitOfWork, table: type[V], version_id: UUID, *, effective_until: date) -> V:
    """Set the first day on which a published version counts no more; once, for a day to come.

    Raises NotFound `rule_not_found`, Conflict `rule_not_published` and `rule_end_set`,
    RuleViolation `effective_in_the_past`, `effective_until_not_after_from`.
    """
    row = _locked(uow, table, version_id)
    if row.state != "published":
        raise Conflict("rule_not_published")
    if row.effective_until is not None:
        raise Conflict("rule_end_set", effective_until=row.effective_until.isoformat())
    pointer = "/effective_until"
    if effective_until < uow.today + timedelta(days=1):
        raise RuleViolation("effective_in_the_past", pointer=pointer, today=uow.today.isoformat())
    if effective_until <= row.effective_from:
        raise RuleViolation("effective_until_not_after_from", pointer=pointer)
    row.effective_until = effective_until
    uow.session.flush()
    _tell(uow, f"{_name(table)}.ended", row)
    return row


def get(uow: UnitOfWork, table: type[V], version_id: UUID) -> V:
    """One version in any state. Raises NotFound `rule_not_found`."""
    row = uow.session.scalar(select(table).where(table.id == version_id))
    if row is None:
        raise NotFound("rule_not_found")
    return row


def every(uow: UnitOfWork, table: type[V], *, after: UUID | None, limit: int) -> list[V]:
    """Versions in the order in which they were drafted."""
    rows = select(table) if after is None else select(table).where(table.id > after)
    return list(uow.session.scalars(rows.order_by(table.id).limit(limit)))


def in_force(uow: UnitOfWork, table: type[V], on: date, *, code: str | None = None) -> list[V]:
    """The version of each code, or of one, that counts on a business day: the latest begun and, of
    two on one day, the higher. One that has ended is not replaced by the one before it."""
    latest = (
        select(table)
        .where(
            table.dealer_id == uow.dealer_id,
            table.state == "published",
            table.effective_from <= on,
        )
        .ext(distinct_on(table.code))
        .order_by(table.code, table.effective_from.desc(), table.version.desc())
    )
    if code is not None:
        latest = latest.where(table.code == code)
    return [
        row
        for row in uow.session.scalars(latest)
        if row.effective_until is None or on < row.effective_until
    ]


def _tell(uow: UnitOfWork, what: str, row: Versioned) -> None:
    until = row.effective_until
    facts: dict[str, type_of_fact] = {
        "code": row.code,
        "version": row.version,
        "effective_from": row.effective_from.isoformat(),
        "effective_until": None if until is None else until.isoformat(),
    }
    uow.emit(what, row.id, **facts)
    uow.audit(what, row.id, **facts)


def _next_version(uow: UnitOfWork, table: type[V], code: str, built_in: int) -> int:
    """Drafts of one code are numbered one at a time."""
    lock = func.hashtextextended(f"{uow.dealer_id}/{_name(table)}/{code}", 0)
    uow.session.execute(select(func.pg_advisory_xact_lock(lock)))
    latest = uow.session.scalar(
        select(func.max(table.version)).where(table.dealer_id == uow.dealer_id, table.code == code)
    )
    return (latest or built_in) + 1


def _locked(uow: UnitOfWork, table: type[V], version_id: UUID) -> V:
    row = uow.session.scalar(select(table).where(table.id == version_id).with_for_update())
    if row is None:
        raise NotFound("rule_not_found")
    return row


def _name(table: type[Versioned]) -> str:
    return str(table.__tablename__)
