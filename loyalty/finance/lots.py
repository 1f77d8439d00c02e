"""What every lot held at an instant, and what became of the lots of the past.

A lot then is the lot now less what was posted since: cheap for a recent day, right for any
(invariant I2). A point past its lot's date is owed no more, written or not, unless an open hold
keeps it; points whose event did not come in time neither (F4, F6, F7).
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import text

from kernel.unit_of_work import UnitOfWork
from loyalty.finance.rules.breakage import Vintage

_LOTS: Final = """
    WITH since AS (
        SELECT e.member_id, e.lot_id, sum(e.points) AS points,
               bool_or(e.posting_set_id = l.posting_set_id) AS opened
        FROM posting_set s
        JOIN point_entry e ON e.member_id = s.member_id AND e.posting_set_id = s.id
            AND e.side = 'member'
        JOIN point_lot l ON l.member_id = e.member_id AND l.id = e.lot_id
        WHERE s.dealer_id = :dealer AND s.posted_at >= :until
        GROUP BY e.member_id, e.lot_id
    ), kept AS (
        SELECT e.member_id, e.lot_id, sum(e.points) AS points
        FROM point_hold h
        JOIN point_entry e ON e.member_id = h.member_id AND e.posting_set_id = h.posting_set_id
            AND e.account = 'held'
        WHERE h.dealer_id = :dealer AND h.held_at < :until AND h.expires_at > :until
            AND (h.ended_at IS NULL OR h.ended_at >= :until)
        GROUP BY e.member_id, e.lot_id
    ), lot AS (
        SELECT l.*,
               CASE WHEN l.expires_at <= :until
                         OR (l.available_at IS NULL AND l.cancel_at <= :until)
                    THEN COALESCE(kept.points, 0)
                    ELSE l.remaining + l.held - COALESCE(since.points, 0)
               END AS owed,
               COALESCE(since.opened, false) AS later
        FROM point_lot l
        LEFT JOIN since ON since.member_id = l.member_id AND since.lot_id = l.id
        LEFT JOIN kept ON kept.member_id = l.member_id AND kept.lot_id = l.id
        WHERE l.dealer_id = :dealer
    )
"""
_OWED: Final = text(
    _LOTS  # noqa: S608 (constants)
    + """
    SELECT issuer_id,
           date_trunc('quarter', (expires_at - interval '1 microsecond') AT TIME ZONE :zone)::date
               AS quarter,
           sum(owed) AS points, sum(owed * unit_cost_fen) AS exact_fen
    FROM lot WHERE owed <> 0
    GROUP BY 1, 2 ORDER BY 1, 2 NULLS LAST
    """
)
_VINTAGES: Final = text(
    _LOTS  # noqa: S608 (constants)
    + """
    , onward AS (
        SELECT origin_lot_id, sum(points) AS points FROM point_lot
        WHERE dealer_id = :dealer AND origin_lot_id IS NOT NULL GROUP BY origin_lot_id
    )
    SELECT date_trunc('quarter', business_on)::date AS begins_on, count(*) AS lots,
           count(*) FILTER (WHERE owed > 0) AS open_lots,
           sum(lot.points - COALESCE(onward.points, 0)) AS points,
           sum(expired - reinstated + CASE WHEN expires_at <= :now THEN remaining ELSE 0 END)
               AS expired
    FROM lot LEFT JOIN onward ON onward.origin_lot_id = lot.id
    WHERE expires_at IS NOT NULL AND NOT later AND lot.points > COALESCE(onward.points, 0)
    GROUP BY 1 ORDER BY 1
    """
)


@dataclass(frozen=True, slots=True)
class Owed:
    """Points of one issuer whose last usable day lies in the quarter that begins on a day; None
    never ends."""

    issuer_id: UUID
    quarter: date | None
    points: int
    exact_fen: Decimal


def owed_points(uow: UnitOfWork, until: datetime) -> list[Owed]:
    """What was owed at an instant, by issuer and quarter, with its exact cost in fen."""
    asked = {"dealer": uow.dealer_id, "until": until, "zone": uow.zone.key}
    return [
        Owed(row.issuer_id, row.quarter, int(row.points), row.exact_fen)
        for row in uow.session.execute(_OWED, asked)
    ]


def vintages(uow: UnitOfWork, until: datetime) -> list[Vintage]:
    """Lots with an end that were opened before an instant, by the quarter of their business day.

    Which had ended is as of then; what had become of those is as known now.
    """
    asked = {"dealer": uow.dealer_id, "until": until, "now": uow.now}
    return [
        Vintage(row.begins_on, row.lots, row.open_lots, int(row.points), int(row.expired))
        for row in uow.session.execute(_VINTAGES, asked)
    ]
