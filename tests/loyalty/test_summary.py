"""The summary: what all other reads say together, and every write shown by the very next read."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from api.app import create_app
from api.cache import RedisCache
from api.redis_link import RedisLink
from api.service import Service, build_service
from kernel.cache import NoCache
from kernel.servers import start_redis
from kernel.settings import SettingsError, load_settings
from loyalty.dealers.directory import Stranger
from loyalty.dealers.roles import Role
from loyalty.overview.summary import Reader, summary
from tests.loyalty.test_redemption_in_one_trip import give
from tests.support import benefits as units
from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.earning import day, line
from tests.support.shop import Shop
from tests.support.tiers import night, publish_scheme, scheme, standing, tell


@pytest.fixture(scope="module")
def other(clock: TestClock, service: Service) -> Iterator[Flask]:
    """A second process of the same service, with the same Redis and database."""
    assert service.settings.summary_cache
    with process(clock) as app:
        yield app


@contextmanager
def process(clock: TestClock, **environment: str) -> Iterator[Flask]:
    """Another process of the service, with other settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        service = build_service(load_settings(), clock=clock)
    yield create_app(service)
    service.database.dispose()


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
        "next": tier["next"]
        and {key: tier["next"][key] for key in ("tier", "at_least", "missing")},
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


def test_a_member_in_his_grace_is_told_when_he_falls_where_to(shop: Shop, clock: TestClock) -> None:
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


WRITES: list[Write] = [
    earn, redeem, cancel, hold, release, capture, receive, freeze, adjust, take_back,
    rise_by_fact, rise_by_hand, buy_a_favoured_car,
]  # fmt: skip
UNDONE = (cancel, release)


def wash(shop: Shop, member: uuid.UUID) -> None:
    assert units.ask(shop, member, "wash").status_code == 201


def wash_done(shop: Shop, member: uuid.UUID) -> None:
    units.used(shop, member, "wash")


def wash_given(shop: Shop, member: uuid.UUID) -> None:
    body = {
        "member_id": str(member),
        "benefit": "wash",
        "units": 3,
        "valid_until": day(shop, 30),
        "reason": "补偿",
    }
    story.ok(shop.post("dealer_admin", "/v1/benefit-grants", body))


def lose_gold(shop: Shop, member: uuid.UUID) -> None:
    earning.tier(shop, member, "silver")


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


@pytest.mark.parametrize("write", [wash, wash_done, wash_given, rise_by_fact, lose_gold])
def test_the_very_next_read_shows_the_units_that_are_left(
    shop: Shop, other: Flask, write: Write
) -> None:
    member = story.member(shop)
    publish_scheme(shop, scheme())
    before = seen(shop, member)
    assert before["benefits"] == []
    units.benefit(shop, "wash", units.WASH | {"on_change": "current"})
    earning.tier(shop, member, "gold")
    there = elsewhere(shop, other)
    twelve = seen(shop, member)
    assert twelve["benefits"] == seen(there, member)["benefits"]
    write(shop, member)
    after = seen(there, member)
    left = sum(each["left"] for each in units.left(shop, member))
    assert [each["left"] for each in after["benefits"]] == [left]
    assert after != twelve
    assert seen(shop, member) == after


def test_a_lot_that_ended_is_gone_at_that_instant_whatever_was_kept(
    shop: Shop, other: Flask, clock: TestClock
) -> None:
    member = story.member(shop)
    give(shop, member, [(50, -3, 2), (70, 1, None)])
    there = elsewhere(shop, other)
    now = seen(shop, member)
    assert (now["balance"]["available"], now["balance"]["pending"]) == (50, 70)
    assert now["next_expiry"]["points"] == 50
    assert seen(there, member) == now
    clock.add(hours=1, minutes=1)
    assert seen(there, member)["balance"]["available"] == 120
    clock.add(hours=1)
    later = seen(there, member)
    assert (later["balance"]["available"], later["next_expiry"]) == (70, None)
    assert told_together(shop, member) == told_apart(shop, member)


def test_a_hold_past_its_time_and_the_next_day_need_no_job(
    shop: Shop, other: Flask, clock: TestClock
) -> None:
    member = story.member(shop)
    story.earn(shop, member, 200)
    hold(shop, member)
    assert seen(shop, member)["balance"]["held"] == 30
    clock.add(minutes=61)
    there = elsewhere(shop, other)
    assert seen(there, member)["balance"] == {
        "available": 200, "pending": 0, "held": 0, "arrears": 0, "frozen": False,
    }  # fmt: skip
    clock.add(days=1)
    assert seen(shop, member)["on"] == day(shop)


