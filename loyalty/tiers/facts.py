"""Facts that the value score counts (F24, F59): told by the CRM, or seen on documents.

Append-only: a fact told wrongly is withdrawn, and the right one told under another reference.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import insert as insert_all
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import Conflict, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger
from loyalty.tiers.assess import assess
from loyalty.tiers.models import ValueFact
from loyalty.tiers.rules.score import GRADED, FactKind

TOLD: Final = frozenset(
    {
        *(FactKind.VISIT, FactKind.SATISFACTION, FactKind.COMPLAINT, FactKind.CALLBACK),
        *(FactKind.REGION, FactKind.TRADE, FactKind.POSITION),
    }
)
"""Kinds that are told as facts; the others are documents."""
_GRADE: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")
MARKED: Final = frozenset({FactKind.SATISFACTION, FactKind.CALLBACK})
"""Kinds with marks from 0 to 100."""


@dataclass(frozen=True, slots=True)
class ToldFact:
    """A fact of another system under its own reference: `marks` or a `grade`, as the kind wants."""

    source: str
    source_event_id: str
    member_id: UUID
    kind: FactKind
    happened_on: date
    marks: int | None = None
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class SeenFact:
    """A fact of a document, under the document's id; `corrects` one that was returned."""

    id: UUID
    member_id: UUID
    kind: FactKind
    happened_on: date
    amount_fen: int
    corrects: bool = False


def tell_fact(uow: UnitOfWork, told: ToldFact, *, at_once: bool = True) -> tuple[ValueFact, bool]:
    """Write down a fact, and move the member if he has earned it; the flag tells whether it was
    new. Its reference is unique for ever. The account is locked first: of two facts at once, the
    second is looked at with the first. Not `at_once`, the next night moves him.

    Raises NotFound `member_not_found`, RuleViolation `fact_does_not_fit` and
    `occurred_in_the_future`, Conflict `fact_changed`.
    """
    _check(uow, told)
    ledger.lock(uow, [told.member_id])
    values = {
        "member_id": told.member_id,
        "happened_on": told.happened_on,
        "kind": str(told.kind),
        "amount": told.marks or 0,
        "grade": told.grade,
        "source": told.source,
        "source_event_id": told.source_event_id,
    }
    made = uow.session.scalar(
        insert(ValueFact)
        .values(
            id=new_id(),
            dealer_id=uow.dealer_id,
            corrects=False,
            recorded_at=uow.now,
            recorded_by=uow.actor.id,
            **values,
        )
        .on_conflict_do_nothing(constraint="uq_value_fact_event")
        .returning(ValueFact)
    )
    if made is not None:
        uow.audit("value_fact.told", made.id, kind=str(told.kind))
        if at_once:
            assess(uow, [told.member_id])
        return made, True
    known = uow.session.scalars(
        select(ValueFact).where(
            ValueFact.dealer_id == uow.dealer_id,
            ValueFact.source == told.source,
            ValueFact.source_event_id == told.source_event_id,
        )
    ).one()
    if any(getattr(known, name) != value for name, value in values.items()):
        raise Conflict("fact_changed")
    return known, False


def see_facts(uow: UnitOfWork, seen: Sequence[SeenFact]) -> None:
    """Write down what documents taken in this transaction say of their members."""
    if seen:
        uow.session.execute(insert_all(ValueFact), [_row(uow, each) for each in seen])


def _check(uow: UnitOfWork, told: ToldFact) -> None:
    if told.kind not in TOLD:
        raise RuleViolation("fact_does_not_fit", pointer="/kind", kind=str(told.kind))
    for name, value, wanted in (
        ("marks", told.marks, told.kind in MARKED),
        ("grade", told.grade, told.kind in GRADED),
    ):
        if (value is not None) != wanted:
            raise RuleViolation("fact_does_not_fit", pointer=f"/{name}", kind=str(told.kind))
    if told.grade is not None and not _GRADE.fullmatch(told.grade):
        raise RuleViolation("fact_does_not_fit", pointer="/grade", kind=str(told.kind))
    if told.happened_on > uow.today:
        raise RuleViolation("occurred_in_the_future", pointer="/happened_on")


def _row(uow: UnitOfWork, seen: SeenFact) -> dict[str, object]:
    return {
        "member_id": seen.member_id,
        "happened_on": seen.happened_on,
        "id": seen.id,
        "dealer_id": uow.dealer_id,
        "kind": str(seen.kind),
        "amount": seen.amount_fen,
        "corrects": seen.corrects,
        "recorded_at": uow.now,
        "recorded_by": uow.actor.id,
    }
