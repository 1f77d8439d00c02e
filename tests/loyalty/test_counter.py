"""Counter codes at one's own desk: good once, for a quarter of an hour, guessed by nobody."""

import re
import secrets
import threading
import time
import uuid

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from api.commands.work import unit_of_work
from api.v1 import counter as endpoints
from loyalty.counter.issue import issue
from loyalty.counter.subjects import Purpose
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from tests.support import counter, story
from tests.support.clock import TestClock
from tests.support.counter import Washes, ask, code_for, given, outcome, rows, show, wrong
from tests.support.race import at_once
from tests.support.shop import Shop, hire


@pytest.fixture
def washes(monkeypatch: pytest.MonkeyPatch) -> Washes:
    found = Washes()
    monkeypatch.setattr(endpoints, "SUBJECTS", {Purpose.BENEFIT: found, Purpose.REWARD: found})
    return found


def attempts(shop: Shop) -> list[str]:
    return [row[0] for row in rows(shop, "SELECT outcome FROM counter_verification ORDER BY id")]


def test_the_owner_shows_eight_digits_and_the_desk_gives_what_they_are_for(
    shop: Shop, washes: Washes
) -> None:
    member = story.member(shop)
    wash = washes.of(member)
    told = story.ok(ask(shop, wash, member))
    assert re.fullmatch("[0-9]{8}", told["code"])
    answer = story.ok(show(shop, told["code"]))
    assert (answer["outcome"], answer["purpose"]) == ("accepted", "benefit")
    assert answer["what"] == {
        "name_zh": "洗车",
        "name_en": "A wash",
        "quantity": 1,
        "choice_zh": None,
        "choice_en": None,
    }
    assert given(shop) == [(wash, None)]


def test_a_code_is_good_once_and_for_another_wash_another_is_needed(
    shop: Shop, washes: Washes
) -> None:
    member = story.member(shop)
    code = code_for(shop, washes.of(member))
    assert outcome(show(shop, code)) == "accepted"
    again = story.ok(show(shop, code))
    assert (again["outcome"], again["purpose"], again["what"]) == ("used", None, None)
    assert len(given(shop)) == 1
    assert attempts(shop) == ["accepted", "used"]


def test_the_desk_that_sends_its_request_twice_gets_the_first_answer(
    shop: Shop, washes: Washes
) -> None:
    code = code_for(shop, washes.of(story.member(shop)))
    first, again = (show(shop, code, key="desk-1") for _ in range(2))
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert attempts(shop) == ["accepted"]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(14 * 60 + 55, "accepted"), (15 * 60, "expired"), (3600, "expired")]
)
def test_a_code_is_over_after_a_quarter_of_an_hour_at_that_instant(
    shop: Shop, washes: Washes, clock: TestClock, seconds: int, expected: str
) -> None:
    code = code_for(shop, washes.of(story.member(shop)))
    clock.add(seconds=seconds)
    assert outcome(show(shop, code)) == expected
    assert len(given(shop)) == (expected == "accepted")


@pytest.mark.parametrize(("used", "lately"), [(True, "used"), (False, "expired")])
def test_the_digits_of_last_week_mean_nothing_any_more(
    shop: Shop, washes: Washes, clock: TestClock, used: bool, lately: str
) -> None:
    code = code_for(shop, washes.of(story.member(shop)))
    if used:
        story.ok(show(shop, code))
    clock.add(hours=24)
    assert outcome(show(shop, code)) == lately
    clock.add(minutes=15)
    assert outcome(show(shop, code)) == "wrong_code"


def test_a_new_code_ends_the_one_before_it(shop: Shop, washes: Washes) -> None:
    member = story.member(shop)
    wash, other = washes.of(member), washes.of(member)
    beside, first, second = code_for(shop, other), code_for(shop, wash), code_for(shop, wash)
    assert outcome(show(shop, first)) == "expired"
    assert outcome(show(shop, second)) == "accepted"
    assert outcome(show(shop, beside)) == "accepted"
    assert {each for each, _ in given(shop)} == {wash, other}


def test_when_the_act_is_refused_that_is_the_answer_and_kept_and_the_code_stays_good(
    shop: Shop, washes: Washes
) -> None:
    wash = washes.of(story.member(shop))
    code = code_for(shop, wash)
    washes.withdrawn.add(wash)
    refused, again = (show(shop, code, key="desk-1") for _ in range(2))
    assert (refused.status_code, outcome(refused)) == (409, "out_of_stock")
    assert (again.status_code, again.json) == (409, refused.json)
    assert (given(shop), attempts(shop)) == ([], ["refused"])
    washes.withdrawn.clear()
    assert outcome(show(shop, code)) == "accepted"


