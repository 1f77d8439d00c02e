"""One Idempotency-Key, one effect, one answer: however often, however parallel, whatever fails."""

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from api.idempotency import store_refusal
from api.openapi import document
from api.problems import Problem
from api.service import Service
from api.v1 import OPERATIONS
from kernel.errors import TooSoon
from kernel.idempotency import KEPT_FOR, Claim, forget_old, take
from tests.support.licence_pictures import dot
from tests.support.sales import policy
from tests.support.shop import Shop, hire, open_shop
from tests.support.story import (
    ZHANG_SAN,
    balance,
    called,
    calling,
    desk,
    earn,
    member,
    reward,
)
from tests.support.story import owner as zhang_san

PARALLEL = 50


@pytest.fixture(scope="module")
def shop(app: Flask, service: Service) -> Shop:
    return open_shop(app, service)


@pytest.fixture
def owner(shop: Shop) -> uuid.UUID:
    """A member with 1,000 points."""
    someone = member(shop)
    earn(shop, someone, 1_000)
    return someone


@pytest.fixture
def spend(shop: Shop, owner: uuid.UUID) -> Callable[..., TestResponse]:
    """Redeem a gift of 100 points (or another quantity of it) under a key."""
    gift = reward(shop, points=100, stock=1_000)

    def redeem(key: str, **facts: Any) -> TestResponse:
        body = {"member_id": str(owner), "reward_id": gift} | facts
        return shop.post("owner", "/v1/redemptions", body, subject=owner, key=key)

    return redeem


def key() -> str:
    return uuid.uuid4().hex


def row(shop: Shop, name: str) -> Any:
    """The claim of a key as the database has it."""
    with shop.service.database.transaction(shop.dealer_id) as session:
        asked = text("SELECT * FROM idempotency_claim WHERE key = :key")
        return session.execute(asked, {"key": name}).one_or_none()


def replayed(answer: TestResponse) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def code(answer: TestResponse) -> tuple[int, str]:
    problem: dict[str, Any] = answer.json or {}
    return answer.status_code, problem.get("code", "")


def at_once(ask: Callable[[], TestResponse], times: int = PARALLEL) -> list[TestResponse]:
    """The same request many times, all let go together."""
    gate = threading.Barrier(times)

    def go(_: int) -> TestResponse:
        gate.wait(30)
        return ask()

    with ThreadPoolExecutor(times) as crowd:
        return list(crowd.map(go, range(times)))


def test_fifty_parallel_requests_with_one_key_have_one_effect_and_one_answer(
    shop: Shop, owner: uuid.UUID, spend: Callable[..., TestResponse]
) -> None:
    name = key()
    answers = at_once(lambda: spend(name))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert [replayed(answer) for answer in answers].count(False) == 1
    assert balance(shop, owner) == 900


def test_fifty_parallel_requests_with_own_keys_spend_exactly_what_is_there(
    shop: Shop, owner: uuid.UUID, spend: Callable[..., TestResponse]
) -> None:
    answers = at_once(lambda: spend(key()), 20)
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 10
    assert balance(shop, owner) == 0


def test_a_retry_gets_the_very_bytes_and_headers_of_the_first_answer(
    shop: Shop, owner: uuid.UUID, spend: Callable[..., TestResponse]
) -> None:
    name = key()
    first, again = spend(name), spend(name)
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.content_type == first.content_type
    assert (replayed(first), replayed(again)) == (False, True)
    assert balance(shop, owner) == 900


def test_an_etag_comes_back_with_the_replayed_answer(shop: Shop) -> None:
    name, body = key(), {"staff_no": key(), "name": "王五", "roles": ["finance"], "team": "a"}
    answers = [shop.post("crm", "/v1/staff", body, key=name) for _ in range(2)]
    assert [answer.headers["ETag"] for answer in answers] == ['"1"', '"1"']


def test_the_key_with_another_body_is_refused(
    shop: Shop, owner: uuid.UUID, spend: Callable[..., TestResponse]
) -> None:
    name = key()
    assert spend(name).status_code == 201
    assert code(spend(name, quantity=2)) == (422, "idempotency_key_reused")
    assert balance(shop, owner) == 900


def test_the_key_with_the_same_body_in_another_order_is_the_same_request(shop: Shop) -> None:
    name = key()
    body = {"staff_no": key(), "name": "王五", "roles": ["finance"], "team": "a"}
    assert shop.post("crm", "/v1/staff", body, key=name).status_code == 201
    assert replayed(shop.post("crm", "/v1/staff", dict(reversed(body.items())), key=name))


