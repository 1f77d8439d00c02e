"""Show the codes (券码) of a redemption to the owner it belongs to, and to nobody else.

A code revealed may have been used: it never comes back to the pool (F38).
"""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import select, update

from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from loyalty.points.freeze import refuse_frozen
from loyalty.rewards.code_models import RewardCode
from loyalty.rewards.codes import COLUMN
from loyalty.rewards.fulfil import State, course_of


@dataclass(frozen=True, slots=True)
class Revealed:
    """A code in clear and its own last day."""

    code: str = field(repr=False)
    ends_on: date | None


def reveal(uow: UnitOfWork, redemption_id: UUID) -> list[Revealed]:
    """The codes of the caller's own redemption; the first time marks them revealed.

    Raises NotFound `redemption_not_found`, Conflict `redemption_cancelled`,
    `redemption_without_codes`, `account_frozen`.
    """
    course = course_of(uow, redemption_id, locked=True)
    if course.has(State.CANCELLED):
        raise Conflict("redemption_cancelled")
    refuse_frozen(uow, course.redemption.member_id)
    issued = (RewardCode.redemption_id == redemption_id, RewardCode.state == "issued")
    marked = uow.session.scalars(
        update(RewardCode)
        .where(*issued, RewardCode.revealed_at.is_(None))
        .values(revealed_at=uow.now, revealed_by=uow.actor.id)
        .returning(RewardCode.id)
        .execution_options(synchronize_session=False)
    ).all()
    found = uow.session.execute(
        select(RewardCode.id, RewardCode.sealed, RewardCode.ends_on)
        .where(*issued)
        .order_by(RewardCode.id)
    ).all()
    if not found:
        raise Conflict("redemption_without_codes")
    uow.audit("reward.codes_revealed", redemption_id, codes=len(found), first=len(marked))
    return [Revealed(uow.open(row.sealed, column=COLUMN, row=row.id), row.ends_on) for row in found]
