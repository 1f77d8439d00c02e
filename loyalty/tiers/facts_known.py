"""Reads of value facts: those that count, and all that is known of a member, to be checked by him.

Whatever counts facts asks `stands`: a withdrawn one is there to be seen and counts for nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, select

from kernel.unit_of_work import UnitOfWork
from loyalty.tiers.models import ValueFact, ValueFactWithdrawal
from loyalty.tiers.rules.score import Fact, FactKind


@dataclass(frozen=True, slots=True)
class FactView:
    """A fact as it was told or seen; without a `source` it is a document's, and has its id.

    `amount` is in the kind's own unit: marks of 100, fen the customer paid or, of one that
    `corrects`, got back (below zero).
    """

    id: UUID
    member_id: UUID
    kind: FactKind
    happened_on: date
    amount: int
    grade: str | None
    corrects: bool
    source: str | None
    source_event_id: str | None
    recorded_at: datetime
    withdrawn_at: datetime | None


def stands() -> ColumnElement[bool]:
    """The condition that a fact was not withdrawn."""
    return ~exists().where(_withdraws())


def facts_of(uow: UnitOfWork, member_id: UUID, *, since: date, until: date) -> list[Fact]:
    """The facts of `since <= day < until`, as the score takes them."""
    rows = uow.session.scalars(
        select(ValueFact).where(
            ValueFact.member_id == member_id,
            ValueFact.happened_on >= since,
            ValueFact.happened_on < until,
            stands(),
        )
    )
    return [
        Fact(row.happened_on, str(row.id), FactKind(row.kind), row.amount, row.grade, row.corrects)
        for row in rows
    ]


def list_facts(
    uow: UnitOfWork, member_id: UUID, *, before: UUID | None, limit: int
) -> list[FactView]:
    """All that is known of a member, the latest told first (product.md, F24)."""
    rows = _told().where(ValueFact.member_id == member_id)
    if before:
        rows = rows.where(ValueFact.id < before)
    found = uow.session.execute(rows.order_by(ValueFact.id.desc()).limit(limit))
    return [_view(fact, withdrawn_at) for fact, withdrawn_at in found]


def view_of(uow: UnitOfWork, fact: ValueFact) -> FactView:
    """One fact as it stands."""
    its = ValueFact.member_id == fact.member_id, ValueFact.id == fact.id
    return _view(*uow.session.execute(_told().where(*its)).one())


def _told() -> Select[ValueFact, datetime]:
    return select(ValueFact, ValueFactWithdrawal.withdrawn_at).outerjoin(
        ValueFactWithdrawal, _withdraws()
    )


def _withdraws() -> ColumnElement[bool]:
    withdrawal = ValueFactWithdrawal
    return and_(
        withdrawal.member_id == ValueFact.member_id,
        withdrawal.happened_on == ValueFact.happened_on,
        withdrawal.fact_id == ValueFact.id,
    )


def _view(row: ValueFact, withdrawn_at: datetime | None) -> FactView:
    return FactView(
        id=row.id,
        member_id=row.member_id,
        kind=FactKind(row.kind),
        happened_on=row.happened_on,
        amount=row.amount,
        grade=row.grade,
        corrects=row.corrects,
        source=row.source,
        source_event_id=row.source_event_id,
        recorded_at=row.recorded_at,
        withdrawn_at=withdrawn_at,
    )
