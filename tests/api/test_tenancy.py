"""Dealers apart: nothing of one dealer is seen, named or changed with the tokens of another."""

import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from api.routes import Operation
from api.service import Service
from api.v1 import OPERATIONS
from kernel.model import Base
from tests.support.benefits import kept
from tests.support.corrections import by_hand
from tests.support.earning import draft
from tests.support.finance import honoured_elsewhere
from tests.support.justice import before_people
from tests.support.licence_pictures import dot, sample
from tests.support.rewards import draft as draft_terms
from tests.support.sales import policy_drafted
from tests.support.shop import Shop, open_shop
from tests.support.story import calling, desk, earn, ok, owner, reward
from tests.support.tiers import draft_scheme, tell

BY_PATH = [operation for operation in OPERATIONS if "<uuid" in operation.path]
LISTS = [operation for operation in OPERATIONS if operation.paged and "<uuid" not in operation.path]
TABLES = sorted(Base.metadata.tables)
GOLD_SURVEY = {"kinds": ["survey"], "tiers": ["gold"], "award": {"flat": 50}}


@dataclass
class World:
    """A dealer in full swing: `ids` has one object of every kind that a path can name."""

    shop: Shop
    ids: dict[str, str]


def grow(shop: Shop) -> World:
    """A member who earned and redeemed, and a referral whose call waits at the desk."""
    someone = owner(shop)
    shop.people["owner"] = someone
    document = earn(shop, someone, 500)
    gift = reward(shop)
    body = {"member_id": str(someone), "reward_id": gift}
    redemption = ok(shop.post("owner", "/v1/redemptions", body))
    judged = before_people(shop)
    referral = calling(shop)
    shop.people["callback_agent"] = desk(shop)["agent"]
    photo = ok(shop.post("crm", f"/v1/referrals/{referral['id']}/licence-photos", dot()))
    job = ok(shop.post("crm", "/v1/import-jobs", {"kind": "documents", "format": "csv"}))
    return World(
        shop,
        {
            "member_id": str(someone),
            "reward_id": gift,
            "document_id": document["id"],
            "rule_id": draft(shop, "extra", GOLD_SURVEY, effective_from="2030-01-01")["id"],
            "scheme_id": draft_scheme(shop)["id"],
            "policy_id": policy_drafted(shop)["id"],
            "bank_id": bank_drafted(shop),
            "terms_id": draft_terms(shop, gift, {"points": 80})["id"],
            "redemption_id": redemption["id"],
            "subject_id": redemption["id"],
            "posting_set_id": redemption["posting_set_id"],
            "referral_id": referral["id"],
            "photo_id": photo["id"],
            "callback_id": desk(shop)["id"],
            "staff_id": str(shop.people["consultant"]),
            "job_id": job["id"],
            "settlement_id": honoured_elsewhere(shop, someone),
            "fact_id": ok(tell(shop, someone, "visit"))["id"],
            **by_hand(shop, someone),
            **kept(shop, someone),
            **judged,
        },
    )


def bank_drafted(shop: Shop) -> str:
    """A question bank nobody has published yet."""
    path = "/v1/question-banks"
    example = next(each.example for each in OPERATIONS if each.writes and each.path == path)
    drafted: str = ok(shop.post("dealer_admin", path, example))["id"]
    return drafted


@pytest.fixture(scope="module")
def ours(app: Flask, service: Service) -> World:
    return grow(open_shop(app, service))


@pytest.fixture(scope="module")
def theirs(app: Flask, service: Service) -> World:
    return grow(open_shop(app, service))


def digest(shop: Shop) -> dict[str, str]:
    """Every row the database holds of this dealer, seen with the eyes of the tables' owner."""
    engine = create_engine(shop.service.settings.database_url)
    found = {}
    with engine.connect() as connection:
        for table in TABLES:
            column = "id" if table == "dealer" else "dealer_id"
            rows = connection.scalars(
                text(f"SELECT t::text FROM {table} t WHERE {column} = :dealer ORDER BY 1"),
                {"dealer": shop.dealer_id},
            )
            found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    engine.dispose()
    return found


