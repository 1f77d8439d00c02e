"""A redemption is one call of the database: as the rules decide, for those who may."""

import json
import uuid
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.numeric import Int8
from sqlalchemy import create_engine, event, text

from api.app import create_app
from api.commands.work import unit_of_work
from api.service import build_service
from kernel.database import owner_session
from kernel.ids import new_id
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from loyalty.points.models import PointLot
from loyalty.points.rules import lots as rules
from tests.loyalty.test_races import at_once
from tests.support import rewards, story
from tests.support.shop import Shop, open_shop

LOTS = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from([-3, 2]), st.sampled_from([None, -1, 1, 2, 3])),
    max_size=5,
)


def lots_of(shop: Shop, member: uuid.UUID) -> list[rules.Lot]:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        rows = uow.session.query(PointLot).filter(PointLot.member_id == member, PointLot.open)
        return [
            rules.Lot(str(row.id), row.remaining, row.available_at, row.expires_at)
            for row in rows
            if row.available_at is not None
        ]


def give(shop: Shop, member: uuid.UUID, plan: list[tuple[int, int, int | None]]) -> None:
    """Lots that begin and end so many hours from now."""
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        hour = timedelta(hours=1)
        for points, starts, ends in plan:
            terms = ledger.Terms(
                "test",
                1,
                uow.today,
                uow.now + starts * hour,
                None if ends is None else uow.now + ends * hour,
                Decimal(1),
            )
            source = ledger.Source("test", uuid.uuid4().hex)
            ledger.accrue(uow, member, points, issuer_id=uow.dealer_id, source=source, terms=terms)


def stock_of(shop: Shop, reward: str) -> int:
    found: int = story.ok(shop.get("owner", f"/v1/rewards/{reward}"), 200)["available"]
    return found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    plan=LOTS,
    price=st.integers(1, 40),
    quantity=st.integers(1, 3),
    stock=st.integers(0, 3),
    frozen=st.booleans(),
)
def test_the_database_decides_what_the_python_rules_decide(
    shop: Shop,
    plan: list[tuple[int, int, int | None]],
    price: int,
    quantity: int,
    stock: int,
    frozen: bool,
) -> None:
    member = shop.people["owner"] = story.member(shop)
    give(shop, member, plan)
    reward = story.reward(shop, points=price, stock=stock)
    if frozen:
        with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
            ledger.set_frozen(uow, member, frozen=True)
    before, now = lots_of(shop, member), shop.service.clock()
    wanted = rules.allocate(before, price * quantity, now=now)
    body = {"member_id": str(member), "reward_id": reward, "quantity": quantity}
    answer = shop.post("owner", "/v1/redemptions", body)
    alive = {
        lot.key: lot.remaining for lot in before if lot.expires_at is None or lot.expires_at > now
    }
    left = {lot.key: lot.remaining for lot in lots_of(shop, member)}
    taken = {key: had - left.get(key, 0) for key, had in alive.items() if had != left.get(key, 0)}
    if frozen:
        expected: tuple[Any, ...] = (409, "account_frozen")
    elif wanted is None:
        expected = (409, "insufficient_points")
    elif stock < quantity:
        expected = (409, "out_of_stock")
    else:
        assert (answer.status_code, taken) == (201, wanted)
        assert stock_of(shop, reward) == stock - quantity
        return
    assert (answer.status_code, answer.json and answer.json["code"]) == expected
    assert (taken, stock_of(shop, reward)) == ({}, stock)


def test_one_redemption_is_one_statement_sent_to_the_database(shop: Shop) -> None:
    member = shop.people["owner"] = story.member(shop)
    story.earn(shop, member, 500)
    reward = story.reward(shop)
    seen: Counter[str] = Counter()
    engine = shop.service.database.engine
    event.listen(engine, "before_cursor_execute", lambda *_: seen.update(["pipeline"]))
    call = shop.service.database.call

    def counted(statement: str, arguments: Any) -> Any:
        seen["trip"] += 1
        return call(statement, arguments)

    type(shop.service.database).call, kept = (
        (lambda _, *args: counted(*args)),
        type(shop.service.database).call,
    )
    try:
        body = {"member_id": str(member), "reward_id": reward}
        assert shop.post("owner", "/v1/redemptions", body).status_code == 201
    finally:
        type(shop.service.database).call = kept
    assert seen == {"trip": 1}


def test_the_release_before_this_one_redeems_on_the_terms_by_the_call_it_knows(
    shop: Shop,
) -> None:
    member, gift = story.member(shop), rewards.termed(shop, prices={"gold": 9}, stock=1)
    story.earn(shop, member, 500)
    asked = (
        shop.dealer_id, "owner", str(member), "t", ["owner"], "app", uuid.uuid4().hex, b"f", "r",
        shop.service.clock(), new_id(), new_id(), member, gift, Int8(1), None,
    )  # fmt: skip
    call = f"SELECT status, body FROM reward_request({', '.join(['%s'] * len(asked))})"
    status, body = shop.service.database.call(call, asked)
    answer = json.loads(bytes(body))
    assert (status, answer["points"], answer["terms_version"]) == (201, 100, 1)
    seen = story.ok(shop.get("duty_manager", f"/v1/redemptions/{answer['id']}"), 200)
    assert seen == answer


