"""The owner names his friend himself, on the phone of record, before anybody looks at evidence."""

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.commands.work import unit_of_work
from loyalty.dealers.roles import Role
from referral.nominate import nomination_of
from referral.rules.nomination import compare
from tests.support import story
from tests.support.clock import TestClock
from tests.support.codes import rows
from tests.support.race import at_once
from tests.support.shop import Shop, hire

OLD, NEW = "+8613800138000", "13800138999"


def registered(shop: Shop, number: int | None = None) -> dict[str, Any]:
    """A referral of 张三's; with a number, of one more buyer."""
    changes = {}
    if number is not None:
        changes["buyer"] = story.report(shop)["buyer"] | {"phone": f"1390013{number:04}"}
    return story.confirmed(shop, story.submitted(shop, **changes))


def handed_over(shop: Shop) -> dict[str, Any]:
    """A referral whose car was handed over, its owner not heard yet."""
    referral = registered(shop)
    story.order(shop)
    story.delivery(shop)
    return story.read(shop, referral["id"])


def ask(shop: Shop, referral: dict[str, Any], member: uuid.UUID | None = None) -> Any:
    """A member, by default the owner, asks for a code."""
    path = f"/v1/referrals/{referral['id']}/nomination-codes"
    return shop.post("owner", path, subject=member or uuid.UUID(referral["owner_id"]))


