"""The catalogue as one member sees it today: his prices, and whether he may redeem (F35-F37).

It tells, it does not bind: a redemption decides anew, under the lock of the account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from kernel.clock import start_of_day
from kernel.unit_of_work import UnitOfWork
from loyalty.points.queries import Balance, balance
from loyalty.rewards.models import Reward, RewardStock
from loyalty.rewards.rules.offer import Offer, decide, period_began, plain
from loyalty.rewards.rules.terms import Cash, Fulfilment, Terms
from loyalty.rewards.terms import PLAIN_FEN_A_POINT, InForce, terms_in_force
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
    `reason` is the code a redemption would be refused with, None when he may."""

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
    fulfilment: str
    in_stock: int


@dataclass(frozen=True, slots=True)
class _Member:
    tier: str | None
    balance: Balance
    taken: Mapping[UUID, int]


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
    termed = terms_in_force(uow)
    unseen = [code for code, known in termed.items() if not known.terms.visible.holds(uow.today)]
    rows = (
        select(Reward, RewardStock.codes.is_not(None), pieces_left(uow))
        .join(RewardStock, RewardStock.reward_id == Reward.id)
        .where(Reward.code.not_in(unseen))
        .order_by(Reward.id)
        .limit(limit)
    )
    if after:
        rows = rows.where(Reward.id > after)
    found = uow.session.execute(rows).all()
    member = _Member(
        tier=tier_on(uow, member_id, uow.today),
        balance=balance(uow, member_id),
        taken=taken(uow, member_id, _limited(uow, [row[0] for row in found], termed)),
    )
    return [
        _offered(uow, member, reward, _Stock(pooled, int(pieces)), termed.get(reward.code))
        for reward, pooled, pieces in found
    ]


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
    uow: UnitOfWork, member: _Member, reward: Reward, stock: _Stock, known: InForce | None
) -> Offered:
    terms = known.terms if known else plain(reward.points, PLAIN_FEN_A_POINT)
    offer = decide(terms, day=uow.today, tier=member.tier, taken=member.taken.get(reward.id, 0))
    left = stock.left(terms)
    reason = _reason(offer, member.balance, left)
    return Offered(
        id=reward.id,
        code=reward.code,
        kind=reward.kind,
        name_zh=reward.name_zh,
        name_en=reward.name_en,
        points=offer.price,
        tier=member.tier if known else None,
        terms_version=known.version if known else None,
        may_redeem=reason is None,
        reason=reason,
        available_from=terms.available.begins,
        available_until=terms.available.ends,
        limit=_limit(terms, offer),
        cash=terms.cash,
        fulfilment=str(terms.fulfilment),
        in_stock=left,
    )


def _reason(offer: Offer, account: Balance, stock: int) -> str | None:
    """In the order in which a redemption asks."""
    if offer.refused:
        return str(offer.refused)
    if account.frozen:
        return "account_frozen"
    if account.available < offer.price:
        return "insufficient_points"
    return None if stock else "out_of_stock"


def _limit(terms: Terms, offer: Offer) -> LimitLeft | None:
    if terms.limit is None or offer.left is None:
        return None
    return LimitLeft(terms.limit.most, str(terms.limit.period), offer.left)
