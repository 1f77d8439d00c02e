"""Steps of benefits over HTTP: drafted and published, reserved, used; and days that pass."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from kernel.clock import start_of_day
from loyalty.benefits.nightly import Done, settle_all
from loyalty.points.nightly import Failure
from tests.faults.rig import entered
from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.shop import Shop

WASH: dict[str, Any] = {
    "name_zh": "免费洗车",
    "name_en": "Free wash",
    "bound_to": "member",
    "period": "calendar_year",
    "quota": {"gold": 12, "silver": 6},
    "no_show": "returns",
    "reverse_days": 7,
}
LOUNGE: dict[str, Any] = WASH | {
    "name_zh": "机场贵宾厅",
    "name_en": "Airport lounge",
    "quota": {"gold": 2},
    "no_show": "forfeits",
    "supplier": "lounge",
    "cost_fen": 12_000,
    "needs_appointment": True,
}
UNITS = """
INSERT INTO benefit (dealer_id, code, version, id, state, body, effective_from, author_id,
    created_at, publisher_id, published_at)
VALUES (:dealer, 'wash', 1, :papers, 'published', '{}', '2026-01-01', :m, now(), :n, now());
INSERT INTO benefit_grant (member_id, id, dealer_id, benefit_code, benefit_version, origin,
    carried_from, period_from, period_until, valid_until, granted, reserved, used, lapsed, open)
VALUES (:m, :lasting, :dealer, 'wash', 1, 'tier', NULL, '2025-01-01', '2026-01-01', '2026-01-01',
        5, 0, 0, 5, false),
    (:m, :dated, :dealer, 'wash', 1, 'carried', :lasting, '2026-01-01', '2099-01-01',
        '2099-01-01', 2, 1, 1, 0, true);
INSERT INTO benefit_usage (member_id, id, dealer_id, grant_id, benefit_code, state, ends_at,
    cost_fen, partner_fen, honoured_by, reserved_at, reserved_by, used_at, used_by)
VALUES (:m, :kept, :dealer, :dated, 'wash', 'reserved', '2099-01-01', 0, 0, NULL, now(), 'x',
        NULL, NULL),
    (:m, :burn, :dealer, :dated, 'wash', 'used', '2099-01-01', 0, 0, :dealer, now(), 'x', now(),
        'x');
INSERT INTO benefit_entry (member_id, id, dealer_id, grant_id, usage_id, kind, granted, reserved,
    used, lapsed, actor_id, actor_role, at)
SELECT :m, gen_random_uuid(), :dealer, said.lot, said.usage, said.kind, said.granted,
    said.reserved, said.used, said.lapsed, 'x', 'x', now()
FROM (VALUES (:lasting, NULL::uuid, 'grant', 5, 0, 0, 0), (:lasting, NULL, 'carry', 0, 0, 0, 2),
    (:lasting, NULL, 'lapse', 0, 0, 0, 3), (:dated, NULL, 'grant', 2, 0, 0, 0),
    (:dated, :kept, 'reserve', 0, 1, 0, 0), (:dated, :burn, 'reserve', 0, 1, 0, 0),
    (:dated, :burn, 'use', 0, -1, 1, 0)
) said (lot, usage, kind, granted, reserved, used, lapsed)
"""
"""What the owner of the tables inserts for a member of `books`: a lot that ended, two of its units
carried over, of which one is used and one reserved."""


def go_to(shop: Shop, clock: TestClock, day: str, hour: float = 10) -> None:
    """Let time pass to an hour of a day in the dealer's zone."""
    with entered(shop) as uow:
        wanted, now = start_of_day(date.fromisoformat(day), uow.zone), uow.now
    clock.add(seconds=(wanted - now).total_seconds() + hour * 3600)


def at(shop: Shop, day: str, hour: float = 10) -> str:
    """That instant, as a request says it."""
    return datetime.fromisoformat(
        f"{day}T{int(hour):02}:{int(hour % 1 * 60):02}:00+08:00"
    ).isoformat()


def supplier(shop: Shop, code: str = "lounge") -> dict[str, Any]:
    body = {"code": code, "name_zh": "首都机场贵宾厅", "name_en": "Capital airport lounge"}
    return story.ok(shop.post("dealer_admin", "/v1/suppliers", body))