def ask(caller: Shop, operation: Operation, ids: dict[str, str], role: str) -> Any:
    """The operation on the objects of `ids`, by a person of `caller` in this role."""
    path = re.sub(r"<uuid:(\w+)>", lambda name: ids[name[1]], operation.path)
    if operation.writes:
        return caller.post(role, path, sample(operation), version=1)
    return caller.get(role, path)


@pytest.mark.parametrize("operation", BY_PATH, ids=lambda each: each.name)
def test_an_object_of_another_dealer_is_not_there_and_stays_as_it_is(
    ours: World, theirs: World, operation: Operation
) -> None:
    before = digest(ours.shop)
    for role in operation.roles:
        answer = ask(theirs.shop, operation, ours.ids, role)
        nothing = {name: str(uuid.uuid4()) for name in ours.ids}
        absent = ask(theirs.shop, operation, nothing, role)
        assert (answer.status_code, answer.json["code"]) == (404, absent.json["code"]), role
    assert digest(ours.shop) == before


FITS_ANY_QUESTION = {"create_answer": {"said": "dont_know", "text": None}}


@pytest.mark.parametrize("operation", BY_PATH, ids=lambda each: each.name)
def test_the_same_request_finds_its_object_at_home(ours: World, operation: Operation) -> None:
    """Without this the test above would pass on a misspelt path."""
    if not operation.writes:
        assert ask(ours.shop, operation, ours.ids, operation.roles[0]).status_code == 200
    else:
        answer = ours.shop.post(
            operation.roles[0],
            re.sub(r"<uuid:(\w+)>", lambda name: ours.ids[name[1]], operation.path),
            dot()
            if operation.prepare
            else (operation.example or {}) | FITS_ANY_QUESTION.get(operation.name, {}),
            version=99,
        )
        nothing_to_read = answer.json is not None and answer.json.get("code") == "answer_not_found"
        assert answer.status_code in {200, 201, 409, 412} or nothing_to_read


@pytest.mark.parametrize(
    ("role", "path", "body", "named"),
    [
        ("duty_manager", "/v1/redemptions", {"reward_id": "own"}, "member_id"),
        ("duty_manager", "/v1/redemptions", {"member_id": "own"}, "reward_id"),
        ("owner", "/v1/redemptions", {"member_id": "own"}, "reward_id"),
        ("crm", "/v1/documents", {}, "member_id"),
        ("crm", "/v1/vehicle-ownerships", {}, "member_id"),
        ("crm", "/v1/tier-assignments", {}, "member_id"),
        ("service_desk", "/v1/benefit-reservations", {}, "member_id"),
        ("dealer_admin", "/v1/benefit-grants", {}, "member_id"),
        ("dealer_admin", "/v1/reward-terms", {}, "reward_id"),
        ("crm", "/v1/counter-codes", {}, "subject_id"),
        ("owner", "/v1/counter-codes", {}, "subject_id"),
        ("finance", "/v1/earning-dry-runs", {}, "member_id"),
    ],
)
def test_a_body_cannot_name_an_object_of_another_dealer(
    ours: World, theirs: World, role: str, path: str, body: dict[str, str], named: str
) -> None:
    example = next(each for each in OPERATIONS if each.path == path).example or {}
    own = {name: theirs.ids[name] for name in body}
    before = digest(ours.shop)
    answer = theirs.shop.post(role, path, example | own | {named: ours.ids[named]})
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (
        404,
        named.replace("_id", "_not_found"),
    )
    assert digest(ours.shop) == before


@pytest.mark.parametrize("operation", LISTS, ids=lambda each: each.name)
def test_a_list_holds_the_callers_dealer_only(
    ours: World, theirs: World, operation: Operation
) -> None:
    for role in operation.roles:
        home = ours.shop.get(role, operation.path, limit="200")
        abroad = theirs.shop.get(role, operation.path, limit="200")
        seen = {row["id"] for row in home.json["items"]}
        assert seen.isdisjoint({row["id"] for row in abroad.json["items"]})
        assert not any(each in abroad.text for each in ours.ids.values())