def test_the_key_on_another_address_is_refused(
    shop: Shop, spend: Callable[..., TestResponse]
) -> None:
    name = key()
    body = {"staff_no": key(), "name": "王五", "roles": ["finance"], "team": "a"}
    assert shop.post("crm", "/v1/staff", body, key=name).status_code == 201
    later = {"token_id": "t-1", "expires_at": "2026-11-21T12:00:00Z"}
    other = shop.post("crm", "/v1/token-withdrawals", later, key=name)
    assert code(other) == (422, "idempotency_key_reused")


def test_the_key_of_one_person_is_no_way_to_the_answer_of_another(shop: Shop) -> None:
    name, body = key(), ZHANG_SAN | {"external_ref": {"source": "crm", "id": key()}}
    first, colleague = hire(shop, "duty_manager"), hire(shop, "duty_manager")
    answer = shop.post("duty_manager", "/v1/members", body, subject=first, key=name)
    assert answer.status_code == 201
    assert answer.json is not None
    theirs = shop.post("duty_manager", "/v1/members", body, subject=colleague, key=name)
    assert code(theirs) == (422, "idempotency_key_reused")
    assert answer.json["id"] not in theirs.text


def test_another_dealers_same_key_is_a_key_of_its_own(shop: Shop, other_shop: Shop) -> None:
    name, body = key(), {"staff_no": "S-1", "name": "王五", "roles": ["finance"], "team": "a"}
    ours, theirs = (s.post("crm", "/v1/staff", body, key=name) for s in (shop, other_shop))
    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert ours.json is not None
    assert theirs.json is not None
    assert ours.json["id"] != theirs.json["id"]


def test_a_replay_is_authorised_anew(shop: Shop) -> None:
    name, person = key(), hire(shop, "duty_manager")
    body, path = ZHANG_SAN | {"external_ref": {"source": "crm", "id": key()}}, "/v1/members"
    assert shop.post("duty_manager", path, body, subject=person, key=name).status_code == 201
    gone = {"roles": ["finance"], "team": "a", "active": True}
    shop.post("dealer_admin", f"/v1/staff/{person}/changes", gone, version=1)
    again = shop.post("duty_manager", path, body, subject=person, key=name)
    assert code(again) == (403, "role_lacks")


KEYED = [each for each in OPERATIONS if each.writes and each.keeps_answer]


@pytest.mark.parametrize("operation", KEYED, ids=lambda each: each.name)
def test_no_write_without_a_key(shop: Shop, operation: Any) -> None:
    role = operation.roles[-1] if operation.roles[0] == "owner" else operation.roles[0]
    shop.people["owner"] = uuid.uuid4()
    path = re.sub(r"<uuid:\w+>", lambda _: str(uuid.uuid4()), operation.path)
    headers = {"Authorization": f"Bearer {shop.token(role)}"}
    if operation.prepare:
        answer = shop.client().post(path, data=dot(), content_type="image/png", headers=headers)
    else:
        answer = shop.client().post(path, json=operation.example, headers=headers)
    assert code(answer) == (400, "idempotency_key_required")


def test_a_refusal_is_the_keys_answer_too_even_when_it_would_succeed_later(
    shop: Shop, owner: uuid.UUID, spend: Callable[..., TestResponse]
) -> None:
    name = key()
    first = spend(name, quantity=11)
    assert code(first) == (409, "insufficient_points")
    earn(shop, owner, 1_000)
    again = spend(name, quantity=11)
    assert (again.status_code, again.data, replayed(again)) == (409, first.data, True)
    assert again.content_type == first.content_type
    assert spend(key(), quantity=11).status_code == 201


def test_parallel_refusals_are_one_answer(shop: Shop, spend: Callable[..., TestResponse]) -> None:
    name = key()
    answers = at_once(lambda: spend(name, quantity=50), 12)
    assert {code(answer) for answer in answers} == {(409, "insufficient_points")}
    assert len({answer.data for answer in answers}) == 1
    assert [replayed(answer) for answer in answers].count(False) == 1


def test_a_key_still_in_flight_is_waited_for_briefly_and_then_told_to_come_again(
    shop: Shop, owner: uuid.UUID, spend: Callable[..., TestResponse]
) -> None:
    name = key()
    with shop.service.database.transaction(shop.dealer_id) as session:
        session.execute(
            text(
                "INSERT INTO idempotency_claim VALUES (:dealer, 'owner-website', :key, '', now())"
            ),
            {"dealer": shop.dealer_id, "client": "owner-website", "key": name},
        )
        answer = spend(name)
        session.execute(text("DELETE FROM idempotency_claim WHERE key = :key"), {"key": name})
    assert code(answer) == (409, "request_in_flight")
    assert (answer.headers["Retry-After"], answer.json and answer.json["retryable"]) == ("1", True)
    assert spend(name).status_code == 201


