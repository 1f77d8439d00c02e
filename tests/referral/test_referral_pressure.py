"""Sales and rewards under pressure: events at once, late news, ladder, cap, duties."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from referral.rules.reward import place
from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.shop import Shop, hire


def together(*acts: Callable[[], Any]) -> None:
    """Run the acts at the same moment and wait for them."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> None:
        gate.wait()
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def cancellation(shop: Shop, order_no: str, occurred_at: str) -> dict[str, Any]:
    body = {
        "external_ref": {"source": "crm", "id": f"C-{order_no}"},
        "kind": "cancellation",
        "order_no": order_no,
        "occurred_at": occurred_at,
    }
    return story.ok(shop.post("crm", "/v1/sale-events", body))


def buyer(shop: Shop, number: int) -> dict[str, Any]:
    """A report about one more buyer of 张三's."""
    whole: dict[str, Any] = story.report(shop)["buyer"]
    return whole | {"phone": f"1390013{number:04}"}


def test_an_order_and_its_cancellation_that_arrive_together_never_miss_each_other(
    shop: Shop,
) -> None:
    story.owner(shop)
    for number in range(15):
        referral = story.confirmed(shop, story.submitted(shop, buyer=buyer(shop, number)))
        order_no, at = f"DD-{number}", story.now(shop)
        later = story.now(shop)
        phone = f"1390013{number:04}"
        together(
            lambda n=order_no, t=at, p=phone: story.order(
                shop, order_no=n, occurred_at=t, buyer_phone=p
            ),
            lambda n=order_no, t=later: cancellation(shop, n, t),
        )
        assert story.read(shop, referral["id"])["state"] == "cancelled"


def verified(shop: Shop, number: int) -> dict[str, Any]:
    """One more honest referral by 张三, its reward held."""
    referral = story.confirmed(shop, story.submitted(shop, buyer=buyer(shop, number)))
    order_no, phone = f"DD-{number}", f"1390013{number:04}"
    story.order(shop, order_no=order_no, buyer_phone=phone)
    story.delivery(shop, order_no=order_no, car=story.golf(shop, number))
    story.nominated(shop, referral)
    story.checked(shop, story.read(shop, referral["id"]))
    return sales.called(shop, phone)


def test_the_second_reward_is_higher_and_a_cancelled_one_frees_its_place(shop: Shop) -> None:
    story.owner(shop)
    first, second = verified(shop, 1), verified(shop, 2)
    assert [first["reward"]["points"], second["reward"]["points"]] == [200, 400]
    cancellation(shop, "DD-1", story.now(shop))
    assert verified(shop, 3)["reward"]["points"] == 200


def test_the_yearly_cap_holds_however_many_were_registered_before(shop: Shop) -> None:
    story.owner(shop)
    sales.policy(shop, cap_per_year=1)
    waiting = story.confirmed(shop, story.submitted(shop, buyer=buyer(shop, 2)))
    verified(shop, 1)
    story.order(shop, order_no="DD-2", buyer_phone="13900130002")
    story.delivery(shop, order_no="DD-2", car=story.golf(shop, 2))
    story.nominated(shop, waiting)
    story.checked(shop, story.read(shop, waiting["id"]))
    referral = sales.called(shop, "13900130002")
    assert (referral["state"], referral["reason"]) == ("refused", "cap_reached")
    assert referral["reward"] is None


@pytest.mark.parametrize(
    ("taken", "nth"), [(set(), 1), ({1}, 2), ({2}, 1), ({1, 2, 4}, 3), ({1, 2, 3}, 4)]
)
def test_a_place_on_the_ladder_is_the_first_free_one(taken: set[int], nth: int) -> None:
    assert place(taken) == nth


