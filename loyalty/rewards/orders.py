"""An order of another system holds points once at a time: `hold_purpose.live` is the hold it has.

A reader would break this by asking how a hold ended before its purpose is locked.
"""

from sqlalchemy import ColumnElement, select, update

from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointHold
from loyalty.rewards.models import HoldPurpose


def free_order(uow: UnitOfWork, source: str, key: str) -> None:
    """Let the order go from a hold that was released or ran out, whatever job has run; one that is
    open or captured keeps it. Locked in one statement, decided in the next."""
    kept = (
        HoldPurpose.dealer_id == uow.dealer_id,
        HoldPurpose.order_source == source,
        HoldPurpose.order_key == key,
        HoldPurpose.live,
    )
    uow.session.execute(select(HoldPurpose.hold_id).where(*kept).with_for_update())
    over = PointHold.state.in_(("released", "expired")) | (
        (PointHold.state == "open") & (PointHold.expires_at <= uow.now)
    )
    ended = (HoldPurpose.member_id == PointHold.member_id) & (HoldPurpose.hold_id == PointHold.id)
    uow.session.execute(
        update(HoldPurpose)
        .where(*kept, ended, over)
        .values(live=False)
        .execution_options(synchronize_session=False)
    )


def let_go(uow: UnitOfWork, purpose: HoldPurpose) -> None:
    """The hold was released: its order may hold again."""
    uow.session.execute(
        update(HoldPurpose)
        .where(*_one(purpose))
        .values(live=False)
        .execution_options(synchronize_session=False)
    )


def refuse_let_go(uow: UnitOfWork, purpose: HoldPurpose) -> None:
    """For a capture: an order that was let go may be held anew, so this hold is over.

    Raises Conflict `hold_ended`.
    """
    live = select(HoldPurpose.live).where(*_one(purpose)).with_for_update()
    if not uow.session.scalars(live).one():
        raise Conflict("hold_ended")


def _one(purpose: HoldPurpose) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        HoldPurpose.member_id == purpose.member_id,
        HoldPurpose.hold_id == purpose.hold_id,
    )
