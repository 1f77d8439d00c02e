"""Who may do what, over HTTP: every operation in every role, and people whose standing changes."""

import re
import time
import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from api.routes import Operation, Routes
from api.schemas.corrections import AdjustmentOut, DecisionIn
from api.service import Service, development_issuer
from api.tokens import mint
from api.v1 import OPERATIONS
from loyalty.dealers.roles import MFA_ROLES, Role
from tests.support.licence_pictures import dot
from tests.support.shop import Shop, hire, open_shop
from tests.support.story import earn, member, reward

CALLERS = tuple(role for role in Role if role is not Role.SYSTEM)


@pytest.fixture(scope="module")
def shop(app: Flask, service: Service) -> Shop:
    """One dealer for all, with one member as the owner (老车主)."""
    opened = open_shop(app, service)
    opened.people["owner"] = member(opened)
    return opened


def call(shop: Shop, operation: Operation, token: str | None) -> TestResponse:
    """The operation as its document shows it, on objects that do not exist."""
    path = re.sub(r"<uuid:\w+>", lambda _: str(uuid.uuid4()), operation.path)
    headers = {"Idempotency-Key": uuid.uuid4().hex, "If-Match": '"1"'}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if operation.prepare:
        return shop.client().post(path, data=dot(), content_type="image/png", headers=headers)
    body = operation.example if operation.writes else None
    return shop.client().open(path, method=operation.method, json=body, headers=headers)


def code(answer: TestResponse) -> tuple[int, str]:
    problem: dict[str, Any] = answer.json or {}
    return answer.status_code, problem.get("code", "")


def change(shop: Shop, person: uuid.UUID, *, version: int = 1, **to: Any) -> TestResponse:
    """The dealer's administrator changes an entry of the directory."""
    body = {"roles": ["consultant"], "team": "sales-a", "active": True} | to
    return shop.post("dealer_admin", f"/v1/staff/{person}/changes", body, version=version)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_an_operation_is_open_to_its_declared_roles_and_to_no_other(
    shop: Shop, operation: Operation
) -> None:
    for role in CALLERS:
        answer = call(shop, operation, shop.token(role))
        if role in operation.roles:
            assert answer.status_code in {200, 201, 404, 409, 422}, (role, answer.json)
        else:
            assert code(answer) == (403, "role_lacks"), role


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_without_a_credible_token_no_operation_answers(shop: Shop, operation: Operation) -> None:
    assert code(call(shop, operation, None)) == (401, "token_missing")
    forged = shop.token("crm")[:-4] + "AAAA"
    assert code(call(shop, operation, forged)) == (401, "token_signature")


def test_every_role_has_something_to_do_and_none_has_everything() -> None:
    for role in CALLERS:
        mine = [operation for operation in OPERATIONS if role in operation.roles]
        assert 0 < len(mine) < len(OPERATIONS), role
    assert not [operation.name for operation in OPERATIONS if Role.SYSTEM in operation.roles]


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("create_document", {"crm"}),
        ("create_sale_event", {"crm"}),
        ("create_referral", {"consultant"}),
        ("create_confirmation", {"duty_manager"}),
        ("create_licence_check", {"showroom_manager"}),
        ("create_answer", {"callback_agent"}),
        ("create_phone_reveal", {"callback_agent"}),
        ("create_reward_payment", {"finance"}),
        ("create_reward", {"programme_admin"}),
        ("create_staff_change", {"dealer_admin"}),
        ("create_lift", {"dealer_admin"}),
    ],
)
def test_what_proves_or_pays_lies_in_one_hand_each(name: str, roles: set[str]) -> None:
    found = {operation.name: set(operation.roles) for operation in OPERATIONS}
    assert found[name] == roles


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/balance",
        "/vehicles",
        "/expiry-schedule",
        "/statement",
        "/redemptions",
        "/point-holds",
        "/point-transfers",
    ],
)
def test_an_owner_reads_his_own_record_and_no_other(shop: Shop, path: str) -> None:
    me, neighbour = shop.people["owner"], member(shop, name="李四", phone="13900139000")
    assert shop.get("owner", f"/v1/members/{me}{path}").status_code == 200
    theirs = shop.get("owner", f"/v1/members/{neighbour}{path}")
    nobody = shop.get("owner", f"/v1/members/{uuid.uuid4()}{path}")
    assert code(theirs) == code(nobody) == (404, "member_not_found")


def test_an_owner_spends_his_own_points_only(shop: Shop) -> None:
    neighbour, gift = member(shop), reward(shop)
    earn(shop, neighbour, 500)
    body = {"member_id": str(neighbour), "reward_id": gift}
    assert code(shop.post("owner", "/v1/redemptions", body)) == (404, "member_not_found")
    done = shop.post("owner", "/v1/redemptions", body, subject=neighbour)
    assert done.status_code == 201
    assert done.json is not None
    path = f"/v1/redemptions/{done.json['id']}"
    assert shop.get("owner", path, subject=neighbour).status_code == 200
    nobodys = shop.get("owner", f"/v1/redemptions/{uuid.uuid4()}")
    assert code(shop.get("owner", path)) == code(nobodys) == (404, "redemption_not_found")


def test_a_person_who_left_is_refused_with_the_token_still_in_hand(shop: Shop) -> None:
    person = hire(shop, "consultant")
    token = {"Authorization": f"Bearer {shop.token('consultant', person)}"}
    assert shop.client().get("/v1/rewards", headers=token).status_code == 200
    assert change(shop, person, active=False).status_code == 201
    refused = shop.client().get("/v1/rewards", headers=token)
    assert code(refused) == (401, "token_subject_unknown")
    assert change(shop, person, version=2).status_code == 201
    assert shop.client().get("/v1/rewards", headers=token).status_code == 200


