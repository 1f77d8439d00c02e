"""Abuse 9 to 12 of referral.md, section 6: whoever plays the cheat by these ways gets nothing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.service import Service
from referral.continue_calls import end_overdue_calls
from tests.support import justice, sales, story
from tests.support import licence_pictures as pictures
from tests.support.cheats import (
    both_are_called,
    collects_nothing,
    handed_over,
    naming_wang_wu,
    stands,
    told,
    wang_wu,
)
from tests.support.clock import TestClock
from tests.support.codes import rows
from tests.support.licence_pictures import Eyes, Printed
from tests.support.shop import Shop, hire
from tests.support.story import ok

SECOND = "13900139001"


@pytest.fixture
def eyes(service: Service) -> Iterator[Eyes]:
    """The engine replaced: it finds 张三's licence on whatever is sent."""
    ours, found = service.ocr, Eyes(pictures.lines_of(Printed()))
    object.__setattr__(service, "ocr", found)
    yield found
    object.__setattr__(service, "ocr", ours)


def sent(shop: Shop, referral: dict[str, Any], picture: bytes) -> dict[str, Any]:
    path = f"/v1/referrals/{referral['id']}/licence-photos"
    return ok(shop.post("showroom_manager", path, picture))


def other_sale(shop: Shop) -> dict[str, Any]:
    """王五's referral of another buyer, whose car was handed over, and whom 王五 named."""
    referral = story.confirmed(shop, naming_wang_wu(shop, SECOND))
    story.order(shop, order_no="DD-8", buyer_phone=SECOND)
    story.delivery(shop, order_no="DD-8", car=story.golf(shop, 8))
    story.nominated(shop, referral)
    return story.read(shop, referral["id"])


def test_abuse_09_another_mans_licence_fails_twice_and_ends_it(
    shop: Shop, clock: TestClock
) -> None:
    zhang_san = story.owner(shop)
    referral = story.delivered(shop)
    theirs = {"vin": "LSVAA4183E2000001", "owner_name": "王五", "plate_no": "京A12346"}
    failed = story.checked(shop, referral, **theirs)
    assert (failed["passed"], failed["reason"]) == (False, "licence_vin_mismatch")
    path, other = f"/v1/referrals/{referral['id']}/licence-checks", hire(shop, "showroom_manager")
    body = story.LICENCE | {"owner_name": "王五"}
    again = shop.post("showroom_manager", path, body, version=failed["version"], subject=other)
    assert ok(again)["reason"] == "licence_owner_mismatch"
    assert stands(shop, referral) == ("refused", "licence_owner_mismatch")
    collects_nothing(shop, clock, referral, zhang_san)


def test_abuse_09_the_new_car_in_his_name_does_not_make_him_an_owner_of_before(
    shop: Shop,
) -> None:
    story.owner(shop)
    referral = story.delivered(shop)
    shown = {"vin": story.GOLF["vin"], "plate_no": "京A99999"}
    assert story.checked(shop, referral, **shown)["reason"] == "licence_vin_mismatch"


@pytest.mark.parametrize("how", ["same file", "same pixels", "photo of the photo"])
def test_abuse_09_one_picture_for_two_owners_makes_the_second_a_suspected_fake(
    shop: Shop, clock: TestClock, eyes: Eyes, how: str
) -> None:
    story.owner(shop)
    wang = wang_wu(shop)
    page = pictures.scaled(pictures.draw(Printed()), factor=0.4)
    first = pictures.encoded(page, "PNG")
    assert sent(shop, story.submitted(shop), first)["outcome"] == "read"
    again = {
        "same file": first,
        "same pixels": pictures.encoded(page.convert("RGBA"), "PNG"),
        "photo of the photo": pictures.encoded(pictures.brighter(page, factor=1.1), quality=60),
    }[how]
    referral = other_sale(shop)
    photo = sent(shop, referral, again)
    assert photo["outcome"] == "reused"
    typed = {"plate_no": "京A12346", "owner_name": "王五", "vin": "LSVAA4183E2000001"}
    check = story.checked(shop, referral, **typed, photo_id=photo["id"])
    assert (check["passed"], check["reason"]) == (False, "licence_reused")
    assert stands(shop, referral) == ("fraud_suspected", "licence_reused")
    collects_nothing(shop, clock, referral, wang)


