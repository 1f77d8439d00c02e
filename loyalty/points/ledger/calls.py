"""How a verb calls its server-side function, and the typed error for what that refused."""

import json
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, select, text

from kernel.errors import Conflict, DomainError, NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.points.ledger.values import MOST_POINTS, Posted, Source

_CODE: Final = {
    "no_account": "member_not_found",
    "frozen": "account_frozen",
    "no_hold": "hold_not_found",
    "ended": "hold_ended",
    "too_many": "capture_exceeds_hold",
    "no_set": "posting_not_found",
    "again": "already_reversed",
    "no_lot": "lot_not_found",
    "nothing_waits": "nothing_pending",
}
_FAMILY: Final[dict[str, type[DomainError]]] = {
    "no_account": NotFound,
    "no_hold": NotFound,
    "no_set": NotFound,
    "no_lot": NotFound,
    "too_many": RuleViolation,
}


def call(
    uow: UnitOfWork, function: str, source: Source, *, reason: str | None = None, **arguments: Any
) -> Row[Any]:
    act = "jsonb_populate_record(NULL::point_act, CAST(:act AS jsonb))"
    statement = text(f"SELECT * FROM {function.replace(':act', act, 1)}")  # noqa: S608 (constants)
    return uow.session.execute(statement, {"act": act_json(uow, source, reason), **arguments}).one()


def posted(row: Row[Any], posting_set: UUID, *, needed: int) -> Posted:
    refuse_unless_done(row.outcome, spendable=row.spendable, needed=needed)
    return Posted(posting_set, int(row.spendable))


def refuse_unless_done(outcome: str, **facts: int | None) -> None:
    if outcome != "done":
        raise refusal(outcome, **facts)


def refusal(
    outcome: str, *, spendable: int | None = None, needed: int | None = None
) -> DomainError:
    """The typed error for what a function of the ledger refused."""
    if outcome == "insufficient":
        return Conflict("insufficient_points", spendable=spendable, needed=needed)
    return _FAMILY.get(outcome, Conflict)(_CODE[outcome])


def spendable_of(uow: UnitOfWork, member_id: UUID) -> int:
    return int(uow.session.scalars(select(func.point_spendable(member_id, uow.now))).one())


def in_range(points: int) -> None:
    if not 1 <= points <= MOST_POINTS:
        raise RuleViolation("points_out_of_range", most=MOST_POINTS)


def act_json(uow: UnitOfWork, source: Source, reason: str | None) -> str:
    return json_of(
        {
            "dealer_id": uow.dealer_id,
            "business_on": uow.today,
            "source": source.name,
            "source_key": source.key,
            "reason": reason,
            "actor_id": uow.actor.id,
            "actor_role": uow.actor.role,
            "request_id": uow.request_id,
            "now": uow.now,
        }
    )


def json_of(value: Any) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
