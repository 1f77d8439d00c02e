"""The nightly proof: what must be true of the ledger, asked of the data itself (ledger.md).

Each check selects the rows that break an invariant; none found is the proof. Run it in a read-only
`owner_session`: a login that sees no rows would prove anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant, its number in ledger.md, and the query for what breaks it."""

    number: str
    says: str
    breaks: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How many rows break a check; `example` is the key of one of them."""

    number: str
    says: str
    count: int
    example: str | None


CHECKS = (
    Check(
        "I1",
        "the entries of a posting set sum to zero",
        "SELECT member_id, posting_set_id FROM point_entry"
        " GROUP BY member_id, posting_set_id HAVING sum(points) <> 0",
    ),
    Check(
        "I1",
        "a posting set has the entries of its points",
        "SELECT s.member_id, s.id FROM posting_set s LEFT JOIN point_entry e"
        " ON e.member_id = s.member_id AND e.posting_set_id = s.id AND e.side = 'member'"
        " GROUP BY s.member_id, s.id HAVING COALESCE(sum(e.points), 0) <> s.points",
    ),
    Check(
        "I2",
        "the stored balance is the sum of the entries",
        "SELECT a.member_id FROM point_account a LEFT JOIN point_entry e"
        " ON e.member_id = a.member_id AND e.side = 'member'"
        " GROUP BY a.member_id, a.available HAVING COALESCE(sum(e.points), 0) <> a.available",
    ),
    Check(
        "I2",
        "the stored balance is the sum of the open lots",
        "SELECT a.member_id FROM point_account a LEFT JOIN point_lot l"
        " ON l.member_id = a.member_id AND l.open"
        " GROUP BY a.member_id, a.available HAVING COALESCE(sum(l.remaining), 0) <> a.available",
    ),
    Check(
        "I2",
        "what is left of a lot is what its entries left",
        "SELECT l.member_id, l.id FROM point_lot l LEFT JOIN point_entry e"
        " ON e.member_id = l.member_id AND e.lot_id = l.id"
        " GROUP BY l.member_id, l.id, l.remaining"
        " HAVING COALESCE(sum(e.points), 0) <> l.remaining",
    ),
    Check(
        "I3",
        "no running balance was ever below zero",
        "SELECT member_id FROM (SELECT s.member_id, sum(s.points) OVER"
        " (PARTITION BY s.member_id ORDER BY s.account_version) AS running FROM posting_set s) walk"
        " WHERE running < 0 GROUP BY member_id",
    ),
    Check(
        "I4",
        "a document has one posting set, of its points",
        "SELECT d.id FROM source_document d LEFT JOIN posting_set s"
        " ON s.member_id = d.member_id AND s.id = d.posting_set_id"
        " WHERE d.points <> COALESCE(s.points, 0)"
        " OR (s.id IS NOT NULL AND (s.source, s.source_key) <> (d.source, d.source_event_id))",
    ),
    Check(
        "I7",
        "stock left and redeemed is the stock received",
        "SELECT k.reward_id FROM reward_stock k LEFT JOIN redemption r"
        " ON r.reward_id = k.reward_id GROUP BY k.reward_id, k.received, k.available"
        " HAVING k.available < 0 OR k.received - k.available <> COALESCE(sum(r.quantity), 0)",
    ),
    Check(
        "I7",
        "a redemption took the points it cost",
        "SELECT r.id FROM redemption r LEFT JOIN posting_set s"
        " ON s.member_id = r.member_id AND s.id = r.posting_set_id"
        " WHERE s.points IS DISTINCT FROM -r.points",
    ),
    Check(
        "I8",
        "a posting set has exactly one event",
        "SELECT s.id FROM posting_set s LEFT JOIN outbox_event o ON o.subject_id = s.member_id"
        " AND o.kind LIKE 'points.%' AND (o.data ->> 'posting_set_id')::uuid = s.id"
        " GROUP BY s.id HAVING count(o.id) <> 1",
    ),
    Check(
        "I9",
        "the dealer is the same along every relation",
        "SELECT e.member_id, e.posting_set_id FROM point_entry e"
        " JOIN posting_set s ON s.member_id = e.member_id AND s.id = e.posting_set_id"
        " JOIN point_account a ON a.member_id = e.member_id"
        " WHERE e.dealer_id <> s.dealer_id OR e.dealer_id <> a.dealer_id",
    ),
)


def prove(session: Session, checks: tuple[Check, ...] = CHECKS) -> Iterator[Finding]:
    """Run the checks one by one; a finding with count zero holds."""
    for check in checks:
        counted = text(f"SELECT count(*) FROM ({check.breaks}) broken")  # noqa: S608 (constants)
        count = session.scalars(counted).one()
        yield Finding(check.number, check.says, count, _example(session, check) if count else None)


def _example(session: Session, check: Check) -> str:
    row = session.execute(text(f"{check.breaks} LIMIT 1")).one()
    return ", ".join(str(value) for value in row)
