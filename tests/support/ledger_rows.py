"""What the ledger's tables say of a member, read as the service reads them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import text

from tests.support.shop import Shop

BREAKS = {
    "account and lots": (
        "SELECT FROM point_account WHERE member_id = :member AND (available, held) <> ("
        " SELECT COALESCE(sum(remaining), 0), COALESCE(sum(held), 0)"
        " FROM point_lot WHERE member_id = :member)"
    ),
    "account and entries": (
        "SELECT FROM point_account WHERE member_id = :member AND (available, held) <> ("
        " SELECT COALESCE(sum(points) FILTER (WHERE account = 'available'), 0),"
        " COALESCE(sum(points) FILTER (WHERE account = 'held'), 0)"
        " FROM point_entry WHERE member_id = :member AND side = 'member')"
    ),
    "events": (
        "SELECT FROM posting_set s LEFT JOIN outbox_event o"
        " ON o.subject_id = s.member_id AND (o.data ->> 'posting_set_id')::uuid = s.id"
        " WHERE s.member_id = :member GROUP BY s.id HAVING count(o.id) <> 1"
    ),
}


def rows(shop: Shop, sql: str, **values: Any) -> list[Any]:
    """Rows of this dealer."""
    with shop.service.database.transaction(shop.dealer_id) as session:
        return list(session.execute(text(sql), values))


def lots(shop: Shop, member: uuid.UUID) -> list[tuple[uuid.UUID, int, int, datetime]]:
    """Every lot of a member: id, points left, points held, end; soonest end first."""
    asked = (
        "SELECT id, remaining, held, expires_at FROM point_lot WHERE member_id = :member"
        " ORDER BY expires_at, id"
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows(shop, asked, member=member)]


def account(shop: Shop, member: uuid.UUID) -> tuple[int, int]:
    """Points available and held, as the account keeps them."""
    asked = "SELECT available, held FROM point_account WHERE member_id = :member"
    [found] = rows(shop, asked, member=member)
    return found[0], found[1]


def stock(shop: Shop, reward: str) -> int:
    """Pieces on the shelf."""
    [found] = rows(shop, "SELECT available FROM reward_stock WHERE reward_id = :id", id=reward)
    return int(found[0])


def broken(shop: Shop, member: uuid.UUID) -> list[str]:
    """Where account, lots and entries of a member disagree, and events told not exactly once."""
    return [name for name, sql in BREAKS.items() if rows(shop, sql, member=member)]
