"""The catalogue as one member sees it today: his prices, and whether he may redeem (F35-F37).

It tells, it does not bind: a redemption decides anew, under the lock of the account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select

from kernel.clock import start_of_day
from kernel.unit_of_work import UnitOfWork
from loyalty.points.queries import balance
from loyalty.rewards.models import Reward, RewardStock
from loyalty.rewards.rules.offer import Offer, decide, period_began, plain
from loyalty.rewards.rules.terms import Cash, Fulfilment, Terms
from loyalty.rewards.terms import PLAIN_FEN_A_POINT, InForce, terms_in_force, unseen
from loyalty.rewards.terms_counts import pieces_left, taken
from loyalty.tiers.queries import tier_on


@dataclass(frozen=True, slots=True)
class LimitLeft:
    """So many pieces in a period, and what is left of them."""

    most: int
    period: str
    left: int


@dataclass(frozen=True, slots=True)
class Offered:
    """A reward as this member has it today. `points` is his price for a piece, by his `tier`;
    `reason` is the code he would be refused with, None when he may redeem. `cash_fen` he would pay
    beside all his points for what is missing of the price: 0 when they are enough, None when the
    terms do not let him."""

    id: UUID
    code: str
    kind: str
    name_zh: str
    name_en: str
    points: int
    tier: str | None
    terms_version: int | None
    may_redeem: bool
    reason: str | None
    available_from: date | None
    available_until: date | None
    limit: LimitLeft | None
    cash: Cash | None
    cash_fen: int | None
    fulfilment: str
    in_stock: int


@dataclass(frozen=True, slots=True)
class Saver:
    """What an offer asks of a member: his tier today, his points now, whether he is frozen."""

    member_id: UUID
    tier: str | None
    points: int
    frozen: bool


@dataclass(frozen=True, slots=True)
class _Stock:
    pooled: bool
    pieces: int

    def left(self, terms: Terms) -> int:
        """The pieces that can be handed out: those of a pool with a code, and no others without."""
        coded = terms.fulfilment is Fulfilment.CODE
        return self.pieces if coded == self.pooled else 0


def offers(uow: UnitOfWork, member_id: UUID, *, after: UUID | None, limit: int) -> list[Offered]:
    """The rewards a member sees on this business day, in the order in which they were offered.

    Raises NotFound `member_not_found`.
    """
    has = balance(uow, member_id)
    saver = Saver(member_id, tier_on(uow, member_id, uow.today), has.available, has.frozen)
    rows = _REWARDS.where(Reward.id > after) if after else _REWARDS
    return _offers(uow, saver, rows.order_by(Reward.id).limit(limit))


def newest_offers(uow: UnitOfWork, saver: Saver, *, limit: int) -> list[Offered]:
    """The same for a member of whom all is known, what was offered last first."""
    return _offers(uow, saver, _REWARDS.order_by(Reward.id.desc()).limit(limit))


_REWARDS: Final = select(Reward, RewardStock.codes.is_not(None)).join(
    RewardStock, RewardStock.reward_id == Reward.id
)


def _offers(uow: UnitOfWork, saver: Saver, rows: Select[Reward, bool]) -> list[Offered]:
    termed = terms_in_force(uow)
    seen = rows.where(Reward.code.not_in(unseen(termed, uow.today)))
    found = uow.session.execute(seen.add_columns(pieces_left(uow))).all()
    had = taken(uow, saver.member_id, _limited(uow, [row[0] for row in found], termed))
    return [
        _offered(
            uow, saver, reward, _Stock(pooled, int(pieces)), termed.get(reward.code),
            taken=had.get(reward.id, 0),
        )
        for reward, pooled, pieces in found
    ]  # fmt: skip


def _limited(
    uow: UnitOfWork, rewards: Sequence[Reward], termed: Mapping[str, InForce]
) -> dict[UUID, datetime | None]:
    """Since when the pieces of those with a limit count."""
    since: dict[UUID, datetime | None] = {}
    for reward in rewards:
        known = termed.get(reward.code)
        if known and known.terms.limit:
            began = period_began(known.terms.limit.period, uow.today)
            since[reward.id] = start_of_day(began, uow.zone) if began else None
    return since


def _offered(
    uow: UnitOfWork,
    saver: Saver,
    reward: Reward,
    stock: _Stock,
    known: InForce | None,
    *,
    taken: int,
) -> Offered:
    terms = known.terms if known else plain(reward.points, PLAIN_FEN_A_POINT)
    offer = decide(terms, day=uow.today, tier=saver.tier, taken=taken)
    left, cash_fen = stock.left(terms), _cash_fen(offer, saver.points)
    reason = _reason(offer, saver, cash_fen, left)
    return Offered(
        id=reward.id,
        code=reward.code,
        kind=reward.kind,
        name_zh=reward.name_zh,
        name_en=reward.name_en,
        points=offer.price,
        tier=saver.tier if known else None,
        terms_version=known.version if known else None,
        may_redeem=reason is None,
        reason=reason,
        available_from=terms.available.begins,
        available_until=terms.available.ends,
        limit=_limit(terms, offer),
        cash=terms.cash,
        cash_fen=cash_fen,
        fulfilment=str(terms.fulfilment),
        in_stock=left,
    )


def _reason(offer: Offer, saver: Saver, cash_fen: int | None, stock: int) -> str | None:
    """In the order in which a redemption asks."""
    if offer.refused:
        return str(offer.refused)
    if saver.frozen:
        return "account_frozen"
    if cash_fen is None:
        return "insufficient_points"
    return None if stock else "out_of_stock"


def _cash_fen(offer: Offer, points: int) -> int | None:
    """What a member with so many points pays in cash besides for a piece (F37)."""
    missing = offer.price - points
    if missing <= 0:
        return 0
    if offer.fen_a_point is None or points < offer.least_points:
        return None
    return missing * offer.fen_a_point


def _limit(terms: Terms, offer: Offer) -> LimitLeft | None:
    if terms.limit is None or offer.left is None:
        return None
    return LimitLeft(terms.limit.most, str(terms.limit.period), offer.left)