def test_an_owner_gets_codes_for_his_own_things_only(shop: Shop, washes: Washes) -> None:
    me, neighbour = story.member(shop), story.member(shop, phone="13900139000")
    mine = washes.of(me)
    theirs = ask(shop, mine, neighbour)
    nothing = ask(shop, uuid.uuid4(), neighbour)
    assert (theirs.status_code, outcome(theirs)) == (404, "subject_not_found")
    assert (nothing.status_code, outcome(nothing)) == (404, "subject_not_found")
    assert rows(shop, "SELECT id FROM counter_code") == []
    story.ok(ask(shop, mine, me))


def test_nobody_at_the_desk_gives_to_himself(shop: Shop, washes: Washes) -> None:
    clerk = hire(shop, "service_desk", phone="13700137000")
    code = code_for(shop, washes.of(story.member(shop, phone="13700137000")))
    assert outcome(show(shop, code, person=clerk)) == "own_account"
    assert outcome(show(shop, code)) == "accepted"


@pytest.mark.parametrize(
    "typed", ["1234567", "123456789", "1234567a", "１２３４５６７８", " 1234567"]
)
def test_what_is_no_code_at_all_is_refused_and_counts_for_nothing(
    shop: Shop, washes: Washes, typed: str
) -> None:
    assert outcome(show(shop, typed)) == "validation_failed"
    assert attempts(shop) == []


def test_ten_wrong_codes_stop_the_guesser_and_no_other(
    shop: Shop, washes: Washes, clock: TestClock
) -> None:
    code = code_for(shop, washes.of(story.member(shop)))
    for nth in range(10):
        assert outcome(show(shop, wrong(code, nth + 1))) == "wrong_code"
        clock.add(seconds=20)
    stopped = show(shop, code)
    assert (stopped.status_code, outcome(stopped)) == (409, "counter_locked")
    assert 600 < int(stopped.headers["Retry-After"]) <= 15 * 60 - 200
    assert outcome(show(shop, wrong(code))) == "counter_locked"
    assert (len(attempts(shop)), given(shop)) == (10, [])
    assert outcome(show(shop, code, person=hire(shop, "service_desk"))) == "accepted"


def test_whoever_tries_a_code_that_is_refused_ten_times_is_stopped_too(
    shop: Shop, washes: Washes
) -> None:
    wash = washes.of(story.member(shop, phone="13700137000"))
    code = code_for(shop, wash)
    clerk = hire(shop, "service_desk", phone="13700137000")
    said = [outcome(show(shop, code, person=clerk)) for _ in range(11)]
    assert said == ["own_account"] * 10 + ["counter_locked"]
    assert (given(shop), attempts(shop)) == ([], ["refused"] * 10)


def test_no_code_is_made_for_what_can_no_longer_be_given(shop: Shop, washes: Washes) -> None:
    wash = washes.of(story.member(shop))
    washes.gone.add(wash)
    refused = ask(shop, wash)
    assert (refused.status_code, outcome(refused)) == (409, "reservation_ended")
    assert rows(shop, "SELECT id FROM counter_code") == []


def test_a_code_asked_for_with_the_same_key_is_another_one_and_no_answer_is_kept(
    shop: Shop, washes: Washes
) -> None:
    """The answer holds the digits: kept for a replay, they would stand in the database."""
    wash = washes.of(story.member(shop))
    body = {"purpose": "benefit", "subject_id": str(wash)}
    first, second = (
        story.ok(shop.post("crm", "/v1/counter-codes", body, key="crm-1")) for _ in range(2)
    )
    assert first["id"] != second["id"]
    assert rows(shop, "SELECT key FROM idempotency_claim WHERE key = 'crm-1'") == []
    assert outcome(show(shop, first["code"])) == "expired"
    assert outcome(show(shop, second["code"])) == "accepted"


def test_a_frozen_account_gets_no_code_and_nothing_for_one_it_has(
    shop: Shop, washes: Washes
) -> None:
    member = story.member(shop)
    wash = washes.of(member)
    freeze = {"member_id": str(member), "reason": "投诉核实"}
    code = code_for(shop, wash)
    story.ok(shop.post("dealer_admin", "/v1/account-freezes", freeze))
    for refused in (ask(shop, wash, member), show(shop, code)):
        assert (refused.status_code, outcome(refused)) == (409, "account_frozen")
    assert given(shop) == []


