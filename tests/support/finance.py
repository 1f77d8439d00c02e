"""A finance lead's month: points of partners, burns at partners, days that pass, closes."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from api.commands.work import unit_of_work
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.finance.days import Month, month_of
from loyalty.points import ledger
from loyalty.points.ledger import Credit, Source, Terms
from tests.support.clock import TestClock
from tests.support.shop import Shop
from tests.support.story import ok

WIDE: dict[str, Any] = {"limit": "200"}


@contextmanager
def work(shop: Shop, *, now: datetime | None = None) -> Iterator[UnitOfWork]:
    """One transaction of the service for this dealer."""
    with unit_of_work(shop.service, shop.dealer_id, role=Role.CRM, client="test", now=now) as uow:
        yield uow


def terms(uow: UnitOfWork, **facts: Any) -> Terms:
    """Points that can be spent at once and never expire, at one fen each, unless said."""
    usual: dict[str, Any] = {
        "rule_id": "test",
        "rule_version": 1,
        "business_on": uow.today,
        "available_at": uow.now,
        "expires_at": None,
        "unit_cost_fen": Decimal("1.0000"),
    }
    return Terms(**usual | facts)


def source() -> Source:
    return Source("test", uuid.uuid4().hex)


def give(
    shop: Shop, member: uuid.UUID, points: int, *, issuer: uuid.UUID | None = None, **facts: Any
) -> uuid.UUID:
    """One lot of an issuer, the dealer himself unless named; its posting set."""
    with work(shop) as uow:
        part = Credit(points, issuer or shop.dealer_id, terms(uow, **facts))
        return ledger.credit(uow, member, [part], source=source()).posting_set_id


def burn(shop: Shop, member: uuid.UUID, points: int, at: uuid.UUID | None = None) -> uuid.UUID:
    """Spend points at a dealer, at home unless named; the posting set."""
    with work(shop) as uow:
        done = ledger.burn(uow, member, points, source=source(), honoured_by=at)
        return done.posting_set_id


def cancel(shop: Shop, member: uuid.UUID, burnt: uuid.UUID) -> None:
    with work(shop) as uow:
        ledger.restore(uow, member, burnt, reason="returned")


def honoured_elsewhere(shop: Shop, member: uuid.UUID) -> str:
    """A member's ten points spent at a dealer of another group; the id of the statement."""
    burn(shop, member, 10, at=uuid.uuid4())
    found = ok(shop.get("finance", "/v1/settlements", **WIDE), 200)["items"]
    key: str = found[0]["id"]
    return key


def this_month(shop: Shop) -> Month:
    with work(shop) as uow:
        return month_of(uow.now, uow.zone)


def today(shop: Shop) -> date:
    with work(shop) as uow:
        return uow.today


def to_next_month(shop: Shop, clock: TestClock, *, minutes: int = 11) -> Month:
    """Let time pass to so many minutes after the end of this month; the month that ended."""
    with work(shop) as uow:
        month = month_of(uow.now, uow.zone)
        wait = month.ends_at(uow.zone) + timedelta(minutes=minutes) - uow.now
    clock.add(seconds=wait.total_seconds())
    return month


def close(shop: Shop, month: Month) -> Any:
    return shop.post("finance", "/v1/month-closes", {"month": month.name})


def statements(shop: Shop, month: Month | None = None) -> list[dict[str, Any]]:
    asked = WIDE | ({"month": month.name} if month else {})
    found: list[dict[str, Any]] = ok(shop.get("finance", "/v1/settlements", **asked), 200)["items"]
    return found


def liability(shop: Shop, **query: Any) -> dict[str, Any]:
    return ok(shop.get("finance", "/v1/liability", **query), 200)


def trial_balance(shop: Shop, **query: Any) -> dict[str, Any]:
    return ok(shop.get("finance", "/v1/trial-balance", **query), 200)


def accounts(shop: Shop, issuer: uuid.UUID, **query: Any) -> dict[str, int]:
    """One issuer's trial balance, by account."""
    items = trial_balance(shop, **query)["items"]
    return {row["account"]: row["points"] for row in items if row["issuer_id"] == str(issuer)}