LOTS = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from([-3, 2]), st.sampled_from([None, -1, 1, 3])),
    max_size=4,
)


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    plan=LOTS, held=st.integers(0, 40), owed=st.integers(0, 90), hours=st.sampled_from([0, 2, 5])
)
def test_the_database_shows_the_balance_that_the_ledger_reckons(
    shop: Shop,
    clock: TestClock,
    plan: list[tuple[int, int, int | None]],
    held: int,
    owed: int,
    hours: int,
) -> None:
    clock.reset()
    member = story.member(shop)
    give(shop, member, [(80, -3, 4)])
    if held:
        body = {"member_id": str(member), "points": held, "minutes": 90}
        story.ok(shop.post("owner", "/v1/point-holds", body, subject=member))
    if owed:
        document = earning.earned(shop, member, line(owed))
        spend = earning.account(shop, member)["available"]
        body = {"member_id": str(member), "reward_id": story.reward(shop, points=spend)}
        story.ok(shop.post("owner", "/v1/redemptions", body, subject=member))
        earning.returned(shop, document, (0, owed * 100))
    give(shop, member, plan)
    clock.add(hours=hours)
    assert told_together(shop, member) == told_apart(shop, member)


@pytest.fixture
def counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements sent to the database, by way of either pool."""
    sent: list[str] = []
    database = shop.service.database
    call = type(database).call

    def one(self: Any, statement: str, arguments: Any) -> Any:
        sent.append("trip")
        return call(self, statement, arguments)

    monkeypatch.setattr(type(database), "call", one)
    event.listen(database.engine, "before_cursor_execute", lambda *_: sent.append("statement"))
    return sent


def test_a_summary_with_benefits_is_one_trip_to_the_database(
    shop: Shop, counted: list[str]
) -> None:
    publish_scheme(shop, scheme())
    units.benefit(shop, "wash", units.WASH)
    member = story.member(shop)
    earning.tier(shop, member, "gold")
    seen(shop, member)
    story.earn(shop, member, 10)
    del counted[:]
    first, again = seen(shop, member), seen(shop, member)
    assert counted == ["trip", "trip"]
    assert first == again
    assert [each["code"] for each in first["benefits"]] == ["wash"]


def test_the_cache_can_be_switched_off_and_says_the_same(
    shop: Shop, service: Service, clock: TestClock
) -> None:
    member = story.member(shop)
    story.earn(shop, member, 200)
    assert isinstance(service.cache, RedisCache)
    with process(clock, LOYALTY_SUMMARY_CACHE="off") as plain:
        assert isinstance(plain.extensions["service"].cache, NoCache)
        assert seen(elsewhere(shop, plain), member) == seen(shop, member)


def test_a_cache_neither_on_nor_off_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_SUMMARY_CACHE", "maybe")
    with pytest.raises(SettingsError, match="LOYALTY_SUMMARY_CACHE"):
        load_settings()


@pytest.mark.xdist_group("servers")
def test_without_redis_the_summary_is_read_as_it_is(
    shop: Shop, clock: TestClock, tmp_path: Path
) -> None:
    member = story.member(shop)
    story.earn(shop, member, 200)
    with process(clock, REDIS_URL=f"unix://{tmp_path}/nobody") as nowhere:
        assert seen(elsewhere(shop, nowhere), member) == seen(shop, member)
    with ExitStack() as redis, ExitStack() as processes:
        url = redis.enter_context(start_redis()).url
        dying = elsewhere(shop, processes.enter_context(process(clock, REDIS_URL=url)))
        assert seen(dying, member) == seen(dying, member)
        redis.close()
        earn(shop, member)
        assert seen(dying, member)["balance"]["available"] == 270


def test_what_a_cache_holds_is_believed_only_with_the_right_stamp(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 200)
    truth, now = seen(shop, member), shop.service.clock()
    key = place(shop, member)
    head, _, _ = (shop.service.cache.get(key) or b"").partition(b"\n")
    begun, ended = now - timedelta(days=2), now - timedelta(days=1)
    right = head.split(b" ")[0].decode()
    for stamp, since, until in (
        ("0" * 32, begun, now + timedelta(days=1)),
        (right, begun, ended),
        (right, now + timedelta(hours=1), now + timedelta(days=1)),
    ):
        lie = f"{stamp} {since.isoformat()} {until.isoformat()}\n{{}}"
        shop.service.cache.put(key, lie.encode(), seconds=60)
        assert seen(shop, member) == truth
    kept = f"{right} {begun.isoformat()} {(now + timedelta(hours=1)).isoformat()}\n{{}}"
    shop.service.cache.put(key, kept.encode(), seconds=60)
    assert seen(shop, member) == {}


def test_what_others_write_to_redis_is_neither_shown_nor_fails_anything(
    shop: Shop, clock: TestClock
) -> None:
    member, rich = story.member(shop), story.member(shop)
    story.earn(shop, member, 200)
    story.earn(shop, rich, 9_000)
    truth, key, link = seen(shop, member), place(shop, member), RedisLink(redis_of(shop))
    seen(shop, rich)
    ours, riches = link.get(key) or b"", link.get(place(shop, rich)) or b""
    assert ours.endswith(b"}")
    assert b"9000" in riches
    lies = [b"", b"garbage", b"a b c\n{}", b"\xff\xfe x y\n{}", b"\x00" * 40, ours[:40], ours[:-20]]
    lies += [ours[32:], ours.replace(b"200", b"999"), riches, b"\x00" * 32 + ours[32:]]
    for lie in lies:
        link.put(key, lie, seconds=60)
        with process(clock) as fresh:
            assert seen(elsewhere(shop, fresh), member) == truth
    with process(clock) as fresh:
        shop.service.cache.put(key, shop.service.cache.get(key) or b"", seconds=60)
        assert fresh.extensions["service"].cache.get(key) == ours[32:]


@pytest.mark.parametrize(
    "kept", [b"", b"garbage", b"a b c\n{}", b"\xff\xfe x y\n{}", b"s 2020-01-01 2099-01-01\n{}"]
)
def test_what_cannot_be_read_is_as_good_as_nothing(shop: Shop, kept: bytes) -> None:
    member = story.member(shop)
    story.earn(shop, member, 200)
    truth = seen(shop, member)
    shop.service.cache.put(place(shop, member), kept, seconds=60)
    assert seen(shop, member) == truth


def place(shop: Shop, member: uuid.UUID) -> str:
    return f"summary/{shop.dealer_id}/{member}"


def redis_of(shop: Shop) -> str:
    return shop.service.settings.redis_url


def refused(shop: Shop, member: uuid.UUID, role: str, subject: uuid.UUID | None = None) -> Any:
    answer = shop.get(role, f"/v1/members/{member}/summary", subject=subject)
    return answer.status_code, answer.json.get("code")


def test_only_those_see_it_who_may(shop: Shop, other_shop: Shop) -> None:
    member = story.member(shop)
    for role in ("owner", "duty_manager", "auditor", "crm"):
        assert refused(shop, member, role, member if role == "owner" else None) == (200, None)
    assert refused(shop, member, "owner", story.member(shop)) == (404, "member_not_found")
    assert refused(shop, member, "owner", uuid.uuid4()) == (401, "token_subject_unknown")
    assert refused(other_shop, member, "duty_manager") == (404, "member_not_found")
    assert refused(shop, member, "callback_agent") == (403, "role_lacks")
    person = shop.people["duty_manager"]
    change = {"roles": ["duty_manager"], "team": "call-desk", "active": False}
    story.ok(shop.post("dealer_admin", f"/v1/staff/{person}/changes", change, version=1))
    assert refused(shop, member, "duty_manager") == (401, "token_subject_unknown")


def test_a_withdrawn_token_and_an_auditor_without_a_second_factor_see_nothing(shop: Shop) -> None:
    member = story.member(shop)
    seen(shop, member)
    sent = {"Authorization": f"Bearer {shop.token('owner', member)}"}
    claims = shop.service.verifier.verify(sent["Authorization"].removeprefix("Bearer "))
    body = {"token_id": claims.jti, "expires_at": claims.expires_at.isoformat()}
    story.ok(shop.post("crm", "/v1/token-withdrawals", body))
    answer = shop.client().get(f"/v1/members/{member}/summary", headers=sent)
    assert (answer.status_code, answer.json and answer.json["code"]) == (401, "token_withdrawn")
    reader = Reader(
        shop.dealer_id, "staff", str(shop.people["auditor"]), "t", False, (Role.AUDITOR,)
    )
    with pytest.raises(Stranger, match="token_mfa_required"):
        summary(
            shop.service.database,
            NoCache(),
            reader,
            member,
            now=shop.service.clock(),
        )