def test_who_was_stopped_may_try_again_when_the_oldest_of_ten_is_15_minutes_old(
    shop: Shop, washes: Washes, clock: TestClock
) -> None:
    for nth in range(10):
        show(shop, f"{nth:08}")
    clock.add(minutes=14)
    assert outcome(show(shop, "00000000")) == "counter_locked"
    clock.add(minutes=1)
    code = code_for(shop, washes.of(story.member(shop)))
    assert outcome(show(shop, code)) == "accepted"


def test_whoever_serves_many_is_not_stopped_by_codes_that_were_accepted(
    shop: Shop, washes: Washes
) -> None:
    member = story.member(shop)
    for _ in range(12):
        assert outcome(show(shop, code_for(shop, washes.of(member)))) == "accepted"
    assert len(given(shop)) == 12


def test_of_16_desks_at_once_one_accepts_a_code_and_gives_once(shop: Shop, washes: Washes) -> None:
    code = code_for(shop, washes.of(story.member(shop)))
    clerks = [hire(shop, "service_desk") for _ in range(16)]
    answers = [""] * 16

    def act(number: int) -> int:
        answer = show(shop, code, person=clerks[number])
        answers[number] = outcome(answer)
        return answer.status_code

    assert at_once(16, act) == {201: 16}
    assert sorted(answers) == ["accepted"] + ["used"] * 15
    assert len(given(shop)) == 1
    assert sorted(attempts(shop)) == sorted(answers)


def test_a_guesser_with_16_hands_still_has_ten_tries(shop: Shop, washes: Washes) -> None:
    code = code_for(shop, washes.of(story.member(shop)))

    def act(number: int) -> int:
        return show(shop, wrong(code, number + 1)).status_code

    assert at_once(16, act) == {201: 10, 409: 6}
    assert attempts(shop) == ["wrong_code"] * 10


def test_of_16_codes_asked_for_at_once_for_one_wash_one_is_good(shop: Shop, washes: Washes) -> None:
    wash = washes.of(story.member(shop))
    codes = [""] * 16

    def act(number: int) -> int:
        answer = ask(shop, wash)
        codes[number] = story.ok(answer)["code"]
        return answer.status_code

    assert at_once(16, act) == {201: 16}
    states = rows(shop, "SELECT state, count(*) FROM counter_code GROUP BY state ORDER BY state")
    assert states == [("open", 1), ("void", 15)]
    clerks = [hire(shop, "service_desk") for _ in range(2)]
    said = [outcome(show(shop, each, person=clerks[n % 2])) for n, each in enumerate(codes)]
    assert sorted(said) == ["accepted"] + ["expired"] * 15


def test_a_code_shown_while_another_is_asked_for_waits_and_is_over(
    shop: Shop, washes: Washes
) -> None:
    """Who asks and who shows take the same locks in the same order, or neither would end."""
    member = story.member(shop)
    wash = washes.of(member)
    code, said = code_for(shop, wash), []
    desk = threading.Thread(target=lambda: said.append(outcome(show(shop, code))))
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        ledger.lock(uow, [member])
        desk.start()
        wait_for_a_waiter(shop)
        issue(uow, member, Purpose.BENEFIT, wash)
    desk.join()
    assert (said, given(shop)) == (["expired"], [])


