"""The summary: what all other reads say together, and every write shown by the very next read."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, text

from api.app import create_app
from api.cache import RedisCache
from api.service import Service, build_service
from kernel.cache import NoCache
from kernel.servers import start_redis
from kernel.settings import SettingsError, load_settings
from tests.loyalty.test_redemption_in_one_trip import give
from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.earning import day, line
from tests.support.shop import Shop, open_shop
from tests.support.tiers import night, publish_scheme, scheme, standing, tell


@pytest.fixture(scope="module")
def other(service: Service, clock: TestClock) -> Flask:
    """A second process of the same service, with the same Redis and database."""
    return create_app(build_service(service.settings, clock=clock))


def seen(shop: Shop, member: uuid.UUID) -> dict[str, Any]:
    path = f"/v1/members/{member}/summary"
    return story.ok(shop.get("owner", path, subject=member), 200)


def elsewhere(shop: Shop, other: Flask) -> Shop:
    """The same dealer, asked at the other process."""
    return Shop(other, other.extensions["service"], shop.dealer_id, shop.people)


def told_apart(shop: Shop, member: uuid.UUID) -> dict[str, Any]:
    """What the reads of one thing say, put together."""
    account, stand = earning.account(shop, member), standing(shop, member)
    names = {level["code"]: level for level in stand["levels"]}
    following = account["next_expiry"]
    return {
        "balance": {
            part: account[part] for part in ("available", "pending", "held", "arrears", "frozen")
        },
        "next_expiry": following
        and {key: following[key] for key in ("points", "expires_at", "expires_on")},
        "tier": stand["tier"],
        "name_zh": names.get(stand["tier"], {}).get("name_zh"),
        "next": stand["next"],
        "keep": stand["keep"],
    }


def told_together(shop: Shop, member: uuid.UUID) -> dict[str, Any]:
    """The same of the summary."""
    found = seen(shop, member)
    tier, following = found["tier"], found["next_expiry"]
    keep = tier["keep"]
    return {
        "balance": found["balance"],
        "next_expiry": following
        and {key: following[key] for key in ("points", "expires_at", "expires_on")},
        "tier": tier["tier"],
        "name_zh": tier["name_zh"],
        "next": tier["next"] and {key: tier["next"][key] for key in ("tier", "at_least", "missing")},
        "keep": keep
        and {key: each for key, each in keep.items() if key not in ("falls_to_zh", "falls_to_en")},
    }


def test_a_new_member_has_nothing_and_a_scheme_shows_what_is_missing(shop: Shop) -> None:
    member = story.owner(shop)
    empty = seen(shop, member)
    assert empty["balance"] == {
        "available": 0,
        "pending": 0,
        "held": 0,
        "arrears": 0,
        "frozen": False,
    }
    assert (empty["next_expiry"], empty["tier"]["next"], empty["on"]) == (None, None, day(shop))
    publish_scheme(shop, scheme())
    waiting = seen(shop, member)["tier"]
    assert (waiting["tier"], waiting["score"]) == (None, None)
    assert waiting["next"] == {
        "tier": "silver",
        "name_zh": "银卡",
        "name_en": "Silver",
        "at_least": 4_000,
        "missing": None,
    }
    earning.earned(shop, member, line(500))
    risen = seen(shop, member)["tier"]
    assert (risen["tier"], risen["name_en"], risen["score"]) == ("silver", "Silver", 4_100)
    assert (risen["next"]["tier"], risen["next"]["missing"]) == ("gold", 3_900)
    assert risen["keep"]["missing"] == 0


def test_a_member_in_his_grace_is_told_when_he_falls_where_to(
    shop: Shop, clock: TestClock
) -> None:
    publish_scheme(shop, scheme())
    member = story.owner(shop)
    for _ in range(2):
        earning.earned(shop, member, line(500))
    story.ok(tell(shop, member, "satisfaction", marks=95))
    assert seen(shop, member)["tier"]["next"] is None
    clock.add(days=60)
    night(shop)
    assert seen(shop, member)["tier"]["keep"] == {
        "at_least": 8_000,
        "missing": 5_000,
        "below_since": day(shop),
        "falls_on": day(shop, 30),
        "falls_to": "silver",
        "falls_to_zh": "银卡",
        "falls_to_en": "Silver",
    }
    assert told_together(shop, member) == told_apart(shop, member)


Write = Callable[[Shop, uuid.UUID], Any]


def earn(shop: Shop, member: uuid.UUID) -> None:
    story.earn(shop, member, 70)


def redeem(shop: Shop, member: uuid.UUID) -> dict[str, Any]:
    body = {"member_id": str(member), "reward_id": story.reward(shop)}
    return story.ok(shop.post("owner", "/v1/redemptions", body, subject=member))


def cancel(shop: Shop, member: uuid.UUID) -> None:
    path = f"/v1/redemptions/{redeem(shop, member)['id']}/cancellations"
    seen(shop, member)
    story.ok(shop.post("showroom_manager", path, {"reason": "客户改主意"}))


def hold(shop: Shop, member: uuid.UUID) -> dict[str, Any]:
    body = {"member_id": str(member), "points": 30, "minutes": 60}
    return story.ok(shop.post("owner", "/v1/point-holds", body, subject=member))


def release(shop: Shop, member: uuid.UUID) -> None:
    path = f"/v1/point-holds/{hold(shop, member)['id']}/releases"
    seen(shop, member)
    story.ok(shop.post("owner", path, {}, subject=member))


def capture(shop: Shop, member: uuid.UUID) -> None:
    path = f"/v1/point-holds/{hold(shop, member)['id']}/captures"
    seen(shop, member)
    story.ok(shop.post("service_desk", path, {"points": 10, "honoured_by": None}))


def receive(shop: Shop, member: uuid.UUID) -> None:
    giver = story.member(shop)
    story.earn(shop, giver, 100)
    body = {"from_member_id": str(giver), "to_member_id": str(member), "points": 40}
    story.ok(shop.post("duty_manager", "/v1/point-transfers", body))


def freeze(shop: Shop, member: uuid.UUID) -> None:
    body = {"member_id": str(member), "reason": "核实中"}
    story.ok(shop.post("showroom_manager", "/v1/account-freezes", body))


def adjust(shop: Shop, member: uuid.UUID) -> None:
    body = {"member_id": str(member), "points": 15, "reason": "工单漏记积分"}
    wish = story.ok(shop.post("consultant", "/v1/point-adjustments", body))
    path = f"/v1/point-adjustments/{wish['id']}/approvals"
    story.ok(shop.post("showroom_manager", path, {}, version=wish["version"]))


def take_back(shop: Shop, member: uuid.UUID) -> None:
    document = earning.earned(shop, member, line(90))
    redeem(shop, member)
    seen(shop, member)
    earning.returned(shop, document, (0, 9_000))


def rise_by_fact(shop: Shop, member: uuid.UUID) -> None:
    story.ok(tell(shop, member, "satisfaction", marks=95))


def rise_by_hand(shop: Shop, member: uuid.UUID) -> None:
    earning.tier(shop, member, "gold")


def buy_a_favoured_car(shop: Shop, member: uuid.UUID) -> None:
    car = story.SAGITAR | {"vin": story.golf(shop, 77)["vin"], "plate": None}
    body = car | {"member_id": str(member)}
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", body))


def change_the_scheme(shop: Shop, _: uuid.UUID) -> None:
    publish_scheme(shop, scheme(step="full"))


WRITES: list[Write] = [
    earn, redeem, cancel, hold, release, capture, receive, freeze, adjust, take_back,
    rise_by_fact, rise_by_hand, buy_a_favoured_car,
]  # fmt: skip
UNDONE = (cancel, release)


@pytest.mark.parametrize("write", WRITES, ids=lambda each: each.__name__)
def test_the_very_next_read_shows_a_write_at_every_process(
    shop: Shop, other: Flask, write: Write
) -> None:
    publish_scheme(shop, scheme())
    member = story.member(shop)
    story.earn(shop, member, 200)
    there = elsewhere(shop, other)
    before = seen(shop, member)
    assert seen(there, member) == before
    write(shop, member)
    after = seen(there, member)
    assert (after == before) == (write in UNDONE)
    assert seen(shop, member) == after
    assert told_together(there, member) == told_apart(shop, member)