def test_the_manager_of_the_failed_first_check_cannot_pay(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = story.delivered(shop)
    failed = story.checked(shop, referral, owner_name="王五")
    other = hire(shop, "showroom_manager")
    path = f"/v1/referrals/{referral['id']}"
    again = shop.post(
        "showroom_manager",
        f"{path}/licence-checks",
        story.LICENCE,
        version=failed["version"],
        subject=other,
    )
    story.ok(again)
    referral = story.called(shop, honest=True)
    first = shop.people["showroom_manager"]
    change = {"roles": ["showroom_manager", "finance"], "team": "office", "active": True}
    story.ok(shop.post("dealer_admin", f"/v1/staff/{first}/changes", change, version=1))
    clock.add(days=16)
    payment = shop.post(
        "finance", f"{path}/reward-payments", version=referral["version"], subject=first
    )
    assert (payment.status_code, payment.json["code"]) == (403, "separation_of_duties")


def test_an_answer_after_the_calls_time_is_up_verifies_nothing(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    call = story.desk(shop)
    clock.add(days=7)
    body = {"position": 1, "said": "dont_know", "text": None}
    answer = shop.post("callback_agent", f"/v1/callbacks/{call['id']}/answers", body)
    assert (answer.status_code, answer.json["code"]) == (409, "time_is_up")
    assert story.read(shop, referral["id"])["state"] == "calling"


def test_a_licence_check_a_month_after_the_delivery_is_too_late(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    referral = story.delivered(shop)
    clock.add(days=30)
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    answer = shop.post("showroom_manager", path, story.LICENCE, version=referral["version"])
    assert (answer.status_code, answer.json["code"]) == (409, "time_is_up")


@pytest.mark.parametrize("words", [None, "", "  "])
def test_an_answer_without_words_is_a_slip_of_the_pen_and_not_a_wrong_answer(
    shop: Shop, words: str | None
) -> None:
    story.owner(shop)
    story.calling(shop)
    call = story.desk(shop)
    statement = call["question"]["input"] == "confirm_or_correct"
    said = "denied" if statement else "answered"
    path = f"/v1/callbacks/{call['id']}/answers"
    empty = shop.post("callback_agent", path, {"position": 1, "said": said, "text": words})
    assert empty.status_code == 422
    other = "answered" if statement else "denied"
    unfit = shop.post("callback_agent", path, {"position": 1, "said": other, "text": "是"})
    assert (unfit.status_code, unfit.json["code"]) == (422, "answer_not_fitting")
    assert story.desk(shop)["answered"] == 0


def test_the_owners_own_car_backs_no_referral_of_his(shop: Shop) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop)
    car = story.golf(shop, 1) | {"vin": story.SAGITAR["vin"]}
    story.delivery(shop, car=car)
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reason"]) == ("refused", "self_same_vin")


@pytest.mark.parametrize("delivery_first", [True, False])
def test_a_delivery_not_later_than_its_order_is_kept_and_moves_nothing(
    shop: Shop, delivery_first: bool
) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    at = story.now(shop)
    tell = [story.order, story.delivery]
    for one in reversed(tell) if delivery_first else tell:
        one(shop, occurred_at=at)
    assert story.read(shop, referral["id"])["state"] == "ordered"


def test_a_slip_that_names_another_car_is_shown_to_the_manager(shop: Shop) -> None:
    story.owner(shop)
    slip = story.report(shop)["slip"] | {"owner_model": "途观", "owner_colour": "黑色"}
    referral = story.confirmed(shop, story.submitted(shop, slip=slip))
    story.order(shop)
    story.delivery(shop)
    story.nominated(shop, referral)
    check = story.checked(shop, story.read(shop, referral["id"]))
    shown = {check["verdicts"][field] for field in ("slip_model", "slip_colour")}
    assert (shown, check["passed"]) == ({"mismatch"}, True)


@pytest.mark.parametrize("occupation", [None, "保密"])
def test_a_buyer_whose_trade_is_not_clear_cannot_be_reported_as_he_could_not_be_asked_about(
    shop: Shop, occupation: str | None
) -> None:
    story.owner(shop)
    body = story.report(shop)
    body["buyer"]["occupation"] = occupation
    answer = shop.post("consultant", "/v1/referrals", body)
    assert (answer.status_code, answer.json["code"]) == (422, "occupation_unclear")
