"""Codes at a partner's desk: given there, booked at home; neither dealer sees into the other."""

import uuid
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from api.commands.work import unit_of_work
from api.v1 import counter as endpoints
from kernel.errors import Conflict, NotFound
from kernel.unit_of_work import UnitOfWork, acting_for
from loyalty.counter.subjects import Purpose
from loyalty.dealers.directory import zone_of
from loyalty.dealers.models import Staff
from loyalty.dealers.roles import Role
from loyalty.members.models import Member
from tests.support import story
from tests.support.counter import Washes, befriend, code_for, given, outcome, rows, show, wrong
from tests.support.race import at_once
from tests.support.shop import Shop, hire

ATTEMPTS = "SELECT outcome, issued_by FROM counter_verification ORDER BY id"


@pytest.fixture
def washes(monkeypatch: pytest.MonkeyPatch) -> Washes:
    found = Washes()
    monkeypatch.setattr(endpoints, "SUBJECTS", {Purpose.BENEFIT: found, Purpose.REWARD: found})
    return found


def test_a_partner_gives_what_the_code_is_for_and_it_is_booked_at_home(
    shop: Shop, other_shop: Shop, washes: Washes
) -> None:
    befriend(shop, other_shop)
    wash = washes.of(story.member(shop))
    code = code_for(shop, wash)
    answer = story.ok(show(other_shop, code, issued_by=shop.dealer_id, key="abroad-1"))
    assert (answer["outcome"], answer["what"]["name_zh"]) == ("accepted", "洗车")
    assert given(shop) == [(wash, str(other_shop.dealer_id))]
    clerk = str(other_shop.people["service_desk"])
    assert rows(shop, "SELECT state, used_by, honoured_by FROM counter_code") == [
        ("used", clerk, other_shop.dealer_id)
    ]
    asked = "SELECT actor_id, details ->> 'honoured_by' FROM audit_event WHERE action = :action"
    audited = asked.replace(":action", "'counter_code.used'")
    assert rows(shop, audited) == [(clerk, str(other_shop.dealer_id))]
    assert (rows(shop, ATTEMPTS), given(other_shop)) == ([], [])
    assert rows(other_shop, ATTEMPTS) == [("accepted", shop.dealer_id)]
    kept = "SELECT status FROM idempotency_claim WHERE key = 'abroad-1'"
    assert (rows(shop, kept), rows(other_shop, kept)) == ([], [(201,)])
    again = show(other_shop, code, issued_by=shop.dealer_id, key="abroad-1")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (answer, "true")


def test_who_is_no_partner_and_who_does_not_exist_are_told_the_same(
    shop: Shop, other_shop: Shop, washes: Washes
) -> None:
    befriend(other_shop, shop)
    code = code_for(shop, washes.of(story.member(shop)))
    right = show(other_shop, code, issued_by=shop.dealer_id)
    guessed = show(other_shop, wrong(code), issued_by=shop.dealer_id)
    nobody = show(other_shop, code, issued_by=uuid.uuid4())
    said = [story.ok(each) for each in (right, guessed, nobody)]
    assert [each | {"id": None} for each in said] == [
        {"id": None, "outcome": "not_honoured", "purpose": None, "what": None}
    ] * 3
    assert (given(shop), [row[0] for row in rows(other_shop, ATTEMPTS)]) == (
        [],
        ["not_honoured"] * 3,
    )
    assert outcome(show(shop, code)) == "accepted"


def test_without_a_word_of_whose_it_is_a_partners_code_is_a_wrong_one(
    shop: Shop, other_shop: Shop, washes: Washes
) -> None:
    befriend(shop, other_shop)
    code = code_for(shop, washes.of(story.member(shop)))
    assert outcome(show(other_shop, code)) == "wrong_code"
    assert outcome(show(shop, code, issued_by=shop.dealer_id)) == "accepted"


@pytest.mark.parametrize("listed", [True, False])
def test_a_guesser_at_a_partners_desk_is_stopped_too(
    shop: Shop, other_shop: Shop, washes: Washes, listed: bool
) -> None:
    if listed:
        befriend(shop, other_shop)
    code = code_for(shop, washes.of(story.member(shop)))
    for nth in range(10):
        expected = "wrong_code" if listed else "not_honoured"
        assert outcome(show(other_shop, wrong(code, nth + 1), issued_by=shop.dealer_id)) == expected
    assert outcome(show(other_shop, code, issued_by=shop.dealer_id)) == "counter_locked"
    assert given(shop) == []


def test_an_act_refused_at_a_partners_desk_is_kept_there_and_leaves_no_trace_at_home(
    shop: Shop, other_shop: Shop, washes: Washes
) -> None:
    befriend(shop, other_shop)
    wash = washes.of(story.member(shop))
    code = code_for(shop, wash)
    washes.withdrawn.add(wash)
    refused = show(other_shop, code, issued_by=shop.dealer_id, key="abroad-2")
    assert (refused.status_code, outcome(refused)) == (409, "out_of_stock")
    kept = "SELECT status FROM idempotency_claim WHERE key = 'abroad-2'"
    assert (rows(shop, kept), rows(other_shop, kept)) == ([], [(409,)])
    assert (given(shop), rows(shop, ATTEMPTS)) == ([], [])
    assert rows(other_shop, ATTEMPTS) == [("refused", shop.dealer_id)]
    washes.withdrawn.clear()
    assert outcome(show(shop, code)) == "accepted"