def test_abuse_09_a_used_picture_left_out_of_the_check_has_both_parties_called(
    shop: Shop, eyes: Eyes
) -> None:
    story.owner(shop)
    wang_wu(shop)
    sent(shop, story.confirmed(shop, story.submitted(shop)), pictures.dot())
    referral = other_sale(shop)
    assert sent(shop, referral, pictures.dot())["outcome"] == "reused"
    typed = {"plate_no": "京A12346", "owner_name": "王五", "vin": "LSVAA4183E2000001"}
    assert story.checked(shop, referral, **typed)["referral_state"] == "calling"
    assert rows(shop, "SELECT plan FROM draw WHERE referral_id = :id", id=referral["id"]) == [
        ("dual",)
    ]


def test_abuse_09_an_edited_date_makes_nobody_an_owner_and_stays_suspicious_when_typed_over(
    shop: Shop, eyes: Eyes
) -> None:
    """Since when he owns the car we know from the sale; the date on the picture decides nothing."""
    story.owner(shop, owned_from=story.today(shop))
    early = story.submitted(shop)
    assert stands(shop, early) == ("refused", "owner_not_yet_owner")
    wang_wu(shop)
    referral = other_sale(shop)
    edited = Printed(
        plate_no="京A12346",
        owner_name="王五",
        vin="LSVAA4183E2000001",
        register_date="2024-06-01",
    )
    eyes.found = pictures.lines_of(edited)
    small = pictures.scaled(pictures.draw(edited), factor=0.4)
    photo = sent(shop, referral, pictures.encoded(small, "PNG"))
    typed = {"plate_no": edited.plate_no, "owner_name": edited.owner_name, "vin": edited.vin}
    dates = {"register_date": "2024-05-01", "issue_date": "2024-05-03"}
    check = story.checked(shop, referral, **typed, **dates, photo_id=photo["id"])
    assert "licence_dates_impossible" in {*photo["flags"]} & {*check["flags"]}