def test_a_change_of_roles_counts_from_the_next_request(shop: Shop) -> None:
    person = hire(shop, "consultant")
    token = {"Authorization": f"Bearer {shop.token('consultant', person)}"}
    assert shop.client().get("/v1/answers-to-read", headers=token).status_code == 403
    assert change(shop, person, roles=["showroom_manager"]).status_code == 201
    assert shop.client().get("/v1/answers-to-read", headers=token).status_code == 200
    found = shop.client().get(f"/v1/members/{shop.people['owner']}", headers=token)
    assert (found.status_code, found.json and found.json["name"]) == (200, "张三")


def test_nobody_changes_his_own_entry(shop: Shop) -> None:
    me = shop.people["dealer_admin"]
    assert code(change(shop, me, roles=["dealer_admin", "finance"])) == (403, "not_on_yourself")
    entry = shop.get("dealer_admin", f"/v1/staff/{me}").json
    assert (entry["roles"], entry["version"]) == (["dealer_admin"], 1)


@pytest.mark.parametrize("role", ["owner", "crm", "system"])
def test_a_person_is_never_given_the_role_of_an_owner_or_a_machine(shop: Shop, role: str) -> None:
    person = hire(shop, "consultant")
    assert code(change(shop, person, roles=[role])) == (403, "role_not_grantable")
    body = {"staff_no": f"X-{role}", "name": "王五", "roles": [role], "team": "a"}
    assert code(shop.post("crm", "/v1/staff", body)) == (403, "role_not_grantable")


@pytest.mark.parametrize(
    ("caller", "role", "may"),
    [
        ("crm", "dealer_admin", True),
        ("crm", "finance", True),
        ("crm", "programme_admin", False),
        ("crm", "auditor", False),
        ("dealer_admin", "finance", True),
        ("dealer_admin", "consultant", True),
        ("dealer_admin", "dealer_admin", False),
        ("dealer_admin", "programme_admin", False),
        ("dealer_admin", "auditor", False),
    ],
)
def test_a_caller_grants_the_roles_of_the_table_and_no_other(
    shop: Shop, caller: str, role: str, may: bool
) -> None:
    roles = ["callback_agent", role]
    body = {"staff_no": uuid.uuid4().hex, "name": "王五", "roles": roles, "team": "a"}
    answer = shop.post(caller, "/v1/staff", body)
    assert code(answer) == ((201, "") if may else (403, "role_not_grantable"))


def test_a_role_beyond_the_caller_is_not_taken_away_either(shop: Shop) -> None:
    person = hire(shop, "auditor")
    assert code(change(shop, person, roles=["consultant"])) == (403, "role_not_grantable")
    assert change(shop, person, roles=["auditor", "consultant"]).status_code == 201
    gone = change(shop, person, roles=["auditor", "consultant"], active=False, version=2)
    assert gone.status_code == 201


@pytest.mark.parametrize(
    ("role", "path"), [("auditor", "/v1/staff"), ("programme_admin", "/v1/rewards")]
)
def test_who_sees_or_rules_everything_has_signed_in_with_a_second_factor(
    shop: Shop, role: str, path: str
) -> None:
    assert shop.get(role, path).status_code == 200
    alone = mint(
        development_issuer(shop.service.settings),
        sub=str(shop.people[role]),
        kind="staff",
        dealer=str(shop.dealer_id),
        now=time.time(),
        lifetime_s=60,
    )
    answer = shop.client().get(path, headers={"Authorization": f"Bearer {alone}"})
    assert code(answer) == (401, "token_mfa_required")


@pytest.mark.parametrize("role", sorted(MFA_ROLES))
def test_an_operation_in_one_trip_is_never_open_to_who_needs_a_second_factor(role: Role) -> None:
    routes = Routes("trips")
    with pytest.raises(TypeError, match="second factor"):
        routes.post(
            "/v1/trips",
            summary="A trip",
            roles=(Role.CONSULTANT, role),
            body=DecisionIn,
            answer=AdjustmentOut,
            in_one_trip=True,
        )
    assert routes.operations == []


def test_a_withdrawn_token_is_refused_and_another_of_the_same_person_is_not(shop: Shop) -> None:
    token = shop.token("auditor")
    claims = shop.service.verifier.verify(token)
    with shop.service.database.transaction(shop.dealer_id) as session:
        session.execute(
            text("INSERT INTO withdrawn_token VALUES (:dealer, :jti, now() + interval '1 hour')"),
            {"dealer": shop.dealer_id, "jti": claims.jti},
        )
    headers = {"Authorization": f"Bearer {token}"}
    assert code(shop.client().get("/v1/staff", headers=headers)) == (401, "token_withdrawn")
    assert shop.get("auditor", "/v1/staff").status_code == 200


@pytest.mark.parametrize("role", ["owner", "consultant", "auditor"])
def test_a_token_of_somebody_unknown_opens_nothing(shop: Shop, role: str) -> None:
    answer = shop.get(role, "/v1/rewards", subject=uuid.uuid4())
    assert code(answer) == (401, "token_subject_unknown")


def test_a_member_is_no_staff_and_a_staff_member_no_owner(shop: Shop) -> None:
    staff, owner = shop.people["dealer_admin"], shop.people["owner"]
    for role, person in (("owner", staff), ("dealer_admin", owner)):
        assert code(shop.get(role, "/v1/rewards", subject=person)) == (401, "token_subject_unknown")


def test_a_role_written_into_a_request_is_not_believed(shop: Shop) -> None:
    headers = {"X-Role": "dealer_admin", "X-Dealer-Id": str(uuid.uuid4())}
    sent = headers | {"Authorization": f"Bearer {shop.token('consultant')}"}
    assert code(shop.client().get("/v1/staff", headers=sent)) == (403, "role_lacks")
