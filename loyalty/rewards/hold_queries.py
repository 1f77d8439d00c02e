"""Reads of holds. One past its time is shown as expired at that instant, whatever job has run."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointHold
from loyalty.rewards.models import HoldPurpose, Redemption, Reward


@dataclass(frozen=True, slots=True)
class HoldView:
    """A hold and what it is for; `stock` is none, kept, used or returned."""

    id: UUID
    member_id: UUID
    state: str
    points: int
    captured: int | None
    reward_id: UUID | None
    quantity: int | None
    stock: str
    order_source: str | None
    order_key: str | None
    cash_fen: int
    held_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    redemption_id: UUID | None
    reward_name_zh: str | None
    reward_name_en: str | None


_HOLDS: Select[PointHold, HoldPurpose, UUID, str, str] = (
    select(PointHold, HoldPurpose, Redemption.id, Reward.name_zh, Reward.name_en)
    .join(
        HoldPurpose,
        (HoldPurpose.member_id == PointHold.member_id) & (HoldPurpose.hold_id == PointHold.id),
    )
    .outerjoin(
        Redemption,
        (Redemption.member_id == PointHold.member_id) & (Redemption.hold_id == PointHold.id),
    )
    .outerjoin(Reward, Reward.id == HoldPurpose.reward_id)
)


def get_hold(uow: UnitOfWork, hold_id: UUID, *, member_id: UUID | None = None) -> HoldView:
    """One hold, of this member if one is given. Raises NotFound `hold_not_found`."""
    wanted = _HOLDS.where(PointHold.id == hold_id)
    if member_id:
        wanted = wanted.where(PointHold.member_id == member_id)
    row = uow.session.execute(wanted.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("hold_not_found")
    return _view(uow, row)


def list_holds(
    uow: UnitOfWork, member_id: UUID, *, before: UUID | None, limit: int
) -> list[HoldView]:
    """A member's holds, newest first."""
    rows = _HOLDS.where(PointHold.member_id == member_id)
    if before:
        rows = rows.where(PointHold.id < before)
    found = uow.session.execute(rows.order_by(PointHold.id.desc()).limit(limit))
    return [_view(uow, row) for row in found]


def open_holds(uow: UnitOfWork, member_id: UUID, *, limit: int) -> list[HoldView]:
    """What a member's holds keep now, the one that ends soonest first."""
    rows = _HOLDS.where(
        PointHold.member_id == member_id,
        PointHold.state == "open",
        PointHold.expires_at > uow.now,
    )
    found = uow.session.execute(rows.order_by(PointHold.expires_at, PointHold.id).limit(limit))
    return [_view(uow, row) for row in found]


def _view(uow: UnitOfWork, row: Row[PointHold, HoldPurpose, UUID, str, str]) -> HoldView:
    hold, purpose, redemption_id, name_zh, name_en = row
    over = hold.state == "open" and hold.expires_at <= uow.now
    return HoldView(
        id=hold.id,
        member_id=hold.member_id,
        state="expired" if over else hold.state,
        points=hold.points,
        captured=hold.captured,
        reward_id=purpose.reward_id,
        quantity=purpose.quantity,
        stock=purpose.stock,
        order_source=purpose.order_source,
        order_key=purpose.order_key,
        cash_fen=purpose.cash_fen,
        held_at=hold.held_at,
        expires_at=hold.expires_at,
        ended_at=hold.expires_at if over else hold.ended_at,
        redemption_id=redemption_id,
        reward_name_zh=name_zh,
        reward_name_en=name_en,
    )
