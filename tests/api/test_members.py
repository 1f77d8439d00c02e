"""Members over HTTP: told again, changed, searched for, and cars that come and go."""

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from api.commands.work import unit_of_work
from api.service import Service
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.dealers.staff import add_staff
from loyalty.rewards.catalogue import offer_reward
from tests.support.shop import Shop, open_shop
from tests.support.story import SAGITAR, ZHANG_SAN, earn, member, ok


@pytest.fixture(scope="module")
def shop(app: Flask, service: Service) -> Shop:
    return open_shop(app, service)


def code(answer: TestResponse) -> tuple[int, str]:
    problem: dict[str, Any] = answer.json or {}
    return answer.status_code, problem.get("code", "")


def enrol(shop: Shop, reference: str, **facts: Any) -> TestResponse:
    body = ZHANG_SAN | {"external_ref": {"source": "crm", "id": reference}} | facts
    return shop.post("crm", "/v1/members", body)


def change(shop: Shop, who: Any, role: str = "crm", version: int = 1, **to: Any) -> TestResponse:
    return shop.post(role, f"/v1/members/{who}/changes", to, version=version)


def found(shop: Shop, role: str = "crm", **sought: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(shop.post(role, "/v1/members/search", sought), 200)["items"]
    return items


@pytest.mark.parametrize(
    ("facts", "same"),
    [
        ({}, True),
        ({"occupation": None}, True),
        ({"phone": "+86 138-0013-8000"}, True),
        ({"occupation": "教师"}, False),
        ({"joined_on": "2024-05-02"}, False),
        ({"name": "张四"}, False),
        ({"phone": "13900139000"}, False),
    ],
)
def test_a_member_told_again_is_known_or_refused_as_changed(
    shop: Shop, facts: dict[str, Any], same: bool
) -> None:
    reference = uuid.uuid4().hex
    first, again = enrol(shop, reference), enrol(shop, reference, **facts)
    assert code(again) == ((201, "") if same else (409, "member_changed"))
    assert not same or again.json == first.json


def test_a_new_phone_finds_the_member_and_the_old_one_no_more(shop: Shop) -> None:
    who = member(shop, phone="13511110000")
    done = ok(change(shop, who, phone="135 2222 0000"))
    assert (done["phone"], done["version"]) == ("135****0000", 2)
    assert [each["id"] for each in found(shop, phone="13522220000")] == [str(who)]
    assert found(shop, phone="13511110000") == []


def test_a_change_leaves_what_it_does_not_name_and_no_value_in_any_trace(shop: Shop) -> None:
    who = member(shop)
    ok(change(shop, who, "dealer_admin", name="张大三", occupation="木匠"))
    assert ok(shop.get("dealer_admin", f"/v1/members/{who}"), 200)["name"] == "张大三"
    assert ok(change(shop, who, "duty_manager", 2, name="张三"))["phone"] == "138****8000"
    with shop.service.database.transaction(shop.dealer_id) as session:
        asked = "SELECT details::text FROM audit_event WHERE action = 'member.changed'"
        traces = session.scalars(text(f"{asked} AND subject_id = :who ORDER BY id"), {"who": who})
        assert list(traces) == ['{"fields": ["name", "occupation"]}', '{"fields": ["name"]}']
        told = text("SELECT data::text FROM outbox_event WHERE subject_id = :who ORDER BY id")
        assert list(session.scalars(told, {"who": who}))[1:] == ['{"version": 2}', '{"version": 3}']


@pytest.mark.parametrize(
    ("to", "version", "refused"),
    [
        ({}, 1, (422, "nothing_to_change")),
        ({"phone": None}, 1, (422, "nothing_to_change")),
        ({"phone": "12345"}, 1, (422, "mobile_invalid")),
        ({"name": "💣"}, 1, (422, "name_invalid")),
        ({"name": "张四"}, 2, (412, "version_changed")),
    ],
)
def test_an_unusable_change_changes_nothing(
    shop: Shop, to: dict[str, Any], version: int, refused: tuple[int, str]
) -> None:
    who = member(shop)
    assert code(change(shop, who, version=version, **to)) == refused
    assert ok(shop.get("crm", f"/v1/members/{who}"), 200)["version"] == 1


@pytest.mark.parametrize(
    ("role", "shown"),
    [("consultant", "欧*"), ("crm", "欧*"), ("duty_manager", "欧娜"), ("dealer_admin", "欧娜")],
)
def test_a_consultant_who_searches_the_whole_dealer_sees_masked_names(
    shop: Shop, role: str, shown: str
) -> None:
    phone = f"1361111{['consultant', 'crm', 'duty_manager', 'dealer_admin'].index(role):04}"
    member(shop, name="欧娜", phone=phone)
    (seen,) = found(shop, role, phone=phone)
    assert seen["name"] == shown


@pytest.mark.parametrize("spelling", ["SO-9", "SO-9 ", " SO-9", "ＳＯ－９"])
def test_one_document_in_four_spellings_earns_once(shop: Shop, spelling: str) -> None:
    who = member(shop)
    number = uuid.uuid4().hex[:8].upper()
    first = earn(shop, who, 100, external_ref={"source": "crm", "id": f"SO-9{number}"})
    body = {
        "external_ref": {"source": "crm", "id": spelling.strip() + number + " "},
        **{name: first[name] for name in ("kind", "member_id", "occurred_on")},
        "lines": [{"payer": "customer", "amount": {"amount_fen": 10_000, "currency": "CNY"}}],
    }
    assert ok(shop.post("crm", "/v1/documents", body), 200)["id"] == first["id"]


@pytest.mark.parametrize("hidden", ["SО-9", "SO-9\u200b", " ", "SO  9"])
def test_a_look_alike_reference_is_no_reference(shop: Shop, hidden: str) -> None:
    assert enrol(shop, hidden).status_code == 422


@pytest.mark.parametrize("source", ["redemption", "referral_reward", "Redemption"])
def test_a_document_cannot_pass_for_our_own_posting(shop: Shop, source: str) -> None:
    body = {
        "external_ref": {"source": source, "id": "1"},
        "kind": "service_order",
        "member_id": str(member(shop)),
        "occurred_on": "2026-01-01",
        "lines": [{"payer": "customer", "amount": {"amount_fen": 10_000, "currency": "CNY"}}],
    }
    assert code(shop.post("crm", "/v1/documents", body)) == (422, "source_reserved")


def test_a_period_once_closed_is_neither_opened_nor_moved(shop: Shop) -> None:
    car = SAGITAR | {"member_id": str(member(shop))}
    path, ended = "/v1/vehicle-ownerships", car | {"owned_until": "2025-05-01"}
    first = ok(shop.post("crm", path, car))
    assert ok(shop.post("crm", path, ended)) == ok(shop.post("crm", path, car)) == first
    moved = shop.post("crm", path, car | {"owned_until": "2025-06-01"})
    assert code(moved) == (409, "ownership_closed")
    (shown,) = ok(shop.get("dealer_admin", f"/v1/members/{car['member_id']}/vehicles"), 200)[
        "items"
    ]
    assert (shown["owned_until"], shown["plate"]) == ("2025-05-01", SAGITAR["plate"])


def staff(uow: UnitOfWork, **facts: Any) -> None:
    person = {
        "staff_no": "S-1",
        "name": "王五",
        "phone": None,
        "roles": [Role.FINANCE],
        "team": "a",
    }
    add_staff(uow, **person | facts)


def gift(uow: UnitOfWork, **facts: Any) -> None:
    offered: dict[str, Any] = {
        "code": "G",
        "name_zh": "洗车",
        "name_en": "Wash",
        "points": 1,
        "stock": 1,
    }
    offer_reward(uow, **offered | facts)


@pytest.mark.parametrize(
    ("enter", "facts", "constraint"),
    [(staff, {"roles": []}, "ck_staff_roles"), (gift, {"code": " G"}, "ck_reward_code")],
)
def test_a_fault_of_ours_is_not_told_as_a_number_already_taken(
    shop: Shop, enter: Any, facts: dict[str, Any], constraint: str
) -> None:
    with (
        pytest.raises(IntegrityError, match=constraint),
        unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow,
    ):
        enter(uow, **facts)


@pytest.mark.parametrize("column", ["source", "external_id"])
def test_the_database_refuses_a_reference_with_outer_blanks(shop: Shop, column: str) -> None:
    who = member(shop)
    with (
        pytest.raises(IntegrityError, match=f"ck_member_{column}"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text(f"UPDATE member SET {column} = 'x ' WHERE id = :who"), {"who": who})