def test_the_lists_compared_are_not_all_empty(ours: World) -> None:
    full = {each.path for each in LISTS if ours.shop.get(each.roles[0], each.path).json["items"]}
    assert full == {
        "/v1/appeals",
        "/v1/benefits",
        "/v1/callbacks",
        "/v1/consultant-cases",
        "/v1/earning-rules",
        "/v1/point-adjustments",
        "/v1/question-banks",
        "/v1/referral-policies",
        "/v1/referrals",
        "/v1/reward-terms",
        "/v1/rewards",
        "/v1/settlements",
        "/v1/staff",
        "/v1/suppliers",
        "/v1/tier-schemes",
    }


@pytest.mark.parametrize(
    "wanted", [{"phone": "13800138000"}, {"plate": "京A12345"}, {"vin": "LFV2A21K8A3000001"}]
)
def test_a_search_finds_the_callers_own_member_though_both_dealers_know_him(
    ours: World, theirs: World, wanted: dict[str, str]
) -> None:
    for world in (ours, theirs):
        found = ok(world.shop.post("crm", "/v1/members/search", wanted), 200)["items"]
        assert [row["id"] for row in found] == [world.ids["member_id"]]


def test_a_person_of_one_dealer_is_nobody_at_another(ours: World, theirs: World) -> None:
    for role in ("dealer_admin", "owner", "auditor"):
        person = theirs.shop.people[role]
        answer = ours.shop.get(role, "/v1/rewards", subject=person)
        assert (answer.status_code, answer.json["code"]) == (401, "token_subject_unknown")


def test_a_cursor_of_one_dealer_is_no_cursor_at_another(ours: World, theirs: World) -> None:
    cursor = ours.shop.get("crm", "/v1/staff", limit="1").json["next_cursor"]
    assert ours.shop.get("crm", "/v1/staff", cursor=cursor).status_code == 200
    answer = theirs.shop.get("crm", "/v1/staff", cursor=cursor)
    assert (answer.status_code, answer.json["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("table", TABLES)
def test_the_database_itself_shows_a_dealer_no_row_of_another(
    ours: World, theirs: World, table: str
) -> None:
    column = "id" if table == "dealer" else "dealer_id"
    rows = text(f"SELECT count(*) FROM {table} WHERE {column} = :dealer")
    everyone = text(f"SELECT count(*) FROM {table} WHERE {column} <> app_dealer()")
    with ours.shop.service.database.transaction(theirs.shop.dealer_id) as session:
        assert session.scalar(rows, {"dealer": ours.shop.dealer_id}) == 0
        assert session.scalar(everyone) == 0


def test_the_tables_looked_at_hold_rows_of_the_first_dealer(ours: World) -> None:
    with ours.shop.service.database.transaction(ours.shop.dealer_id) as session:
        filled = [t for t in TABLES if session.scalar(text(f"SELECT count(*) FROM {t}"))]
    assert len(filled) >= 20


@pytest.mark.parametrize("table", [table for table in TABLES if table != "dealer"])
def test_the_database_itself_lets_nobody_write_a_row_for_another_dealer(
    ours: World, theirs: World, table: str
) -> None:
    columns = Base.metadata.tables[table].columns
    names = [column.name for column in columns if column.identity is None]
    values = [":dealer" if name == "dealer_id" else "NULL" for name in names]
    insert = text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(values)})")
    database = ours.shop.service.database
    with (
        pytest.raises(DBAPIError, match=r"row-level security policy|permission denied") as refusal,
        database.transaction(theirs.shop.dealer_id) as session,
    ):
        session.execute(insert, {"dealer": ours.shop.dealer_id})
    assert isinstance(refusal.value.orig, InsufficientPrivilege)


def test_a_connection_bound_to_no_dealer_sees_nothing(ours: World) -> None:
    with ours.shop.service.database.engine.connect() as connection:
        for table in TABLES:
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table


def test_the_binding_to_a_dealer_ends_with_its_transaction(ours: World) -> None:
    database = ours.shop.service.database
    for _ in range(30):
        with database.transaction(ours.shop.dealer_id) as session:
            assert session.scalar(text("SELECT count(*) FROM member")) == 1
        with database.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM member")) == 0
