"""Stories that end before two people: judges, and the ways a referral comes to them."""

import uuid
from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from kernel.unit_of_work import UnitOfWork
from referral.continue_calls import end_overdue_calls
from referral.expire import expire_due
from referral.justice.appeal import lapse_appeals
from referral.justice.penalties import settle_penalties
from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.past import at_work
from tests.support.shop import Shop, hire
from tests.support.story import ok


def bench(shop: Shop, count: int = 3) -> list[uuid.UUID]:
    """So many showroom managers who took no part in anything yet."""
    return [hire(shop, "showroom_manager") for _ in range(count)]


def all_called(shop: Shop, referral: dict[str, Any], *, honest: bool) -> dict[str, Any]:
    """Every call there is, until nobody is to be called any more."""
    while read(shop, referral)["state"] in ("calling", "failed"):
        story.called(shop, honest=honest)
    return read(shop, referral)


def doubted(shop: Shop) -> dict[str, Any]:
    """A referral whose calls pass though its owner named another friend: two people must decide."""
    hire(shop, "callback_agent")
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop)
    story.delivery(shop)
    story.nominated(shop, referral, friend_name="王五")
    story.checked(shop, read(shop, referral))
    referral = all_called(shop, referral, honest=True)
    assert referral["state"] == "adjudication"
    return referral


def suspected(shop: Shop) -> dict[str, Any]:
    """A referral whose two parties do not know each other: 涉嫌造假."""
    hire(shop, "callback_agent")
    story.owner(shop)
    referral = all_called(shop, story.calling(shop), honest=False)
    assert referral["state"] == "fraud_suspected"
    return referral


def unheard(shop: Shop, clock: TestClock) -> dict[str, Any]:
    """A referral nobody was called for in time, neither buyer nor owner."""
    hire(shop, "callback_agent")
    hire(shop, "callback_agent")
    story.owner(shop)
    referral = story.calling(shop)
    for _ in range(2):
        clock.add(days=8)
        night(shop, end_overdue_calls)
    referral = read(shop, referral)
    assert referral["state"] == "adjudication"
    return referral


def confirmed_fake(shop: Shop) -> dict[str, Any]:
    """A fake that two people confirmed, after the consultant was heard."""
    referral = suspected(shop)
    stated(shop, referral)
    for judge in bench(shop, 2):
        ok(said(shop, referral, "confirm_fraud", judge))
    return read(shop, referral)


def before_people(shop: Shop) -> dict[str, str]:
    """A case of a suspected fake and an appeal that wait, of two other buyers than 李四."""
    hire(shop, "callback_agent")
    phone = "13900139001"
    referral = story.confirmed(shop, story.submitted(shop, buyer=sales.buyer(shop, phone)))
    story.order(shop, order_no="DD-8", buyer_phone=phone)
    story.delivery(shop, order_no="DD-8", car=story.golf(shop, 8))
    story.nominated(shop, referral)
    story.checked(shop, read(shop, referral))
    while read(shop, referral)["state"] in ("calling", "failed"):
        call = story.answered(shop, honest=False)
        dialled = {"dialled": phone} if call["party"] == "buyer" else {}
        story.call_record(shop, call, **dialled)
    other = refused(shop, buyer=sales.buyer(shop, "13900139002"))
    return {
        "case_id": case(shop, referral)["id"],
        "appeal_id": ok(appealed(shop, other))["id"],
    }


def refused(shop: Shop, **changes: Any) -> dict[str, Any]:
    """A report the duty manager refused."""
    referral = story.submitted(shop, **changes)
    path = f"/v1/referrals/{referral['id']}/refusals"
    body = {"reason": "refused_by_manager"}
    return ok(shop.post("duty_manager", path, body, version=referral["version"]))


def said(
    shop: Shop, referral: dict[str, Any], verdict: str, judge: uuid.UUID, **facts: Any
) -> TestResponse:
    """One judge's verdict, on the referral as he saw it."""
    path = f"/v1/referrals/{referral['id']}/judgements"
    body = {"verdict": verdict, "reason": "看过通话证据"}
    sent = {"version": referral["version"], "subject": judge} | facts
    return shop.post("showroom_manager", path, body, **sent)


def stated(shop: Shop, referral: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """The consultant says his side."""
    path = f"/v1/consultant-cases/{case(shop, referral)['id']}/statements"
    return ok(shop.post("consultant", path, {"text": "客户确实是老车主介绍的"}, **facts))


def case(shop: Shop, referral: dict[str, Any]) -> dict[str, Any]:
    found = ok(shop.get("dealer_admin", "/v1/consultant-cases"), 200)["items"]
    return next(each for each in found if each["referral_id"] == referral["id"])


def appealed(shop: Shop, referral: dict[str, Any], role: str = "consultant") -> TestResponse:
    owner = uuid.UUID(referral["owner_id"]) if role == "owner" else None
    path = f"/v1/referrals/{referral['id']}/appeals"
    return shop.post(role, path, {"words": "我们确实是朋友，请再查一次"}, subject=owner)


def decided(shop: Shop, appeal: dict[str, Any], outcome: str, **facts: Any) -> TestResponse:
    body = {"outcome": outcome, "reason": "证据重新看过"}
    return shop.post("programme_admin", f"/v1/appeals/{appeal['id']}/decisions", body, **facts)


def read(shop: Shop, referral: dict[str, Any]) -> dict[str, Any]:
    return story.read(shop, referral["id"])


def night(shop: Shop, *works: Callable[[UnitOfWork], int]) -> list[int]:
    """What these works of the night did; by default all that concerns two people."""
    done = []
    for work in works or (expire_due, lapse_appeals, settle_penalties):
        with at_work(shop) as uow:
            done.append(work(uow))
    return done