def test_what_was_answered_is_what_is_read_later(shop: Shop) -> None:
    member = shop.people["owner"] = story.member(shop)
    story.earn(shop, member, 500)
    body = {"member_id": str(member), "reward_id": story.reward(shop), "quantity": 2}
    answer = story.ok(shop.post("owner", "/v1/redemptions", body))
    assert story.ok(shop.get("owner", f"/v1/redemptions/{answer['id']}"), 200) == answer


def test_a_manager_redeems_for_a_member_and_is_named_in_the_audit_trail(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 500)
    body = {"member_id": str(member), "reward_id": story.reward(shop)}
    answer = story.ok(shop.post("showroom_manager", "/v1/redemptions", body))
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        row = session.execute(
            text("SELECT actor_id, actor_role, action FROM audit_event WHERE subject_id = :id"),
            {"id": answer["id"]},
        ).one()
    assert tuple(row) == (
        str(shop.people["showroom_manager"]),
        "showroom_manager",
        "reward.redeemed",
    )


def test_an_owner_cannot_spend_the_points_of_another(shop: Shop) -> None:
    victim, thief = story.member(shop), story.member(shop)
    story.earn(shop, victim, 500)
    body = {"member_id": str(victim), "reward_id": story.reward(shop)}
    answer = shop.post("owner", "/v1/redemptions", body, subject=thief)
    assert (answer.status_code, answer.json["code"]) == (404, "member_not_found")
    assert story.balance(shop, victim) == 500


def test_a_manager_who_left_and_an_owner_who_never_was_are_let_in_nowhere(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 500)
    body = {"member_id": str(member), "reward_id": story.reward(shop)}
    ghost = shop.post("owner", "/v1/redemptions", body, subject=uuid.uuid4())
    assert (ghost.status_code, ghost.json["code"]) == (401, "token_subject_unknown")
    person = shop.people["duty_manager"]
    change = {"roles": ["duty_manager"], "team": "call-desk", "active": False}
    story.ok(shop.post("dealer_admin", f"/v1/staff/{person}/changes", change, version=1))
    left = shop.post("duty_manager", "/v1/redemptions", body)
    assert (left.status_code, left.json["code"]) == (401, "token_subject_unknown")
    assert story.balance(shop, member) == 500


def test_only_a_partner_can_honour_what_we_do_not(shop: Shop, other_shop: Shop) -> None:
    member = shop.people["owner"] = story.member(shop)
    story.earn(shop, member, 500)
    body = {"member_id": str(member), "reward_id": story.reward(shop)}
    asked = body | {"honoured_by": str(other_shop.dealer_id)}
    refused = shop.post("duty_manager", "/v1/redemptions", asked)
    assert (refused.status_code, refused.json["code"]) == (422, "partner_unknown")
    engine = create_engine(shop.service.settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO dealer_partner VALUES (:us, :them, 'P', '合作店')"),
            {"us": shop.dealer_id, "them": other_shop.dealer_id},
        )
    engine.dispose()
    himself = shop.post("owner", "/v1/redemptions", asked)
    assert (himself.status_code, himself.json["code"]) == (422, "honoured_by_staff_only")
    answer = story.ok(shop.post("duty_manager", "/v1/redemptions", asked))
    assert answer["honoured_by"] == str(other_shop.dealer_id)


def test_a_dead_connection_is_replaced_and_the_redemption_still_happens_once(
    shop: Shop, database: str
) -> None:
    alone = build_service(shop.service.settings)
    there = open_shop(create_app(alone), alone)
    member = there.people["owner"] = story.member(there)
    story.earn(there, member, 500)
    body = {"member_id": str(member), "reward_id": story.reward(there)}
    threads = at_once(4, lambda _: there.post("owner", "/v1/redemptions", body).status_code)
    assert threads == {201: 4}
    with owner_session(database) as session:
        killed = session.scalar(
            text(
                "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE query LIKE '%reward_redeem%' AND pid <> pg_backend_pid()"
                " AND state = 'idle' AND datname = current_database()"
            )
        )
    assert killed
    assert there.post("owner", "/v1/redemptions", body).status_code == 201
    assert story.balance(there, member) == 0
    alone.database.dispose()


@pytest.mark.parametrize("role", ["consultant", "finance", "crm"])
def test_who_may_not_redeem_is_told_so(shop: Shop, role: str) -> None:
    body = {"member_id": str(uuid.uuid4()), "reward_id": str(uuid.uuid4())}
    answer = shop.post(role, "/v1/redemptions", body)
    assert (answer.status_code, answer.json["code"]) == (403, "role_lacks")
