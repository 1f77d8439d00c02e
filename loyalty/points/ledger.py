"""The one door to a balance: nothing else writes an account, a lot, a posting set or an entry.

Each verb is one call of a server-side function, which locks the account and then decides.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Integer, Numeric, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointAccount

MOST_POINTS = 10_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """The document that makes a posting unique for ever: `name` of the system, `key` in it."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How an accrual came about and how long it lasts; `unit_cost_fen` is for one point."""

    rule_id: str
    rule_version: int
    business_on: date
    available_at: datetime
    expires_at: datetime | None
    unit_cost_fen: Decimal


@dataclass(frozen=True, slots=True)
class Posted:
    """What a posting did: its id and the points spendable right after it."""

    posting_set_id: UUID
    spendable: int


def _statement(function: str, **types: Any) -> Any:
    names = ", ".join(f"p_{name} => :{name}" for name in types)
    return text(f"SELECT * FROM {function}({names})").bindparams(  # noqa: S608 (constants)
        *(bindparam(name, type_=kind) for name, kind in types.items())
    )


_ACTOR = {"actor_id": Text, "actor_role": Text, "request_id": Text, "now": DateTime(timezone=True)}
_COMMON = {
    "dealer": Uuid,
    "member": Uuid,
    "set": Uuid,
    "points": BigInteger,
    "business_on": Date,
    "source": Text,
    "source_key": Text,
    **_ACTOR,
}
_ACCRUE = _statement(
    "point_accrue",
    **_COMMON,
    lot=Uuid,
    issuer=Uuid,
    available_at=DateTime(timezone=True),
    expires_at=DateTime(timezone=True),
    rule_id=Text,
    rule_version=Integer,
    unit_cost_fen=Numeric,
)
_BURN = _statement("point_burn", **_COMMON)


def open_account(uow: UnitOfWork, member_id: UUID) -> None:
    """Give a member an empty account; a second call changes nothing."""
    uow.session.execute(
        insert(PointAccount)
        .values(
            member_id=member_id,
            dealer_id=uow.dealer_id,
            available=0,
            pending=0,
            held=0,
            arrears=0,
            version=1,
        )
        .on_conflict_do_nothing()
    )


def accrue(
    uow: UnitOfWork, member_id: UUID, points: int, *, issuer_id: UUID, source: Source, terms: Terms
) -> Posted:
    """Credit points as a new lot. The caller owns the uniqueness of `source` among members.

    Raises RuleViolation `points_out_of_range`, NotFound `member_not_found`.
    """
    _in_range(points)
    posting_set = new_id()
    spendable = uow.session.execute(
        _ACCRUE,
        _common(uow, member_id, points, posting_set, source)
        | asdict(terms)
        | {"lot": new_id(), "issuer": issuer_id},
    ).scalar_one()
    if spendable is None:
        raise NotFound("member_not_found")
    return Posted(posting_set, spendable)


def burn(uow: UnitOfWork, member_id: UUID, points: int, *, source: Source) -> Posted:
    """Take points from the lots that expire soonest.

    Raises RuleViolation `points_out_of_range`, NotFound `member_not_found`, Conflict
    `insufficient_points` with what there is.
    """
    _in_range(points)
    posting_set = new_id()
    values = _common(uow, member_id, points, posting_set, source) | {"business_on": uow.today}
    done, spendable = uow.session.execute(_BURN, values).one()
    if done is None:
        raise NotFound("member_not_found")
    if not done:
        raise Conflict("insufficient_points", spendable=spendable, needed=points)
    return Posted(posting_set, spendable)


def _in_range(points: int) -> None:
    if not 1 <= points <= MOST_POINTS:
        raise RuleViolation("points_out_of_range", most=MOST_POINTS)


def _common(
    uow: UnitOfWork, member_id: UUID, points: int, posting_set: UUID, source: Source
) -> dict[str, Any]:
    return {
        "dealer": uow.dealer_id,
        "member": member_id,
        "set": posting_set,
        "points": points,
        "source": source.name,
        "source_key": source.key,
        "actor_id": uow.actor.id,
        "actor_role": uow.actor.role,
        "request_id": uow.request_id,
        "now": uow.now,
    }
