"""Withdraw a told fact that was wrong (F24). It stays to be seen; the right one is told anew."""

from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger
from loyalty.points.own_account import refuse_own_account
from loyalty.tiers.assess import assess
from loyalty.tiers.models import ValueFact, ValueFactWithdrawal


def withdraw_fact(uow: UnitOfWork, fact_id: UUID, *, reason: str) -> ValueFactWithdrawal:
    """Let a told fact count for nothing from now on, and move the member who has earned it.

    What a document says is corrected by a return. Raises NotFound `fact_not_found`, Forbidden
    `own_account`, Conflict `fact_withdrawn`.
    """
    told = ValueFact.id == fact_id, ValueFact.source.is_not(None)
    fact = uow.session.scalar(select(ValueFact).where(*told))
    if fact is None:
        raise NotFound("fact_not_found")
    ledger.lock(uow, [fact.member_id])
    refuse_own_account(uow, fact.member_id)
    key = (fact.member_id, fact.happened_on, fact.id)
    if uow.session.get(ValueFactWithdrawal, key) is not None:
        raise Conflict("fact_withdrawn")
    row = ValueFactWithdrawal(
        member_id=fact.member_id,
        happened_on=fact.happened_on,
        fact_id=fact.id,
        dealer_id=uow.dealer_id,
        reason=reason,
        withdrawn_at=uow.now,
        withdrawn_by=uow.actor.id,
    )
    uow.session.add(row)
    uow.session.flush()
    uow.audit("value_fact.withdrawn", fact.id, kind=fact.kind)
    assess(uow, [fact.member_id])
    return row