def wait_for_a_waiter(shop: Shop) -> None:
    """Until somebody waits for a lock in this database."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    engine = create_engine(shop.service.settings.database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        until = time.monotonic() + 1.5
        while not connection.scalar(waiting) and time.monotonic() < until:
            time.sleep(0.01)
    engine.dispose()


def test_two_open_codes_never_have_the_same_digits(
    shop: Shop, washes: Washes, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([7, 7, 7, 8])
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(drawn))
    member = story.member(shop)
    codes = [code_for(shop, washes.of(member)) for _ in range(2)]
    assert codes == ["00000007", "00000008"]


def test_the_digits_of_a_code_that_has_ended_can_be_drawn_again(
    shop: Shop, washes: Washes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "randbelow", lambda _: 7)
    member = story.member(shop)
    first, second = washes.of(member), washes.of(member)
    assert outcome(show(shop, code_for(shop, first))) == "accepted"
    assert outcome(show(shop, code_for(shop, second))) == "accepted"
    assert {wash for wash, _ in given(shop)} == {first, second}


ONCE, NO_RIGHT = "ends once", "permission denied"


@pytest.mark.parametrize(
    ("damage", "refusal"),
    [
        ("UPDATE counter_code SET state = 'open', used_at = NULL, used_by = NULL", ONCE),
        ("UPDATE counter_code SET state = 'void'", ONCE),
        ("UPDATE counter_code SET subject_id = gen_random_uuid()", NO_RIGHT),
        ("UPDATE counter_code SET expires_at = now()", NO_RIGHT),
        ("DELETE FROM counter_code", NO_RIGHT),
        (
            "INSERT INTO counter_verification SELECT gen_random_uuid(), dealer_id, staff_id, at,"
            " outcome, issued_by, code_id FROM counter_verification",
            "uq_counter_verification_accepted",
        ),
        ("UPDATE counter_verification SET outcome = 'used'", NO_RIGHT),
        ("DELETE FROM counter_verification", NO_RIGHT),
    ],
)
def test_the_database_itself_lets_no_code_be_used_twice(
    shop: Shop, washes: Washes, damage: str, refusal: str
) -> None:
    story.ok(show(shop, code_for(shop, washes.of(story.member(shop)))))
    with pytest.raises(DBAPIError, match=refusal):
        rows(shop, damage)


def test_the_digits_stand_in_no_table_and_no_log(
    shop: Shop, washes: Washes, capsys: pytest.CaptureFixture[str]
) -> None:
    member = story.member(shop)
    used, unused, refused = washes.of(member), washes.of(member), washes.of(member)
    codes = [code_for(shop, each) for each in (used, unused, refused)]
    washes.withdrawn.add(refused)
    said = [outcome(show(shop, each)) for each in (codes[0], wrong(codes[1]), codes[2])]
    assert said == ["accepted", "wrong_code", "out_of_stock"]
    logged = capsys.readouterr()
    assert "create_counter_verification" in logged.out
    assert not [code for code in codes if code in logged.out + logged.err]
    assert leaks(shop, codes) == []


def leaks(shop: Shop, codes: list[str]) -> list[str]:
    """Tables in which the digits can be read, as text or as bytes."""
    engine, found = create_engine(shop.service.settings.database_url), []
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            readable = "\n".join(connection.scalars(text(f'SELECT t::text FROM "{table}" t')))
            found += [table for code in codes if f'"{code}"' in readable]
            found += [table for code in codes if re.search(rf"(?<![\w-]){code}(?![\w-])", readable)]
            found += [table for code in codes if code.encode().hex() in readable]
    engine.dispose()
    return found


def test_the_search_for_digits_would_find_them(shop: Shop) -> None:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        uow.audit("test.leaked", shop.dealer_id, code="40718236")
    assert leaks(shop, ["40718236"]) == ["audit_event", "audit_event"]
    assert leaks(shop, ["40718237"]) == []


def test_who_issued_and_who_gave_is_kept(shop: Shop, washes: Washes) -> None:
    member = story.member(shop)
    code = code_for(shop, washes.of(member))
    story.ok(show(shop, code))
    asked = "SELECT action, actor_role FROM audit_event WHERE action LIKE 'counter%' ORDER BY id"
    assert rows(shop, asked) == [
        ("counter_code.issued", "crm"),
        ("counter_code.used", "service_desk"),
        ("counter_code.tried", "service_desk"),
    ]
    kept = rows(shop, "SELECT state, used_by, honoured_by FROM counter_code")
    assert kept == [("used", str(shop.people["service_desk"]), shop.dealer_id)]


def test_a_code_may_be_given_a_longer_life_by_who_issues_it(
    shop: Shop, washes: Washes, clock: TestClock
) -> None:
    member = story.member(shop)
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        code = issue(uow, member, Purpose.BENEFIT, washes.of(member), minutes=60).code
    clock.add(minutes=59)
    assert outcome(show(shop, code)) == "accepted"


def test_a_member_of_another_dealer_gets_no_code_here(
    shop: Shop, other_shop: Shop, washes: Washes
) -> None:
    stranger = washes.of(story.member(other_shop))
    refused = counter.ask(shop, stranger)
    assert (refused.status_code, outcome(refused)) == (404, "member_not_found")
