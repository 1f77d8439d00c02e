"""Two people decide what the calls left open; a third when they differ; one alone never."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from referral.continue_calls import end_overdue_calls
from tests.support import story
from tests.support.clock import TestClock
from tests.support.justice import (
    all_called,
    bench,
    doubted,
    night,
    read,
    said,
    suspected,
    unheard,
)
from tests.support.past import at_work
from tests.support.race import at_once
from tests.support.shop import Shop, hire
from tests.support.story import ok


def test_two_people_who_accept_verify_a_doubted_referral_and_its_reward_is_held(
    shop: Shop,
) -> None:
    referral = doubted(shop)
    first, second = bench(shop, 2)
    alone = ok(said(shop, referral, "accept", first))
    assert (alone["agreeing"], alone["moved"], alone["referral_state"]) == (
        1,
        False,
        "adjudication",
    )
    both = ok(said(shop, referral, "accept", second))
    assert (both["agreeing"], both["moved"], both["referral_state"]) == (2, True, "reward_held")
    assert read(shop, referral)["reward"]["points"] == 200


def test_one_person_twice_is_one_voice(shop: Shop) -> None:
    referral = doubted(shop)
    (judge,) = bench(shop, 1)
    ok(said(shop, referral, "accept", judge))
    for verdict in ("accept", "reject"):
        again = said(shop, referral, verdict, judge)
        assert (again.status_code, again.json["code"]) == (409, "already_judged")
    assert read(shop, referral)["state"] == "adjudication"


def test_when_two_differ_a_third_decides(shop: Shop) -> None:
    referral = doubted(shop)
    first, second, third = bench(shop, 3)
    ok(said(shop, referral, "accept", first))
    assert not ok(said(shop, referral, "reject", second))["moved"]
    assert ok(said(shop, referral, "reject", third))["referral_state"] == "refused"
    assert read(shop, referral)["reason"] == "judged_not_proven"


def test_two_judges_at_the_same_instant_move_it_once(shop: Shop) -> None:
    referral = doubted(shop)
    judges = bench(shop, 2)
    got = at_once(2, lambda n: said(shop, referral, "accept", judges[n]).status_code)
    assert got == {201: 2}
    after = read(shop, referral)
    assert after["state"] == "reward_held"
    history = ok(shop.get("auditor", f"/v1/referrals/{referral['id']}/history"), 200)["items"]
    assert [step["event"] for step in history].count("accept") == 1


def test_three_judges_at_the_same_instant_move_it_once(shop: Shop) -> None:
    referral = doubted(shop)
    judges = bench(shop, 3)
    got = at_once(3, lambda n: said(shop, referral, "accept", judges[n]).status_code)
    assert got in ({201: 2, 409: 1}, {201: 2, 412: 1})
    assert read(shop, referral)["state"] == "reward_held"


@pytest.mark.parametrize(
    ("role", "acted_as"),
    [("duty_manager", "confirmed the report"), ("showroom_manager", "checked the licence")],
)
def test_who_acted_on_the_referral_is_no_judge_of_it(shop: Shop, role: str, acted_as: str) -> None:
    referral = doubted(shop)
    answer = said(shop, referral, "accept", shop.people[role])
    if role == "duty_manager":
        path = f"/v1/referrals/{referral['id']}/judgements"
        body = {"verdict": "accept", "reason": "属实"}
        answer = shop.post(role, path, body, version=referral["version"])
    assert (answer.status_code, answer.json["code"]) == (403, "separation_of_duties"), acted_as


def test_a_verdict_on_a_screen_that_is_no_longer_true_is_refused(shop: Shop) -> None:
    referral = doubted(shop)
    (judge,) = bench(shop, 1)
    stale = said(shop, referral | {"version": referral["version"] - 1}, "accept", judge)
    assert (stale.status_code, stale.json["code"]) == (412, "version_changed")


@pytest.mark.parametrize("verdict", ["confirm_fraud", "clear"])
def test_an_open_question_is_not_yet_a_suspicion(shop: Shop, verdict: str) -> None:
    referral = doubted(shop)
    (judge,) = bench(shop, 1)
    answer = said(shop, referral, verdict, judge)
    assert (answer.status_code, answer.json["code"]) == (409, "verdict_not_now")


def test_nobody_is_accepted_without_a_call_that_was_heard(shop: Shop, clock: TestClock) -> None:
    referral = unheard(shop, clock)
    (judge,) = bench(shop, 1)
    answer = said(shop, referral, "accept", judge)
    assert (answer.status_code, answer.json["code"]) == (409, "no_call_to_rely_on")


def test_two_people_call_once_more_when_nobody_was_heard_and_only_once(
    shop: Shop, clock: TestClock
) -> None:
    referral = unheard(shop, clock)
    judges = bench(shop, 4)
    for judge in judges[:2]:
        ok(said(shop, referral, "call_once_more", judge))
    assert read(shop, referral)["state"] == "calling"
    again = all_called(shop, referral, honest=True)
    assert again["state"] == "adjudication"
    refused = said(shop, again, "call_once_more", judges[2])
    assert (refused.status_code, refused.json["code"]) == (409, "somebody_was_heard")
    for judge in judges[:2]:
        done = ok(said(shop, again, "accept", judge))
    assert done["referral_state"] == "reward_held"


def test_a_second_last_call_is_not_drawn_though_nobody_was_heard_again(
    shop: Shop, clock: TestClock
) -> None:
    referral = unheard(shop, clock)
    judges = bench(shop, 2)
    for judge in judges:
        ok(said(shop, referral, "call_once_more", judge))
    clock.add(days=8)
    night(shop, end_overdue_calls)
    referral = read(shop, referral)
    assert referral["state"] == "adjudication"
    answer = said(shop, referral, "call_once_more", judges[0])
    assert (answer.status_code, answer.json["code"]) == (409, "already_drawn")


def test_what_nobody_decides_in_fifteen_days_is_not_paid(shop: Shop, clock: TestClock) -> None:
    referral = doubted(shop)
    first, second = bench(shop, 2)
    ok(said(shop, referral, "accept", first))
    clock.add(days=16)
    late = said(shop, referral, "accept", second)
    assert (late.status_code, late.json["code"]) == (409, "time_is_up")
    night(shop)
    assert read(shop, referral)["state"] == "expired"


def test_one_judgement_cannot_verify_even_in_sql(shop: Shop) -> None:
    referral = doubted(shop)
    (judge,) = bench(shop, 1)
    ok(said(shop, referral, "accept", judge))
    moved = text("UPDATE referral SET state = 'verified', verified_at = now() WHERE id = :id")
    with pytest.raises(DBAPIError, match="two people must agree first"), at_work(shop) as uow:
        uow.session.execute(moved, {"id": referral["id"]})


def test_the_bench_sees_the_odds_and_the_marks_but_nothing_said_or_expected(shop: Shop) -> None:
    referral = doubted(shop)
    path = f"/v1/referrals/{referral['id']}/evidence"
    found = shop.get("auditor", path)
    pack = ok(found, 200)
    assert pack["review"] == ["nomination_mismatch"]
    assert pack["nomination_verdict"] == "mismatch"
    assert [check["passed"] for check in pack["licence"]] == [True]
    for call in pack["calls"]:
        assert call["result"] == "passed"
        assert call["odds"]["fake_t0"]["percent"].endswith("%")
        assert call["odds"]["fake_t0"]["percent"] in call["odds"]["fake_t0"]["says"]
        assert call["right"] >= 3
        assert call["wrong"] == 0
        assert call["attempts"][0]["number_matches"]
        assert all(question["key"] for question in call["questions"])
    for secret in ("张三", "李四", "王五", "建材", "教师", "速腾", "高尔夫", "138001", "139001"):
        assert secret not in found.text, secret


def test_a_judge_is_not_told_what_the_other_said_before_the_round_is_over(shop: Shop) -> None:
    referral = doubted(shop)
    first, second = bench(shop, 2)
    ok(said(shop, referral, "reject", first))
    path = f"/v1/referrals/{referral['id']}/evidence"
    during = ok(shop.get("showroom_manager", path, subject=second), 200)
    assert (during["judgements"], during["voices"]) == ([], 1)
    ok(said(shop, referral, "reject", second))
    after = ok(shop.get("showroom_manager", path, subject=second), 200)
    assert [each["verdict"] for each in after["judgements"]] == ["reject", "reject"]


def test_the_odds_speak_chinese_or_english(shop: Shop) -> None:
    referral = doubted(shop)
    path = f"/v1/referrals/{referral['id']}/evidence"
    headers = {"Authorization": f"Bearer {shop.token('auditor')}", "Accept-Language": "en"}
    english = shop.client().get(path, headers=headers).json
    assert english is not None
    assert "honest customer" in english["calls"][0]["odds"]["honest_rejected"]["says"]
    chinese = ok(shop.get("auditor", path), 200)
    assert "诚实" in chinese["calls"][0]["odds"]["honest_rejected"]["says"]


def test_open_narratives_are_read_by_judges_alone_and_the_look_is_kept(shop: Shop) -> None:
    hire(shop, "callback_agent")
    quiet = story.member(shop, occupation=None)
    ok(shop.post("crm", "/v1/vehicle-ownerships", {"member_id": str(quiet), **story.SAGITAR}))
    referral = story.calling(shop)
    referral = all_called(shop, referral, honest=True)
    path = f"/v1/referrals/{referral['id']}/narrative-reveals"
    (judge,) = bench(shop, 1)
    shown = ok(shop.post("showroom_manager", path, subject=judge))
    assert shown["told"]
    assert all(each["words"] for each in shown["told"])
    involved = shop.post("duty_manager", path)
    assert (involved.status_code, involved.json["code"]) == (403, "separation_of_duties")


def test_what_has_expected_answers_is_never_shown_as_a_narrative(shop: Shop) -> None:
    referral = suspected(shop)
    (judge,) = bench(shop, 1)
    path = f"/v1/referrals/{referral['id']}/narrative-reveals"
    assert ok(shop.post("showroom_manager", path, subject=judge))["told"] == []