def test_at_16_desks_of_two_dealers_at_once_a_code_is_good_once(
    shop: Shop, other_shop: Shop, washes: Washes
) -> None:
    befriend(shop, other_shop)
    code = code_for(shop, washes.of(story.member(shop)))
    clerks = [hire((shop, other_shop)[number % 2], "service_desk") for number in range(16)]
    answers = [""] * 16

    def act(number: int) -> int:
        desk = (shop, other_shop)[number % 2]
        answer = show(desk, code, person=clerks[number], issued_by=shop.dealer_id)
        answers[number] = outcome(answer)
        return answer.status_code

    assert at_once(16, act) == {201: 16}
    assert sorted(answers) == ["accepted"] + ["used"] * 15
    assert len(given(shop)) == 1


@pytest.mark.parametrize(
    ("phone", "expected"),
    [("138 0013 8000", "own_account"), ("13900139000", "accepted"), (None, "accepted")],
)
def test_a_partners_clerk_who_is_the_member_himself_is_not_paid_for_his_own_wash(
    shop: Shop, other_shop: Shop, washes: Washes, phone: str | None, expected: str
) -> None:
    befriend(shop, other_shop)
    clerk = hire(other_shop, "service_desk", phone=phone)
    code = code_for(shop, washes.of(story.member(shop, phone="13800138000")))
    tried = show(other_shop, code, person=clerk, issued_by=shop.dealer_id)
    assert outcome(tried) == expected
    assert len(given(shop)) == (expected == "accepted")
    if expected == "own_account":
        assert rows(other_shop, ATTEMPTS) == [("refused", shop.dealer_id)]
        assert outcome(show(other_shop, code, issued_by=shop.dealer_id)) == "accepted"


def members_seen(uow: UnitOfWork) -> int:
    return uow.session.scalars(select(func.count()).select_from(Member)).one()


def test_while_acting_for_another_dealer_his_rows_are_seen_and_after_it_only_ones_own(
    shop: Shop, other_shop: Shop
) -> None:
    member = story.member(shop)
    with unit_of_work(other_shop.service, other_shop.dealer_id, role=Role.SYSTEM, client="t") as at:
        assert members_seen(at) == 0
        own = at.session.get_one(Staff, other_shop.people["finance"])
        with acting_for(at, shop.dealer_id, zone_of) as there:
            assert (there.dealer_id, there.actor, there.now) == (shop.dealer_id, at.actor, at.now)
            assert members_seen(there) == 1
            assert there.session.get(Member, member) is not None
            assert there.session.get(Staff, own.id) is None
            there.emit("test.there", member)
        assert members_seen(at) == 0
        assert at.session.get(Member, member) is None
        assert at.session.get(Staff, own.id) is own
        at.emit("test.here", own.id)
    told = "SELECT kind FROM outbox_event WHERE kind IN ('test.here', 'test.there')"
    assert (rows(shop, told), rows(other_shop, told)) == ([("test.there",)], [("test.here",)])


def test_the_other_dealers_day_is_his_own(shop: Shop, other_shop: Shop) -> None:
    with unit_of_work(other_shop.service, other_shop.dealer_id, role=Role.SYSTEM, client="t") as at:
        abroad = replace(at, zone=ZoneInfo("Pacific/Honolulu"))
        with acting_for(abroad, shop.dealer_id, zone_of) as there:
            assert there.zone == ZoneInfo("Asia/Shanghai")


def fail_abroad(at: UnitOfWork, dealer_id: uuid.UUID, *, statement: str) -> None:
    """Do something for the other dealer, then fail."""
    with acting_for(at, dealer_id, zone_of) as there:
        there.emit("test.lost", dealer_id)
        there.session.flush()
        there.session.execute(text(statement))
        raise Conflict("out_of_stock")


@pytest.mark.parametrize(
    ("statement", "known", "error"),
    [
        ("SELECT 1", True, Conflict),
        ("SELECT 1 / 0", True, DBAPIError),
        ("SELECT 1", False, NotFound),
    ],
)
def test_what_fails_while_acting_for_another_is_undone_and_one_is_at_home_again(
    shop: Shop, other_shop: Shop, statement: str, known: bool, error: type[Exception]
) -> None:
    story.member(shop)
    with unit_of_work(other_shop.service, other_shop.dealer_id, role=Role.SYSTEM, client="t") as at:
        at.emit("test.before", other_shop.dealer_id)
        with pytest.raises(error):
            fail_abroad(at, shop.dealer_id if known else uuid.uuid4(), statement=statement)
        assert members_seen(at) == 0
        assert at.session.scalar(select(func.app_dealer())) == other_shop.dealer_id
        at.emit("test.after", other_shop.dealer_id)
    told = "SELECT kind FROM outbox_event WHERE kind LIKE 'test.%' ORDER BY id"
    assert rows(shop, told) == []
    assert rows(other_shop, told) == [("test.before",), ("test.after",)]


def give_up_after_acting(shop: Shop, other_shop: Shop) -> None:
    """What was done for the first dealer stood; then the request of the second fails."""
    with unit_of_work(other_shop.service, other_shop.dealer_id, role=Role.SYSTEM, client="t") as at:
        with acting_for(at, shop.dealer_id, zone_of) as there:
            there.emit("test.lost", shop.dealer_id)
        raise Conflict("out_of_stock")


def test_what_was_done_for_another_dealer_goes_when_ones_own_request_fails(
    shop: Shop, other_shop: Shop
) -> None:
    with pytest.raises(Conflict):
        give_up_after_acting(shop, other_shop)
    assert rows(shop, "SELECT kind FROM outbox_event WHERE kind = 'test.lost'") == []
