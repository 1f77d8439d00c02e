"""Credits: lots that are opened. A posting set has a lot for each rule that gave points."""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points.ledger.calls import act_json, in_range, json_of, spendable_of
from loyalty.points.ledger.values import Against, Credit, Posted, Source, Terms
from loyalty.points.models import PointAccount


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


def lock(uow: UnitOfWork, member_ids: Sequence[UUID]) -> None:
    """Take the account locks of these members, in the order of their ids, until the end of the
    transaction: for rules that count what was given before (caps, cooldowns).

    Raises NotFound `member_not_found`.
    """
    found = uow.session.scalars(select(func.point_lock(list(set(member_ids))))).one()
    if found != len(set(member_ids)):
        raise NotFound("member_not_found")


def accrue(
    uow: UnitOfWork, member_id: UUID, points: int, *, issuer_id: UUID, source: Source, terms: Terms
) -> Posted:
    """Credit points as one new lot. The caller owns the uniqueness of `source` among members.

    Raises RuleViolation `points_out_of_range`, NotFound `member_not_found`.
    """
    return credit(uow, member_id, [Credit(points, issuer_id, terms)], source=source)


def credit(
    uow: UnitOfWork,
    member_id: UUID,
    parts: Sequence[Credit],
    *,
    source: Source,
    kind: str = "accrual",
    against: Against = Against.ISSUED,
    reason: str | None = None,
) -> Posted:
    """Credit one posting set, a lot for each credit; arrears are settled from it at once (F9).

    A credit may name the id its lot shall have.

    Raises RuleViolation `points_out_of_range`, NotFound `member_not_found`.
    """
    posting_set = new_id()
    rows = []
    for place, each in enumerate(parts):
        in_range(each.points)
        rows.append(
            asdict(each.terms)
            | {
                "ordinal": place,
                "member_id": member_id,
                "set_id": posting_set,
                "kind": kind,
                "source": source.name,
                "source_key": source.key,
                "against": against,
                "lot_id": each.lot_id or new_id(),
                "issuer_id": each.issuer_id,
                "points": each.points,
            }
        )
    known = uow.session.scalar(
        text(
            "SELECT point_credit_all(jsonb_populate_record(NULL::point_act, CAST(:act AS jsonb)),"
            " (SELECT array_agg(c) FROM jsonb_populate_recordset(NULL::point_credit,"
            " CAST(:credits AS jsonb)) c))"
        ),
        {"act": act_json(uow, source, reason), "credits": json_of(rows)},
    )
    if not known:
        raise NotFound("member_not_found")
    return Posted(posting_set, spendable_of(uow, member_id))
