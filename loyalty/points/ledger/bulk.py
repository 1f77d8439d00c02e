"""Credits of many documents at once: staged, then opened by one call of the same function.

Members whose order of postings matters are credited posting set by posting set, in order.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, text

from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.staging import staged
from kernel.unit_of_work import UnitOfWork
from loyalty.points.ledger.calls import act_json, in_range
from loyalty.points.ledger.values import Against, Credit, Source

_KIND: Final = "accrual"
_AGAINST: Final = Against.ISSUED.value
_COLUMNS: Final = (
    *("ordinal", "member_id", "set_id", "kind", "source", "source_key", "business_on", "against"),
    *("lot_id", "issuer_id", "points", "rule_id", "rule_version", "unit_cost_fen"),
    *("available_at", "awaits", "cancel_at", "expires_at"),
    *("inactivity_months", "inactivity_round"),
)
_CREDIT: Final = (
    "SELECT point_credit_all(jsonb_populate_record(NULL::point_act, CAST(:act AS jsonb)),"
    " array_agg(ROW(staged.*)::point_credit ORDER BY staged.ordinal))"
    " FROM point_credit_staged staged WHERE "
)
_TOGETHER: Final = text(f"{_CREDIT} staged.member_id <> ALL (:alone)")
_OWING: Final = text(
    "SELECT member_id FROM point_account WHERE member_id = ANY (:members) AND arrears > 0"
)
_ALONE: Final = text(f"{_CREDIT} staged.set_id = :set")


@dataclass(frozen=True, slots=True)
class StagedCredit:
    """One lot to be opened by a document; credits of one posting set stand beside each other."""

    member_id: UUID
    set_id: UUID
    source: Source
    credit: Credit


def credit_staged(uow: UnitOfWork, staged_credits: Sequence[StagedCredit]) -> None:
    """Credit many posting sets, with the result that `credit` has for one after the other.

    The caller holds the locks of the accounts (`lock`). Raises as `credit`.
    """
    if not staged_credits:
        return
    rows = (_row(ordinal, each) for ordinal, each in enumerate(staged_credits))
    with staged(uow.session, "point_credit_staged", "OF point_credit", _COLUMNS, rows):
        act = act_json(uow, Source(_KIND, uow.request_id), None)
        alone = _owing(uow, {each.member_id for each in staged_credits}) | _out_of_order(
            staged_credits
        )
        if any(each.member_id not in alone for each in staged_credits):
            _call(uow, _TOGETHER, act=act, alone=list(alone))
        sets = dict.fromkeys(each.set_id for each in staged_credits if each.member_id in alone)
        for posting_set in sets:
            _call(uow, _ALONE, act=act, set=posting_set)


def _row(ordinal: int, staged_credit: StagedCredit) -> tuple[object, ...]:
    credit, source = staged_credit.credit, staged_credit.source
    in_range(credit.points)
    terms = credit.terms
    return (
        *(ordinal, staged_credit.member_id, staged_credit.set_id, _KIND, source.name, source.key),
        *(terms.business_on, _AGAINST, credit.lot_id or new_id(), credit.issuer_id),
        *(credit.points, terms.rule_id, terms.rule_version, terms.unit_cost_fen),
        *(terms.available_at, terms.awaits, terms.cancel_at, terms.expires_at),
        *(terms.inactivity_months, terms.inactivity_round),
    )


def _call(uow: UnitOfWork, statement: TextClause, **arguments: object) -> None:
    if not uow.session.scalar(statement, arguments):
        raise NotFound("member_not_found")


def _owing(uow: UnitOfWork, members: Collection[UUID]) -> set[UUID]:
    """Members in arrears: each of their credits pays a part, from the lots that are there then."""
    return set(uow.session.scalars(_OWING, {"members": list(members)}))


def _out_of_order(staged_credits: Sequence[StagedCredit]) -> set[UUID]:
    """Members told of an earlier visit after a later one, with lots that visits keep alive (F5):
    a lot's end then depends on which visit was told first."""
    idle = {each.member_id for each in staged_credits if each.credit.terms.inactivity_months}
    latest: dict[UUID, date] = {}
    found = set()
    for each in staged_credits:
        if each.member_id in idle:
            day = each.credit.terms.business_on
            if day < latest.setdefault(each.member_id, day):
                found.add(each.member_id)
            latest[each.member_id] = max(latest[each.member_id], day)
    return found
