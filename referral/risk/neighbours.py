"""Who recommended whom around one referral: both parties, their partners, and so on a few steps.

A reader would break this by reading every recommendation of the dealer for each referral.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Row, or_, select

from kernel.clock import business_day
from kernel.unit_of_work import UnitOfWork
from loyalty.members import lookup
from loyalty.members.lookup import Owned
from referral.models import Referral
from referral.risk.rings import Pair, Ring, ring
from referral.states import State

MONTHS_BACK: Final = timedelta(days=730)
STEPS: Final = 4
MOST_PEOPLE: Final = 100
FIRST_OWNER_WITHIN: Final = timedelta(days=60)
"""Who owns the car this long after the hand-over is a later buyer, no party of the sale."""
NEVER_BOUGHT: Final = (State.REFUSED, State.EXPIRED, State.CANCELLED, State.WITHDRAWN)

_EDGE: Final = (
    Referral.id,
    Referral.owner_id,
    Referral.buyer_phone_index,
    Referral.bought_vin_index,
    Referral.submitted_at,
    Referral.delivered_at,
)
_Edge = Row[UUID, UUID | None, bytes, bytes | None, datetime, datetime | None]


@dataclass
class _Circle:
    """What was found so far: recommendations, and keys that stand for one person."""

    edges: dict[UUID, _Edge] = field(default_factory=dict)
    same: set[Pair] = field(default_factory=set)
    met: set[UUID] = field(default_factory=set)


def ring_around(uow: UnitOfWork, referral: Referral) -> Ring:
    """The circle this recommendation belongs to, among those of the last 24 months (F52).

    A buyer is a member by the phone he was reported with, or by the car he bought; at most four
    steps and some 100 people away.
    """
    found = _Circle()
    row = uow.session.execute(select(*_EDGE).where(Referral.id == referral.id)).one()
    _take(uow, found, [row])
    since = referral.submitted_at - MONTHS_BACK
    for _ in range(STEPS):
        new = _people(found) - found.met
        if not new or len(found.met) > MOST_PEOPLE:
            break
        found.met |= new
        _take(uow, found, _of_people(uow, new, since))
    pairs = {key: (row.owner_id, row.buyer_phone_index) for key, row in found.edges.items()}
    this = pairs.pop(referral.id)
    return ring(this, pairs.values(), found.same)


def _of_people(uow: UnitOfWork, members: Collection[UUID], since: datetime) -> list[_Edge]:
    """What these members recommended, and the recommendations they were bought by."""
    phones = {each.phone_index for each in lookup.phones_of(uow, members)}
    vins = {each.vin_index for each in lookup.vins_of(uow, members)}
    rows = select(*_EDGE).where(
        Referral.submitted_at >= since,
        Referral.owner_id.is_not(None),
        Referral.state.not_in(NEVER_BOUGHT),
        or_(
            Referral.owner_id.in_(members),
            Referral.buyer_phone_index.in_(phones),
            Referral.bought_vin_index.in_(vins),
        ),
    )
    return list(uow.session.execute(rows.order_by(Referral.id).limit(MOST_PEOPLE)))


def _take(uow: UnitOfWork, found: _Circle, rows: Iterable[_Edge]) -> None:
    """Keep what is new, with the members its buyers are."""
    new = {row.id: row for row in rows if row.id not in found.edges}
    found.edges |= new
    phones = {row.buyer_phone_index for row in new.values()}
    found.same |= {(each.phone_index, each.member_id) for each in lookup.using_phones(uow, phones)}
    cars = {row.bought_vin_index: row for row in new.values() if row.bought_vin_index}
    for owned in lookup.owning_vins(uow, cars):
        row = cars[owned.vin_index]
        if _bought(uow, row, owned):
            found.same.add((row.buyer_phone_index, owned.member_id))


def _bought(uow: UnitOfWork, row: _Edge, owned: Owned) -> bool:
    if row.delivered_at is None:
        return True
    return owned.owned_from <= business_day(row.delivered_at + FIRST_OWNER_WITHIN, uow.zone)


def _people(found: _Circle) -> set[UUID]:
    owners = {row.owner_id for row in found.edges.values()}
    buyers = {member for _, member in found.same}
    return {key for key in owners | buyers if isinstance(key, UUID)}