@pytest.fixture(params=["create_document", "create_redemption"])
def crash(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[str]]]:
    """The handler falls over after its work is done, until told otherwise."""
    operation = next(each for each in OPERATIONS if each.name == request.param)
    work, mood = operation.handler, ["fall over"]

    def handler(*args: Any, **kwargs: Any) -> Any:
        done = work(*args, **kwargs)
        if mood:
            raise RuntimeError("power cut")
        return done

    object.__setattr__(operation, "handler", handler)
    yield request.param, mood
    object.__setattr__(operation, "handler", work)


def test_after_a_crash_the_retry_finds_all_of_it_or_nothing_and_it_happens_once(
    shop: Shop,
    owner: uuid.UUID,
    spend: Callable[..., TestResponse],
    crash: tuple[str, list[str]],
) -> None:
    """A document's transaction is still open and leaves nothing; a redemption's has ended in the
    database, so all of it is there, its answer too."""
    name, (operation, mood) = key(), crash
    order = {
        "external_ref": {"source": "crm", "id": name},
        "kind": "service_order",
        "member_id": str(owner),
        "occurred_on": "2026-01-05",
        "lines": [{"payer": "customer", "amount": {"amount_fen": 50_000, "currency": "CNY"}}],
    }

    def send() -> TestResponse:
        if operation == "create_redemption":
            return spend(name)
        return shop.post("crm", "/v1/documents", order, key=name)

    assert code(send()) == (500, "internal_error")
    ended = operation == "create_redemption"
    assert balance(shop, owner) == (900 if ended else 1_000)
    assert (row(shop, name) is not None) == ended
    mood.clear()
    first, again = send(), send()
    assert (first.status_code, replayed(first), replayed(again)) == (201, ended, True)
    assert first.data == again.data
    assert balance(shop, owner) == (900 if ended else 1_500)


def test_an_unreadable_or_invalid_request_does_not_use_the_key_up(
    shop: Shop, owner: uuid.UUID, spend: Callable[..., TestResponse]
) -> None:
    name = key()
    assert spend(name, quantity="1").status_code == 422
    assert spend(name, colour="red").status_code == 422
    assert row(shop, name) is None
    assert spend(name).status_code == 201


def test_keys_are_forgotten_after_seven_days_and_not_before(shop: Shop) -> None:
    name, body = key(), ZHANG_SAN | {"external_ref": {"source": "crm", "id": key()}}
    assert shop.post("crm", "/v1/members", body, key=name).status_code == 201
    now = shop.service.clock()
    for age, kept in ((KEPT_FOR - timedelta(minutes=1), True), (KEPT_FOR, False)):
        with shop.service.database.transaction(shop.dealer_id) as session:
            forget_old(session, now=now + age + timedelta(seconds=1))
        assert (row(shop, name) is not None) == kept


def test_what_is_kept_for_replay_cannot_be_read_in_the_table(shop: Shop) -> None:
    name, someone = key(), {"name": "欧阳娜娜", "phone": "13912345678"}
    body = ZHANG_SAN | someone | {"external_ref": {"source": "crm", "id": key()}}
    answer = shop.post("crm", "/v1/members", body, key=name)
    assert answer.json is not None
    kept = row(shop, name)
    readable = b"".join((kept.body, kept.fingerprint, repr(kept.headers).encode()))
    for secret in (answer.json["id"], "欧阳", "13912345678", "5678", '"version"'):
        assert secret.encode() not in readable


def told(path: str, body: Any, who: tuple[str, uuid.UUID]) -> bytes:
    """What a fingerprint of the POST is made of."""
    said = "\n".join(("POST", path, who[0], str(who[1]))).encode()
    return said + b"\n" + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def test_who_has_the_table_finds_no_short_code_by_trying_them_all(shop: Shop) -> None:
    name, path = key(), "/v1/counter-verifications"
    shop.post("service_desk", path, {"code": "47110815"}, key=name)
    said = told(path, {"code": "47110815"}, ("staff", shop.people["service_desk"]))
    found = bytes(row(shop, name).fingerprint)
    assert found not in (sha256(said).digest(), sha256(sha256(said).digest()).digest())
    assert found == shop.service.vault.mac(said, purpose="idempotency")
    assert found != shop.service.vault.mac(said, purpose="summary")


