"""Suspected fakes: the consultant is heard, two people decide, penalties wait for the appeal."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from referral.models import ConsultantCase
from referral.standing import excluded_until, is_suspended, on_watch
from tests.support import past, sales, story
from tests.support.clock import TestClock
from tests.support.justice import (
    appealed,
    bench,
    case,
    confirmed_fake,
    decided,
    doubted,
    night,
    read,
    said,
    stated,
    suspected,
)
from tests.support.past import at_work
from tests.support.shop import Shop, hire
from tests.support.story import ok


def penalty(shop: Shop) -> dict[str, object]:
    found = ok(shop.get("auditor", "/v1/penalties"), 200)["items"]
    assert len(found) == 1
    one: dict[str, object] = found[0]
    return one


def standing(shop: Shop) -> tuple[bool, bool, bool, bool]:
    """Consultant suspended, consultant watched, buyer out, owner out."""
    consultant = shop.people["consultant"]
    with at_work(shop) as uow:
        out = [_out(uow, phone) for phone in ("+8613900139000", "+8613800138000")]
        return is_suspended(uow, consultant), on_watch(uow, consultant), out[0], out[1]


def _out(uow: UnitOfWork, phone: str) -> bool:
    return excluded_until(uow, uow.blind(phone, column="phone")) is not None


def suspicion(shop: Shop, referral: dict[str, Any], judge: UUID) -> TestResponse:
    path = f"/v1/referrals/{referral['id']}/suspicions"
    facts = {"version": referral["version"], "subject": judge}
    return shop.post("showroom_manager", path, {"reason": "客户称不认识"}, **facts)


def failed_in_a_strict_house(shop: Shop) -> dict[str, Any]:
    """One failed call ends it; the case against the consultant is open."""
    sales.policy(shop, house_rule_strict=True)
    story.owner(shop)
    story.calling(shop)
    referral = story.called(shop, honest=False)
    assert (referral["state"], case(shop, referral)["state"]) == ("failed", "open")
    return referral


def doubted_though_paid(shop: Shop, clock: TestClock) -> dict[str, Any]:
    referral = sales.rewarded(shop, clock)
    (judge,) = bench(shop, 1)
    ok(suspicion(shop, referral, judge))
    return referral


def test_nobody_is_confirmed_a_faker_before_he_was_heard(shop: Shop) -> None:
    referral = suspected(shop)
    (judge,) = bench(shop, 1)
    for verdict in ("confirm_fraud", "clear"):
        early = said(shop, referral, verdict, judge)
        assert (early.status_code, early.json["code"]) == (409, "consultant_not_heard")
    stated(shop, referral)
    assert not ok(said(shop, referral, "confirm_fraud", judge))["moved"]


def test_who_says_nothing_for_seven_days_is_judged_without_his_words(
    shop: Shop, clock: TestClock
) -> None:
    referral = suspected(shop)
    clock.add(days=7, minutes=1)
    for judge in bench(shop, 2):
        done = ok(said(shop, referral, "clear", judge))
    assert done["referral_state"] == "cleared"
    assert case(shop, referral)["state"] == "cleared"
    assert standing(shop) == (False, False, False, False)


def test_a_suspicion_alone_watches_the_consultant_and_punishes_nobody(shop: Shop) -> None:
    suspected(shop)
    assert standing(shop) == (False, True, False, False)
    assert ok(shop.get("auditor", "/v1/penalties"), 200)["items"] == []


def test_a_confirmed_fake_excludes_both_customers_and_proposes_a_penalty(shop: Shop) -> None:
    referral = confirmed_fake(shop)
    assert (referral["state"], referral["reason"]) == ("fraud_confirmed", "judged_fake")
    assert case(shop, referral)["state"] == "confirmed"
    proposed = penalty(shop)
    assert (proposed["nth"], proposed["fine_fen"], proposed["state"]) == (1, 50_000, "proposed")
    assert proposed["pay_withheld_on"] == f"{story.today(shop)[:8]}01"
    assert standing(shop) == (False, True, True, True)


def test_a_penalty_counts_only_after_the_appeal_window(shop: Shop, clock: TestClock) -> None:
    confirmed_fake(shop)
    assert night(shop)[2] == 0
    clock.add(days=7, minutes=1)
    assert night(shop)[2] == 1
    assert night(shop)[2] == 0
    assert penalty(shop)["state"] == "effective"


def test_no_penalty_counts_while_an_appeal_waits(shop: Shop, clock: TestClock) -> None:
    referral = confirmed_fake(shop)
    clock.add(days=6)
    ok(appealed(shop, referral))
    clock.add(days=2)
    assert night(shop)[2] == 0
    clock.add(days=15)
    assert night(shop) == [0, 1, 1]


def test_no_penalty_is_made_effective_early_even_in_sql(shop: Shop) -> None:
    confirmed_fake(shop)
    early = text("UPDATE penalty SET state = 'effective', effective_at = now()")
    with pytest.raises(DBAPIError, match="ck_penalty_window"), at_work(shop) as uow:
        uow.session.execute(early)


def proven_before(shop: Shop, days_ago: int) -> None:
    """A case of the same consultant that was confirmed so many days ago."""
    with at_work(shop) as uow:
        fake = past.referred(uow, shop, past.person(uow), days_ago=days_ago, state="cancelled")
        then = uow.now - timedelta(days=days_ago)
        uow.session.add(
            ConsultantCase(
                id=new_id(),
                dealer_id=uow.dealer_id,
                referral_id=fake.id,
                consultant_id=fake.consultant_id,
                reason="judged_fake",
                state="confirmed",
                opened_at=then,
                decided_at=then,
            )
        )


@pytest.mark.parametrize(
    ("before", "nth", "fine", "months", "to_hr"),
    [([400], 1, 50_000, 0, False), ([90], 2, 100_000, 3, False), ([300, 90], 3, 0, 3, True)],
)
def test_the_penalty_counts_the_cases_proven_in_twelve_months(
    shop: Shop, before: list[int], nth: int, fine: int, months: int, to_hr: bool
) -> None:
    for days_ago in before:
        proven_before(shop, days_ago)
    confirmed_fake(shop)
    found = penalty(shop)
    assert [found[name] for name in ("nth", "fine_fen", "excluded_months", "referred_to_hr")] == [
        nth,
        fine,
        months,
        to_hr,
    ]


def test_a_second_proven_case_keeps_the_consultant_from_registering_for_three_months(
    shop: Shop, clock: TestClock
) -> None:
    proven_before(shop, 90)
    confirmed_fake(shop)
    clock.add(days=8)
    assert not standing(shop)[0]
    night(shop)
    assert standing(shop)[0]
    clock.add(days=85)
    assert standing(shop)[0]
    clock.add(days=10)
    assert not standing(shop)[0]


def test_customers_of_a_fake_may_come_again_after_twelve_months(
    shop: Shop, clock: TestClock
) -> None:
    confirmed_fake(shop)
    clock.add(days=360)
    assert standing(shop)[2:] == (True, True)
    clock.add(days=10)
    assert standing(shop) == (False, False, False, False)


def test_the_consultant_sees_his_own_case_and_speaks_to_no_other(shop: Shop) -> None:
    referral = suspected(shop)
    mine = ok(shop.get("consultant", "/v1/consultant-cases"), 200)["items"]
    assert [each["referral_id"] for each in mine] == [referral["id"]]
    other = hire(shop, "consultant")
    theirs = shop.get("consultant", "/v1/consultant-cases", subject=other)
    assert ok(theirs, 200)["items"] == []
    path = f"/v1/consultant-cases/{mine[0]['id']}/statements"
    refused = shop.post("consultant", path, {"text": "我来说"}, subject=other)
    assert refused.json is not None
    assert (refused.status_code, refused.json["code"]) == (404, "case_not_found")


def test_his_words_are_sealed_and_only_judges_read_them(shop: Shop) -> None:
    referral = suspected(shop)
    stated(shop, referral)
    with at_work(shop) as uow:
        kept = uow.session.scalars(text("SELECT words FROM case_statement")).one()
        trail = uow.session.scalars(text("SELECT details::text FROM audit_event")).all()
    assert "老车主".encode() not in bytes(kept)
    assert not [row for row in trail if "老车主" in row]
    (judge,) = bench(shop, 1)
    path = f"/v1/referrals/{referral['id']}/narrative-reveals"
    shown = ok(shop.post("showroom_manager", path, subject=judge))
    assert [each["words"] for each in shown["stated"]] == ["客户确实是老车主介绍的"]


def test_two_judges_suspect_an_open_case_and_its_consultant_is_heard(shop: Shop) -> None:
    referral = doubted(shop)
    for judge in bench(shop, 2):
        done = ok(said(shop, referral, "suspect_fraud", judge))
    assert done["referral_state"] == "fraud_suspected"
    found = case(shop, referral)
    assert (found["state"], found["reason"], found["statements"]) == ("open", "judged_fake", 0)


def test_a_paid_reward_is_taken_back_when_two_people_confirm_the_fake(
    shop: Shop, clock: TestClock
) -> None:
    referral = sales.rewarded(shop, clock)
    first, second = bench(shop, 2)
    opened = ok(suspicion(shop, referral, first))
    assert opened["referral_state"] == "rewarded"
    stated(shop, referral)
    ok(said(shop, referral, "confirm_fraud", first))
    assert read(shop, referral)["state"] == "rewarded"
    done = ok(said(shop, referral, "confirm_fraud", second))
    assert done["referral_state"] == "reversed"
    assert story.balance(shop, sales.owner_of(referral)) == 0
    assert penalty(shop)["state"] == "proposed"


@pytest.mark.parametrize(
    ("verdict", "ends", "penalties"),
    [("confirm_fraud", "confirmed", ["proposed"]), ("clear", "cleared", [])],
)
def test_a_car_brought_back_does_not_end_the_case_against_its_consultant(
    shop: Shop, clock: TestClock, verdict: str, ends: str, penalties: list[str]
) -> None:
    referral = doubted_though_paid(shop, clock)
    sales.returned(shop)
    reversed_ = read(shop, referral)
    assert (reversed_["state"], case(shop, referral)["state"]) == ("reversed", "open")
    judges = bench(shop, 3)
    unheard = said(shop, reversed_, verdict, judges[0])
    assert (unheard.status_code, unheard.json["code"]) == (409, "consultant_not_heard")
    stated(shop, referral)
    path = f"/v1/referrals/{referral['id']}/narrative-reveals"
    assert ok(shop.post("showroom_manager", path, subject=judges[0]))["stated"]
    assert not ok(said(shop, reversed_, verdict, judges[0]))["moved"]
    done = ok(said(shop, reversed_, verdict, judges[1]))
    assert (done["moved"], done["referral_state"]) == (True, "reversed")
    assert case(shop, referral)["state"] == ends
    found = ok(shop.get("auditor", "/v1/penalties"), 200)["items"]
    assert [each["state"] for each in found] == penalties
    late = said(shop, reversed_, verdict, judges[2])
    assert (late.status_code, late.json["code"]) == (409, "no_open_case")
    closed = shop.post("showroom_manager", path, subject=judges[0])
    assert (closed.status_code, closed.json["code"]) == (409, "nothing_to_judge")


def test_what_was_reversed_without_a_suspicion_is_not_judged(shop: Shop, clock: TestClock) -> None:
    referral = sales.rewarded(shop, clock)
    sales.returned(shop)
    (judge,) = bench(shop, 1)
    answer = said(shop, read(shop, referral), "confirm_fraud", judge)
    assert (answer.status_code, answer.json["code"]) == (409, "no_open_case")


def test_who_withdraws_before_his_judges_ends_the_case_that_an_appeal_left_open(
    shop: Shop,
) -> None:
    referral = failed_in_a_strict_house(shop)
    ok(decided(shop, ok(appealed(shop, referral, "owner")), "upheld"))
    path = f"/v1/referrals/{referral['id']}/withdrawals"
    ok(shop.post("crm", path, {"party": "buyer"}))
    assert (read(shop, referral)["state"], case(shop, referral)["state"]) == (
        "withdrawn",
        "cleared",
    )


def test_nobody_is_suspected_while_his_appeal_waits(shop: Shop, clock: TestClock) -> None:
    referral = failed_in_a_strict_house(shop)
    ok(appealed(shop, referral, "owner"))
    (judge,) = bench(shop, 1)
    waits = suspicion(shop, referral, judge)
    assert (waits.status_code, waits.json["code"]) == (409, "appeal_open")
    clock.add(days=15)
    assert ok(suspicion(shop, referral, judge))["referral_state"] == "fraud_suspected"


def test_a_settled_case_is_not_suspected_again_by_any_voice(shop: Shop) -> None:
    referral = failed_in_a_strict_house(shop)
    ok(decided(shop, ok(appealed(shop, referral, "owner")), "upheld"))
    judges = bench(shop, 2)
    for judge in judges:
        ok(said(shop, read(shop, referral), "reject", judge))
    ok(decided(shop, ok(appealed(shop, referral, "owner")), "upheld"))
    reopened = read(shop, referral)
    assert (reopened["state"], case(shop, referral)["state"]) == ("adjudication", "cleared")
    answer = said(shop, reopened, "suspect_fraud", judges[0])
    assert (answer.status_code, answer.json["code"]) == (409, "case_settled")
    assert not ok(said(shop, reopened, "reject", judges[0]))["moved"]


def test_a_paid_reward_stays_when_two_people_clear_it_and_is_not_doubted_again(
    shop: Shop, clock: TestClock
) -> None:
    referral = sales.rewarded(shop, clock)
    judges = bench(shop, 2)
    ok(suspicion(shop, referral, judges[0]))
    stated(shop, referral)
    for judge in judges:
        done = ok(said(shop, referral, "clear", judge))
    assert (done["moved"], done["referral_state"]) == (True, "rewarded")
    assert case(shop, referral)["state"] == "cleared"
    again = suspicion(shop, referral, judges[0])
    assert (again.status_code, again.json["code"]) == (409, "case_settled")


def test_a_paid_reward_is_not_judged_without_a_suspicion(shop: Shop, clock: TestClock) -> None:
    referral = sales.rewarded(shop, clock)
    (judge,) = bench(shop, 1)
    answer = said(shop, referral, "confirm_fraud", judge)
    assert (answer.status_code, answer.json["code"]) == (409, "no_open_case")


def test_a_strict_house_suspects_after_one_failed_call_if_a_judge_says_so(shop: Shop) -> None:
    referral = failed_in_a_strict_house(shop)
    (judge,) = bench(shop, 1)
    opened = ok(suspicion(shop, referral, judge))
    assert opened["referral_state"] == "fraud_suspected"
    assert case(shop, referral)["id"] == opened["case_id"]


def test_what_nobody_confirms_in_fifteen_days_is_cleared(shop: Shop, clock: TestClock) -> None:
    referral = suspected(shop)
    clock.add(days=16)
    night(shop)
    assert read(shop, referral)["state"] == "cleared"
    assert case(shop, referral)["state"] == "cleared"


@pytest.mark.parametrize("state", ["submitted", "adjudication"])
def test_only_what_seemed_over_is_suspected_by_one_person(shop: Shop, state: str) -> None:
    referral = doubted(shop) if state == "adjudication" else _submitted(shop)
    (judge,) = bench(shop, 1)
    answer = suspicion(shop, referral, judge)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (409, "nothing_to_suspect")


def _submitted(shop: Shop) -> dict[str, object]:
    story.owner(shop)
    return story.submitted(shop)