def told(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json.get("code")


def wrong(code: str, nth: int = 1) -> str:
    """Other digits."""
    return f"{(int(code) + nth) % 10**6:06}"


def flags(shop: Shop, referral: dict[str, Any]) -> list[str]:
    """Why two people must decide, as the database keeps it."""
    asked = "SELECT review FROM referral WHERE id = :id"
    found: list[str] = rows(shop, asked, id=referral["id"])[0][0]
    return found


def seen_by_owner(shop: Shop, referral: dict[str, Any]) -> tuple[str, str]:
    """What he is shown of the buyer, in the list and alone."""
    owner = uuid.UUID(referral["owner_id"])
    one = story.ok(shop.get("owner", f"/v1/referrals/{referral['id']}", subject=owner), 200)
    (row,) = story.ok(shop.get("owner", "/v1/referrals", subject=owner), 200)["items"]
    assert row == one
    return one["buyer_name"], one["buyer_phone"]


def test_an_owner_whose_phone_was_changed_first_is_asked_on_the_old_one(shop: Shop) -> None:
    """Abuse 7: the cheat has entered his own number; he gets nothing, the owner is warned."""
    zhang_san = story.owner(shop)
    body = {"phone": NEW}
    story.ok(shop.post("duty_manager", f"/v1/members/{zhang_san}/changes", body, version=1))
    slip = story.report(shop)["slip"] | {"owner_phone": NEW}
    referral = story.confirmed(shop, story.submitted(shop, slip=slip))
    assert referral["state"] == "registered"
    assert story.ok(ask(shop, referral))["sent_to"] == "138****8000"
    sent = {each["kind"]: each["phone"] for each in story.notices(shop)}
    assert sent == {"phone_changed": OLD, "nomination_code": OLD}
    assert told(story.named(shop, referral, "000000")) == (422, "nomination_code_wrong")
    story.order(shop, buyer_phone="13900139000")
    story.delivery(shop)
    delivered = story.read(shop, referral["id"])
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    check = shop.post("showroom_manager", path, story.LICENCE, version=delivered["version"])
    assert told(check) == (409, "nomination_missing")


def test_the_answer_to_who_asks_for_a_code_holds_no_code(shop: Shop) -> None:
    story.owner(shop)
    referral = registered(shop)
    answer = story.ok(ask(shop, referral))
    assert set(answer) == {"expires_at", "sent_to"}
    (message,) = story.notices(shop)
    assert (message["kind"], message["phone"]) == ("nomination_code", OLD)
    assert message["expires_at"] == answer["expires_at"]


def test_no_licence_is_looked_at_before_the_owner_has_named_his_friend(shop: Shop) -> None:
    story.owner(shop)
    referral = handed_over(shop)
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    answer = shop.post("showroom_manager", path, story.LICENCE, version=referral["version"])
    assert told(answer) == (409, "nomination_missing")
    story.nominated(shop, referral)
    assert story.checked(shop, referral)["referral_state"] == "calling"


def test_the_database_itself_lets_no_referral_be_checked_before(shop: Shop) -> None:
    story.owner(shop)
    referral = handed_over(shop)
    with (
        pytest.raises(DBAPIError, match="has not named his friend"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(
            text("UPDATE referral SET state = 'checked' WHERE id = :id"), {"id": referral["id"]}
        )


def test_the_owner_learns_nothing_of_the_buyer_until_he_has_named_him(shop: Shop) -> None:
    story.owner(shop)
    referral = registered(shop)
    assert seen_by_owner(shop, referral) == ("*", "*")
    story.ok(ask(shop, referral))
    assert seen_by_owner(shop, referral) == ("*", "*")
    story.nominated(shop, referral)
    assert seen_by_owner(shop, referral) == ("李*", "139****9000")


@pytest.mark.parametrize(
    ("friend", "flagged"),
    [
        ("李四", []),
        ("李 四", []),
        ("李五", ["nomination_mismatch"]),
        ("老李", ["nomination_mismatch"]),
        ("王五", ["nomination_mismatch"]),
    ],
)
def test_a_friend_named_otherwise_calls_for_two_people_and_the_owner_is_told_nothing(
    shop: Shop, friend: str, flagged: list[str]
) -> None:
    story.owner(shop)
    referral = registered(shop)
    answer = story.nominated(shop, referral, friend_name=friend)
    assert set(answer) == {"referral_id", "nominated_at"}
    assert flags(shop, referral) == flagged
    assert seen_by_owner(shop, referral) == ("李*", "139****9000")
    now = story.read(shop, referral["id"])
    assert (now["state"], now["version"], now["reason"]) == (
        "registered",
        referral["version"],
        None,
    )


def test_what_he_said_is_kept_for_the_questions_and_in_no_repr(shop: Shop) -> None:
    story.owner(shop)
    referral = registered(shop)
    key = uuid.UUID(referral["id"])
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        assert nomination_of(uow, key) is None
    story.nominated(shop, referral, relation="neighbour", known_for="over_10")
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        found = nomination_of(uow, key)
    assert found is not None
    assert (found.friend_name, found.relation, found.known_for) == ("李四", "neighbour", "over_10")
    assert found.verdict == "match"
    assert not [word for word in ("李四", "neighbour", "over_10", "match") if word in repr(found)]


def test_five_wrong_codes_lock_it_though_each_was_refused(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = registered(shop)
    code = story.code_asked(shop, referral)
    for nth in range(1, 6):
        answer = story.named(shop, referral, wrong(code, nth))
        assert told(answer) == (422, "nomination_code_wrong")
    locked = story.named(shop, referral, code)
    assert told(locked) == (409, "nomination_locked")
    assert 890 < int(locked.headers["Retry-After"]) <= 900
    clock.add(minutes=15, seconds=1)
    story.nominated(shop, referral)


def test_guesses_made_at_the_same_moment_are_counted_one_by_one(shop: Shop) -> None:
    story.owner(shop)
    referral = registered(shop)
    code = story.code_asked(shop, referral)
    statuses = at_once(
        8, lambda number: story.named(shop, referral, wrong(code, number + 1)).status_code
    )
    assert statuses == {422: 5, 409: 3}
    asked = "SELECT count(*) FROM nomination_attempt WHERE referral_id = :id AND NOT right_code"
    assert rows(shop, asked, id=referral["id"])[0][0] == 5


def test_a_wrong_code_told_again_with_its_key_is_one_try(shop: Shop) -> None:
    story.owner(shop)
    referral = registered(shop)
    body = {
        "code": wrong(story.code_asked(shop, referral)),
        "friend_name": "李四",
        "relation": "colleague",
        "known_for": "3_to_10",
        "how_it_came": "同事介绍",
    }
    path, owner = f"/v1/referrals/{referral['id']}/nominations", uuid.UUID(referral["owner_id"])
    answers = [shop.post("owner", path, body, subject=owner, key="once") for _ in range(7)]
    assert {told(answer) for answer in answers} == {(422, "nomination_code_wrong")}
    asked = "SELECT count(*) FROM nomination_attempt WHERE referral_id = :id"
    assert rows(shop, asked, id=referral["id"])[0][0] == 1


def test_the_code_of_another_referral_is_no_code_here(shop: Shop) -> None:
    story.owner(shop)
    mine, other = registered(shop, 1), registered(shop, 2)
    code = story.code_asked(shop, mine)
    while story.code_asked(shop, other) == code:
        pass
    assert told(story.named(shop, other, code)) == (422, "nomination_code_wrong")
    story.ok(story.named(shop, mine, code))


def test_only_the_latest_code_is_good_and_for_ten_minutes(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = registered(shop)
    earlier = story.code_asked(shop, referral)
    latest = story.code_asked(shop, referral)
    if earlier != latest:
        assert told(story.named(shop, referral, earlier)) == (422, "nomination_code_wrong")
    clock.add(minutes=10)
    assert told(story.named(shop, referral, latest)) == (422, "nomination_code_wrong")


def test_a_sixth_code_of_a_day_is_sent_tomorrow(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = registered(shop)
    for _ in range(5):
        story.ok(ask(shop, referral))
    answer = ask(shop, referral)
    assert told(answer) == (409, "nomination_codes_used_up")
    clock.add(seconds=int(answer.headers["Retry-After"]) + 1)
    story.nominated(shop, referral)


def test_a_friend_is_named_once(shop: Shop) -> None:
    story.owner(shop)
    referral = registered(shop)
    code = story.code_asked(shop, referral)
    statuses = at_once(6, lambda _: story.named(shop, referral, code).status_code)
    assert statuses == {201: 1, 409: 5}
    assert told(story.named(shop, referral, code)) == (409, "already_nominated")
    assert told(ask(shop, referral)) == (409, "already_nominated")


def test_between_two_checks_and_after_them_no_other_friend_is_named(shop: Shop) -> None:
    story.owner(shop)
    referral = story.delivered(shop)
    failed = story.checked(shop, referral, owner_name="王五")
    assert told(ask(shop, referral)) == (409, "already_nominated")
    other = hire(shop, "showroom_manager")
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    body = story.LICENCE | {"owner_name": "王五"}
    again = shop.post("showroom_manager", path, body, version=failed["version"], subject=other)
    assert story.ok(again)["referral_state"] == "refused"
    assert told(ask(shop, referral)) == (409, "already_nominated")


def test_a_referral_whose_sale_was_cancelled_takes_no_nomination(shop: Shop) -> None:
    story.owner(shop)
    referral = handed_over(shop)
    code = story.code_asked(shop, referral)
    cancelled = {
        "external_ref": {"source": "crm", "id": "X"},
        "kind": "cancellation",
        "order_no": "DD-7",
        "occurred_at": story.now(shop),
    }
    story.ok(shop.post("crm", "/v1/sale-events", cancelled))
    assert told(story.named(shop, referral, code)) == (409, "nomination_closed")
    assert told(ask(shop, referral)) == (409, "nomination_closed")


def test_a_month_after_the_delivery_the_time_to_name_a_friend_is_up(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    referral = handed_over(shop)
    clock.add(days=30)
    assert told(ask(shop, referral)) == (409, "time_is_up")


def test_nobody_else_names_a_friend_for_the_owner(shop: Shop) -> None:
    story.owner(shop)
    referral = registered(shop)
    code = story.code_asked(shop, referral)
    stranger = story.member(shop, phone="13800138111")
    assert told(ask(shop, referral, stranger)) == (404, "referral_not_found")
    posing = referral | {"owner_id": str(stranger)}
    assert told(story.named(shop, posing, code)) == (404, "referral_not_found")
    for role in ("showroom_manager", "consultant", "crm", "dealer_admin"):
        path = f"/v1/referrals/{referral['id']}/nomination-codes"
        assert told(shop.post(role, path)) == (403, "role_lacks")


def test_before_the_duty_manager_has_confirmed_there_is_no_owner_to_ask(shop: Shop) -> None:
    zhang_san = story.owner(shop)
    referral = story.submitted(shop)
    assert told(ask(shop, referral, zhang_san)) == (404, "referral_not_found")


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"code": "12345"}, "/code"),
        ({"code": "１２３４５６"}, "/code"),
        ({"relation": "enemy"}, "/relation"),
        ({"known_for": "always"}, "/known_for"),
        ({"how_it_came": " "}, "/how_it_came"),
    ],
)
def test_an_answer_that_cannot_be_read_is_no_try(
    shop: Shop, facts: dict[str, str], pointer: str
) -> None:
    story.owner(shop)
    referral = registered(shop)
    answer = story.named(shop, referral, **({"code": "000000"} | facts))
    problem: dict[str, Any] = answer.json or {}
    assert answer.status_code == 422
    assert {each["pointer"] for each in problem["errors"]} == {pointer}
    asked = "SELECT count(*) FROM nomination_attempt WHERE referral_id = :id"
    assert rows(shop, asked, id=referral["id"])[0][0] == 0


def test_an_unusable_name_is_told_before_the_code_is_tried(shop: Shop) -> None:
    story.owner(shop)
    referral = registered(shop)
    code = story.code_asked(shop, referral)
    assert told(story.named(shop, referral, code, friend_name="12345")) == (422, "name_invalid")
    story.ok(story.named(shop, referral, code))


def test_nothing_that_was_said_stands_in_events_audit_or_stored_answers(shop: Shop) -> None:
    story.owner(shop)
    referral = registered(shop)
    code = story.code_asked(shop, referral)
    story.ok(story.named(shop, referral, code, friend_name="王五", how_it_came="打麻将认识的"))
    told_of = ("outbox_event", "audit_event", "idempotency_claim", "referral")
    tables = (*told_of, "notice", "nomination", "nomination_code", "nomination_attempt")
    found = {
        table: " ".join(
            row[0]
            for row in rows(
                shop, f"SELECT t::text FROM {table} t WHERE dealer_id = :d", d=shop.dealer_id
            )
        )
        for table in tables
    }
    assert "referral.nominated" in found["outbox_event"]
    assert "nomination.tried" in found["audit_event"]
    personal = ("王五", "李四", "打麻将", "13800138", f'"{code}"', f",{code},")
    assert {table: word for table, text in found.items() for word in personal if word in text} == {}
    assert "mismatch" not in found["outbox_event"]


@pytest.mark.parametrize("table", ["nomination", "nomination_code", "nomination_attempt"])
def test_what_was_said_and_tried_is_history(shop: Shop, table: str) -> None:
    story.owner(shop)
    story.nominated(shop, registered(shop))
    with (
        pytest.raises(DBAPIError, match=r"append-only|permission denied"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text(f"DELETE FROM {table}"))


def test_the_database_takes_a_nomination_of_the_owner_alone_and_in_time(shop: Shop) -> None:
    zhang_san = story.owner(shop)
    stranger = story.member(shop, phone="13800138111")
    referral = handed_over(shop)
    insert = text(
        "INSERT INTO nomination SELECT :id, :dealer, :member, 'x', 'friend', 'under_1', 'x',"
        " 'match', now()"
    )
    facts = {"id": referral["id"], "dealer": shop.dealer_id}
    with (
        pytest.raises(DBAPIError, match="not by the owner"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(insert, facts | {"member": stranger})
    with shop.service.database.transaction(shop.dealer_id) as session:
        session.execute(
            text("UPDATE referral SET state = 'cancelled' WHERE id = :id"), {"id": referral["id"]}
        )
    with (
        pytest.raises(DBAPIError, match="not before the licence"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(insert, facts | {"member": zhang_san})


@pytest.mark.parametrize(
    ("said", "buyer", "verdict"),
    [
        ("李四", "李四", "match"),
        (" 李 四 ", "李四", "match"),
        ("歐陽娜娜", "欧阳娜娜", "match"),
        ("wang li", "Wang Li", "match"),
        ("阿凡提·买买提", "阿凡提买买提", "match"),
        ("李五", "李四", "unclear"),
        ("李健国", "李建国", "unclear"),
        ("李建", "李建国", "unclear"),
        ("李", "李建国", "unclear"),
        ("李哥", "李建国", "unclear"),
        ("老李", "李建国", "unclear"),
        ("李先生", "李建国", "unclear"),
        ("建国", "李建国", "unclear"),
        ("阿国", "李建国", "unclear"),
        ("国国", "李建国", "unclear"),
        ("欧阳", "欧阳娜娜", "unclear"),
        ("Wang", "Wang Li", "unclear"),
        ("Li Wang", "Wang Li", "unclear"),
        ("王五", "李四", "mismatch"),
        ("张建国", "李建国", "mismatch"),
        ("李卫民", "李建国", "mismatch"),
        ("先生", "李建国", "mismatch"),
        ("Smith", "Wang Li", "mismatch"),
    ],
)
def test_the_name_told_is_compared_as_people_speak(said: str, buyer: str, verdict: str) -> None:
    assert compare(said, buyer) == verdict


HAN = st.text("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨建国伟芳娜敏静", min_size=2, max_size=4)


@given(HAN, HAN)
def test_a_name_matches_itself_alone(one: str, other: str) -> None:
    assert compare(one, one) == "match"
    assert (compare(one, other) == "match") == (one == other)


@given(HAN, HAN)
def test_names_that_share_no_character_are_never_taken_for_a_slip(one: str, other: str) -> None:
    if set(one).isdisjoint(other):
        assert compare(one, other) == "mismatch"