def test_a_retry_across_the_upgrade_gets_the_answer_that_0_2_gave(
    shop: Shop, owner: uuid.UUID, spend: Callable[..., TestResponse]
) -> None:
    trip, many = key(), key()
    person = ZHANG_SAN | {"external_ref": {"source": "crm", "id": key()}}
    first = spend(trip), shop.post("crm", "/v1/members", person, key=many)
    gift = first[0].json and first[0].json["reward_id"]
    redemption = {"member_id": str(owner), "reward_id": gift}
    taken_by_0_2(shop, trip, told("/v1/redemptions", redemption, ("owner", owner)))
    person_said = orjson.dumps(person, option=orjson.OPT_SORT_KEYS)
    taken_by_0_2(shop, many, b"POST\n/v1/members\nclient\ncrm\n" + person_said)
    again = spend(trip), shop.post("crm", "/v1/members", person, key=many)
    assert [each.data for each in again] == [each.data for each in first]
    assert [replayed(each) for each in again] == [True, True]
    assert code(spend(trip, quantity=2)) == (422, "idempotency_key_reused")
    person["name"] = "王五"
    answer = shop.post("crm", "/v1/members", person, key=many)
    assert code(answer) == (422, "idempotency_key_reused")
    assert balance(shop, owner) == 900


def taken_by_0_2(shop: Shop, name: str, said: bytes) -> None:
    """The claim as the release before this one wrote it."""
    engine = create_engine(shop.service.settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE idempotency_claim SET fingerprint = :mark WHERE key = :key"),
            {"mark": sha256(said).digest(), "key": name},
        )
    engine.dispose()


def test_a_corrected_if_match_under_the_same_key_is_tried_anew(shop: Shop) -> None:
    name, path = key(), f"/v1/staff/{hire(shop, 'consultant')}/changes"
    body = {"roles": ["finance"], "team": "a", "active": True}
    stale = shop.post("dealer_admin", path, body, key=name, version=7)
    assert code(stale) == (412, "version_changed")
    assert row(shop, name) is None
    assert shop.post("dealer_admin", path, body, key=name, version=1).status_code == 201
    assert replayed(shop.post("dealer_admin", path, body, key=name, version=1))


def test_a_refusal_that_finds_its_key_busy_is_told_to_come_again(shop: Shop, app: Flask) -> None:
    claim = Claim(shop.dealer_id, "owner-website", key(), b"x", b"y")
    database = shop.service.database
    with database.transaction(shop.dealer_id) as session, app.test_request_context():
        assert take(session, claim, now=shop.service.clock()) is None
        with pytest.raises(TooSoon, match="request_in_flight"):
            store_refusal(shop.service, claim, Problem("insufficient_points", 409))


UNKEPT = [each for each in OPERATIONS if not each.keeps_answer]


def test_what_shows_a_person_or_a_code_or_changes_nothing_keeps_no_answer() -> None:
    assert {each.name for each in UNKEPT} == {
        "search_members",
        "create_answer_page",
        "create_appeal_reveal",
        "create_code_reveal",
        "create_counter_code",
        "create_licence_photo_view",
        "create_narrative_reveal",
        "create_nomination_code",
        "create_notice_collection",
        "create_phone_reveal",
        "try_document",
    }


@pytest.mark.parametrize("operation", UNKEPT, ids=lambda each: each.name)
def test_an_operation_that_keeps_no_answer_asks_for_no_key(operation: Any) -> None:
    described = document([operation])["paths"]
    (methods,) = described.values()
    assert "Idempotency-Key" not in {each.get("name") for each in methods["post"]["parameters"]}


def test_a_search_needs_no_key_and_is_never_answered_from_the_store(shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {shop.token('crm')}"}
    sought, path = {"phone": "13688880000"}, "/v1/members/search"
    found = shop.client().post(path, json=sought, headers=headers)
    assert (found.status_code, found.json) == (200, {"items": []})
    name = key()
    assert shop.post("crm", path, sought, key=name).json == {"items": []}
    someone = member(shop, phone="13688880000")
    again = shop.post("crm", path, sought, key=name)
    assert (str(someone) in again.text, replayed(again), row(shop, name)) == (True, False, None)


def test_every_look_at_a_number_leaves_its_own_trace_and_none_outlives_the_call(
    app: Flask, service: Service
) -> None:
    shop = open_shop(app, service)
    zhang_san(shop)
    calling(shop)
    policy(shop, calling_from_hour=0, calling_until_hour=24)
    path, name = f"/v1/callbacks/{desk(shop)['id']}/phone-reveals", key()
    body = {"reason": "first_call"}
    looks = [shop.post("callback_agent", path, body, key=name) for _ in range(2)]
    assert [look.status_code for look in looks] == [201, 201]
    assert not any(map(replayed, looks))
    with service.database.transaction(shop.dealer_id) as session:
        asked = text("SELECT count(*) FROM audit_event WHERE subject_id::text = :call")
        traces = session.scalar(asked, {"call": path.split("/")[3]})
    assert traces == 2
    called(shop, honest=True)
    late = shop.post("callback_agent", path, body, key=name)
    assert code(late) == (409, "callback_closed")
