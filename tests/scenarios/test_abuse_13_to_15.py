"""Abuse 13 to 15 of referral.md, section 6: whoever plays the cheat by these ways gets nothing."""

import json
from datetime import timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kernel.database import Database
from tests.support import justice, story
from tests.support.cheats import (
    collects_nothing,
    handed_over,
    licence_check,
    stands,
    told,
)
from tests.support.clock import TestClock
from tests.support.codes import rows
from tests.support.past import at_work
from tests.support.shop import Shop, hire
from tests.support.story import ok

SECOND = "13900139001"
CHINA = timezone(timedelta(hours=8))


def spoken(answer: Any) -> str:
    """Everything a response says but ids and instants."""
    if isinstance(answer, list):
        return " ".join(spoken(each) for each in answer)
    if isinstance(answer, dict):
        kept = {name: each for name, each in answer.items() if not name.endswith(("id", "_at"))}
        return " ".join(spoken(each) for each in kept.values())
    return str(answer)


def secrets(shop: Shop, call_id: str) -> dict[int, tuple[str, set[str]]]:
    """By position: the question's text, and what is expected where it is no statement we make."""
    asked = text("SELECT * FROM callback_question WHERE callback_id = :id ORDER BY position")
    found = {}
    with at_work(shop) as uow:
        for row in uow.session.execute(asked, {"id": call_id}).all():
            words, expected = (
                uow.open(getattr(row, name), column=f"question.{name}", row=row.callback_id)
                for name in ("text_zh", "expected")
            )
            told_us = () if row.kind == "true_premise" else ("value", "model")
            values = json.loads(expected)
            found[row.position] = (words, {values[name] for name in told_us if name in values})
    return found


def test_abuse_13_whatever_the_agent_asks_for_he_hears_no_later_question_and_no_answer(
    shop: Shop,
) -> None:
    story.owner(shop)
    story.calling(shop)
    call = story.desk(shop)
    path, kept = f"/v1/callbacks/{call['id']}", secrets(shop, call["id"])
    assert len(kept) >= 3
    while call["state"] == "open":
        now = call["question"]["position"]
        ahead = {"position": now + 1, "said": "dont_know", "text": None}
        peeked = shop.post("callback_agent", f"{path}/answers", ahead)
        assert told(peeked) == (409, "question_not_current")
        again = shop.get("callback_agent", path)
        listed = shop.get("callback_agent", "/v1/callbacks")
        heard = story.answer(shop, call, honest=True)
        said = " ".join(spoken(each) for each in (peeked.json, again.json, listed.json, heard))
        assert kept[now][0] in said
        later = [words for position, (words, _) in kept.items() if position > now]
        assert not [words for words in later if words in said]
        assert not [value for _, values in kept.values() for value in values if value in said]
        call = ok(shop.get("callback_agent", path), 200)
    assert call["question"] is None


def test_abuse_13_nobody_but_the_agent_of_the_call_sees_a_question_at_all(shop: Shop) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    call = story.desk(shop)
    texts = [words for words, _ in secrets(shop, call["id"]).values()]
    path = f"/v1/callbacks/{call['id']}"
    for role in ("consultant", "duty_manager", "showroom_manager", "dealer_admin", "auditor"):
        assert told(shop.get(role, path)) == (403, "role_lacks")
        seen = shop.get(role, f"/v1/referrals/{referral['id']}")
        steps = shop.get(role, f"/v1/referrals/{referral['id']}/history")
        assert not [words for words in texts if words in f"{seen.text}{steps.text}"]
    stranger = hire(shop, "callback_agent")
    assert told(shop.get("callback_agent", path, subject=stranger)) == (404, "callback_not_found")


def draws(shop: Shop, referral: dict[str, Any]) -> list[tuple[str, str]]:
    asked = "SELECT purpose, party FROM draw WHERE referral_id = :id ORDER BY drawn_at"
    return [tuple(row) for row in rows(shop, asked, id=referral["id"])]


def test_abuse_14_a_second_licence_check_draws_nobody_anew(shop: Shop) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    before = draws(shop, referral)
    other = hire(shop, "showroom_manager")
    for facts in ({}, {"subject": other}):
        assert licence_check(shop, referral, **facts) == (409, "transition_not_allowed")
    assert draws(shop, referral) == before
    assert [purpose for purpose, _ in before] == ["callback"]