def test_abuse_10_one_order_backs_the_first_referral_alone_by_whatever_phone_it_is_told(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    wang = wang_wu(shop)
    first = story.confirmed(shop, story.submitted(shop))
    second = story.confirmed(shop, naming_wang_wu(shop, SECOND))
    story.order(shop)
    repeated = sales.sale_event(shop, "order", buyer_phone=SECOND)
    assert told(repeated) == (409, "sale_event_repeated")
    assert (stands(shop, first)[0], stands(shop, second)[0]) == ("ordered", "registered")
    collects_nothing(shop, clock, second, wang)


@pytest.mark.parametrize("column", ["order_no", "bought_vin_index", "invoice_no"])
def test_abuse_10_the_database_itself_gives_no_sale_to_two_referrals(
    shop: Shop, column: str
) -> None:
    story.owner(shop)
    handed_over(shop)
    wang_wu(shop)
    story.confirmed(shop, naming_wang_wu(shop, SECOND))
    taken = text(
        f"UPDATE referral SET {column} = (SELECT {column} FROM referral WHERE order_no = 'DD-7')"
        " WHERE state = 'registered'"
    )
    with (
        pytest.raises(DBAPIError, match=r"uq_referral_(order|vin|invoice)"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(taken)


COACHED = {"做什么": "他是老师", "关系": "他是我表哥", "多久": "认识不到半年"}


def coached(shop: Shop, call: dict[str, Any]) -> None:
    """The buyer answers who knows the slip by heart, and nothing else of the owner."""
    agent = call["agent"]
    while call["state"] == "open":
        question = call["question"]
        lies = [words for cue, words in COACHED.items() if cue in question["text_zh"]]
        if lies and question["input"] != "confirm_or_correct":
            body = {"position": question["position"], "said": "answered", "text": lies[0]}
            path = f"/v1/callbacks/{call['id']}/answers"
            ok(shop.post("callback_agent", path, body, subject=agent))
        else:
            story.answer(shop, call | {"agent": agent}, honest=True)
        path = f"/v1/callbacks/{call['id']}"
        call = ok(shop.get("callback_agent", path, subject=agent), 200)
    story.call_record(shop, call)


def test_abuse_11_a_buyer_coached_with_the_slip_fails_on_what_only_a_friend_knows(
    shop: Shop, clock: TestClock
) -> None:
    zhang_san = story.owner(shop)
    both_are_called(shop)
    referral = story.calling(shop)
    for _ in "ab":
        call = story.desk(shop)
        if call["party"] == "buyer":
            coached(shop, call)
        else:
            story.called(shop, honest=True)
    asked = "SELECT result, fake_t0, fake_t1 FROM callback WHERE referral_id = :id AND party = :by"
    ((result, stranger, slip),) = rows(shop, asked, id=referral["id"], by="buyer")
    assert (result, stranger < slip < 0.5) == ("failed", True)
    assert stands(shop, referral)[0] == "adjudication"
    collects_nothing(shop, clock, referral, zhang_san)


def test_abuse_11_confirmed_both_coached_customers_are_out_for_a_year(
    shop: Shop, clock: TestClock
) -> None:
    justice.confirmed_fake(shop)
    colleague = hire(shop, "consultant")
    for days, reason in ((0, "party_excluded"), (300, "party_excluded"), (70, None)):
        clock.add(days=days)
        report = story.report(shop, buyer=sales.buyer(shop, SECOND))
        again = ok(shop.post("consultant", "/v1/referrals", report, subject=colleague))
        assert again["reason"] == reason


def minutes(shop: Shop, **ago: int) -> dict[str, str]:
    """When a call began, was answered and ended, in minutes ago."""
    at = shop.service.clock()
    return {name: (at - timedelta(minutes=ago[name])).isoformat() for name in ago}


@pytest.mark.parametrize(
    ("after", "record"),
    [
        (0, {"dialled": SECOND}),
        (0, {"answered_at": None}),
        (0, {"started_at": 200, "answered_at": 200, "ended_at": 60}),
        (10, {"started_at": 5, "answered_at": 5, "ended_at": 0}),
    ],
    ids=["another number", "nobody answered", "ended before", "began afterwards"],
)
def test_abuse_12_right_answers_typed_without_the_call_verify_nothing(
    shop: Shop, clock: TestClock, after: int, record: dict[str, Any]
) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    call = story.answered(shop, honest=True)
    clock.add(minutes=after)
    times = {name: ago for name, ago in record.items() if isinstance(ago, int)}
    story.call_record(shop, call, **(record | minutes(shop, **times)))
    assert stands(shop, referral) == ("calling", None)
    clock.add(minutes=-after)
    story.call_record(shop, call)
    assert stands(shop, referral)[0] == "reward_held"


def test_abuse_12_two_agents_who_never_called_bring_it_before_people_who_cannot_accept(
    shop: Shop, clock: TestClock
) -> None:
    zhang_san = story.owner(shop)
    hire(shop, "callback_agent")
    referral = story.calling(shop)
    for _ in "ab":
        call = story.answered(shop, honest=True)
        record = shop.post("callback_agent", "/v1/call-records", {"callback_id": call["id"]})
        assert told(record) == (403, "role_lacks")
        clock.add(days=8)
        justice.night(shop, end_overdue_calls)
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reason"]) == ("adjudication", "call_record_missing")
    (judge,) = justice.bench(shop, 1)
    accept = justice.said(shop, referral, "accept", judge)
    assert told(accept) == (409, "no_call_to_rely_on")
    collects_nothing(shop, clock, referral, zhang_san)