def draft(shop: Shop, code: str, body: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A version as the dealer's administrator writes it down."""
    told = {"code": code, "body": body, "effective_from": story.today(shop)} | facts
    return story.ok(shop.post("dealer_admin", "/v1/benefits", told))


def benefit(shop: Shop, code: str, body: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A version in force from today, or from the day told."""
    path = f"/v1/benefits/{draft(shop, code, body, **facts)['id']}/publications"
    return story.ok(shop.post("programme_admin", path))


def golden(shop: Shop, tier: str = "gold", **facts: str) -> uuid.UUID:
    """A member of this tier, without a car."""
    member = story.member(shop, **facts)
    earning.tier(shop, member, tier)
    return member


def left(shop: Shop, member: uuid.UUID) -> list[dict[str, Any]]:
    """What the owner sees that he has."""
    found: list[dict[str, Any]] = story.ok(
        shop.get("owner", f"/v1/members/{member}/benefits", subject=member), 200
    )["items"]
    return found


def counts(shop: Shop, member: uuid.UUID) -> dict[str, list[int | None]]:
    """Units left by benefit, lot by lot in the order of their use."""
    found: dict[str, list[int | None]] = {}
    for each in left(shop, member):
        found.setdefault(each["benefit"], []).append(each["left"])
    return found


def ask(shop: Shop, member: uuid.UUID, code: str, role: str = "owner", **facts: Any) -> Any:
    """The answer to a wish for a unit."""
    body = {"member_id": str(member), "benefit": code} | facts
    subject = member if role == "owner" else None
    return shop.post(role, "/v1/benefit-reservations", body, subject=subject)


def reserved(shop: Shop, member: uuid.UUID, code: str, **facts: Any) -> dict[str, Any]:
    return story.ok(ask(shop, member, code, **facts))


def end(
    shop: Shop,
    usage: dict[str, Any],
    how: str,
    role: str = "service_desk",
    subject: uuid.UUID | None = None,
    **body: Any,
) -> TestResponse:
    """The answer to a use, a release, a no-show or a reversal."""
    what = "benefit-usages" if how == "reversals" else "benefit-reservations"
    return shop.post(role, f"/v1/{what}/{usage['id']}/{how}", body, subject=subject)


def used(shop: Shop, member: uuid.UUID, code: str, **facts: Any) -> dict[str, Any]:
    """One unit reserved at the desk and used at once."""
    usage = reserved(shop, member, code, role="service_desk", **facts)
    return story.ok(end(shop, usage, "uses"))


def usages(shop: Shop, member: uuid.UUID) -> list[dict[str, Any]]:
    """The owner's uses, newest first."""
    path = f"/v1/members/{member}/benefit-usages"
    found: list[dict[str, Any]] = story.ok(shop.get("owner", path, subject=member), 200)["items"]
    return found


def night(shop: Shop) -> Done:
    """The night's work on benefits."""
    failures: list[Failure] = []
    done = settle_all(lambda: entered(shop), failures, as_of=shop.service.clock(), page=2)
    assert failures == []
    return done


def befriend(shop: Shop, partner: uuid.UUID) -> None:
    """The dealer lists another as its partner."""
    engine = create_engine(shop.service.settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO dealer_partner VALUES (:dealer, :partner, 'P', '伙伴店')"),
            {"dealer": shop.dealer_id, "partner": partner},
        )
    engine.dispose()


def kept(shop: Shop, member: uuid.UUID) -> dict[str, str]:
    """A supplier, a benefit with a reservation, to be named in paths."""
    supplier(shop)
    made = benefit(shop, "gift", WASH | {"quota": {"gold": 5}})
    body = {
        "member_id": str(member),
        "benefit": "gift",
        "units": 3,
        "valid_until": earning.day(shop, 30),
        "reason": "补偿",
    }
    story.ok(shop.post("dealer_admin", "/v1/benefit-grants", body))
    usage = reserved(shop, member, "gift")
    return {"benefit_id": made["id"], "usage_id": usage["id"]}