@pytest.mark.parametrize(
    ("purpose", "party", "refused"),
    [
        ("'callback'", "CASE party WHEN 'buyer' THEN 'owner' ELSE 'buyer' END", "pk_draw"),
        ("'re_roll'", "party", "ck_draw_purpose"),
        ("'other_party'", "party", "ck_draw_other_party"),
    ],
)
def test_abuse_14_not_even_the_owner_of_the_database_draws_again(
    shop: Shop, purpose: str, party: str, refused: str
) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    columns = (
        "referral_id, dealer_id, commitment, catalogue_hash, selector_version, entropy_on, seed,"
        " drawn_at, plan, wanted_plan, sampled, sample_percent, agents, entropy_hash"
    )
    again = (
        f"INSERT INTO draw (purpose, party, {columns})"
        f" SELECT {purpose}, {party}, {columns} FROM draw WHERE referral_id = :id"
    )
    database = Database(shop.service.settings.database_url, role=None)
    with (
        pytest.raises(DBAPIError, match=f"{refused}|second call is to the other party"),
        database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text(again), {"id": referral["id"]})
    database.dispose()


def at_noon(shop: Shop, clock: TestClock, *, days: int, hour: int = 12) -> None:
    """Let time pass until this hour of the dealer's day so many days from today."""
    now = shop.service.clock().astimezone(CHINA)
    then = now.replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=days)
    clock.add(seconds=(then - now).total_seconds())


def missed(shop: Shop, call: dict[str, Any], times: int = 1, **facts: Any) -> None:
    for _ in range(times):
        began = shop.service.clock() - timedelta(minutes=2)
        unanswered = {"started_at": began.isoformat(), "answered_at": None}
        story.call_record(shop, call, **(unanswered | facts))


def test_abuse_14_nobody_is_unreachable_by_an_agents_word_or_by_calls_that_do_not_count(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    hire(shop, "callback_agent")
    referral = story.calling(shop)
    call, drawn = story.desk(shop), draws(shop, referral)
    word = {"position": 1, "said": "unreachable", "text": None}
    path = f"/v1/callbacks/{call['id']}/answers"
    assert shop.post("callback_agent", path, word, subject=call["agent"]).status_code == 422
    for days in (1, 1):
        at_noon(shop, clock, days=days, hour=8)
        missed(shop, call, times=2)
        at_noon(shop, clock, days=0)
        missed(shop, call, times=2, dialled=SECOND)
    missed(shop, call, times=4)
    assert (stands(shop, referral), draws(shop, referral)) == (("calling", None), drawn)


def test_abuse_14_unreachable_swaps_no_party_the_other_one_is_a_purpose_of_its_own(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    hire(shop, "callback_agent")
    referral = story.calling(shop)
    call = story.desk(shop)
    for times in (2, 1):
        at_noon(shop, clock, days=1)
        missed(shop, call, times=times)
    other = {"buyer": "owner", "owner": "buyer"}[call["party"]]
    assert draws(shop, referral) == [("callback", call["party"]), ("other_party", other)]
    second = story.desk(shop)
    assert (second["party"], second["agent"] == call["agent"]) == (other, False)
    steps = ok(shop.get("auditor", f"/v1/referrals/{referral['id']}/history"), 200)["items"]
    assert [step["to_state"] for step in steps][-2:] == ["unreachable", "calling"]
    assert story.called(shop, honest=False)["state"] == "adjudication"


def test_abuse_15_a_slip_that_named_another_car_cannot_be_edited_after_the_delivery(
    shop: Shop, clock: TestClock
) -> None:
    zhang_san = story.owner(shop)
    hire(shop, "callback_agent")
    slip = story.report(shop)["slip"] | {"owner_model": "途观", "owner_colour": "黑色"}
    referral = handed_over(shop, slip=slip)
    story.nominated(shop, referral)
    again = shop.post("consultant", "/v1/referrals", story.report(shop))
    assert told(again) == (409, "buyer_already_referred")
    path = f"/v1/referrals/{referral['id']}/changes"
    assert shop.post("consultant", path, story.report(shop)).status_code == 404
    check = story.checked(shop, referral)
    assert {check["verdicts"][name] for name in ("slip_model", "slip_colour")} == {"mismatch"}
    ended = justice.all_called(shop, referral, honest=True)
    assert (ended["state"], ended["reason"]) == ("adjudication", "licence_model_mismatch")
    assert ended["slip_hash"] == referral["slip_hash"]
    collects_nothing(shop, clock, referral, zhang_san)


def test_abuse_15_the_database_refuses_the_service_another_slip(shop: Shop) -> None:
    story.owner(shop)
    handed_over(shop)
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text("UPDATE referral SET slip = slip"))
