"""What people do to a balance by hand: adjust with a second person, freeze, reinstate."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support import ledger_rows as books
from tests.support import story
from tests.support.clock import TestClock
from tests.support.race import at_once
from tests.support.shop import Shop, hire

REASON = "工单漏记积分"


def saver(shop: Shop, yuan: int = 500, **facts: str) -> uuid.UUID:
    member = story.member(shop, **facts)
    story.earn(shop, member, yuan)
    return member


def adjust(
    shop: Shop, member: uuid.UUID, points: int, role: str = "duty_manager", **kwargs: Any
) -> TestResponse:
    body = {"member_id": str(member), "points": points, "reason": REASON}
    return shop.post(role, "/v1/point-adjustments", body, **kwargs)


def adjusted(
    shop: Shop, member: uuid.UUID, points: int, role: str = "duty_manager", **kwargs: Any
) -> dict[str, Any]:
    return story.ok(adjust(shop, member, points, role, **kwargs))


def decide(
    shop: Shop,
    adjustment: dict[str, Any],
    how: str,
    role: str,
    *,
    version: int = 1,
    subject: uuid.UUID | None = None,
) -> TestResponse:
    path = f"/v1/point-adjustments/{adjustment['id']}/{how}"
    return shop.post(role, path, version=version, subject=subject)


def problem(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, answer.json["code"]


@pytest.mark.parametrize("role", ["duty_manager", "showroom_manager"])
@pytest.mark.parametrize(("points", "left"), [(2_000, 2_500), (-500, 0), (1, 501)])
def test_a_manager_posts_a_small_adjustment_at_once(
    shop: Shop, role: str, points: int, left: int
) -> None:
    member = saver(shop)
    done = adjusted(shop, member, points, role)
    me = str(shop.people[role])
    assert (done["state"], done["single_handed"]) == ("posted", True)
    assert (done["requested_by"], done["decided_by"]) == (me, me)
    assert story.balance(shop, member) == left
    assert books.broken(shop, member) == []


@pytest.mark.parametrize(
    ("role", "points"),
    [
        ("consultant", 1),
        ("consultant", -1),
        ("programme_admin", 100),
        ("duty_manager", 2_001),
        ("showroom_manager", -2_001),
        ("programme_admin", 10_000_000),
    ],
)
def test_everything_else_waits_for_a_second_person(shop: Shop, role: str, points: int) -> None:
    member = saver(shop)
    done = adjusted(shop, member, points, role)
    assert (done["state"], done["single_handed"], done["posting_set_id"]) == (
        "requested",
        False,
        None,
    )
    assert story.balance(shop, member) == 500


def test_an_adjustment_names_its_rule_and_lasts_like_any_other_point(shop: Shop) -> None:
    member = saver(shop, 100)
    adjusted(shop, member, 50)
    asked = (
        "SELECT rule_id, rule_version, unit_cost_fen, expires_at FROM point_lot"
        " WHERE member_id = :member ORDER BY id"
    )
    earned, given = books.rows(shop, asked, member=member)
    assert (given.rule_id, given.rule_version, given.unit_cost_fen) == ("adjustment", 1, 1)
    assert given.expires_at == earned.expires_at


def test_more_than_there_is_cannot_be_taken(shop: Shop) -> None:
    member = saver(shop)
    assert problem(adjust(shop, member, -501)) == (409, "insufficient_points")
    assert problem(adjust(shop, member, 0)) == (422, "points_zero")
    assert story.balance(shop, member) == 500


def test_splitting_a_large_adjustment_gains_nothing(shop: Shop, clock: TestClock) -> None:
    member, other = saver(shop, 5_000), saver(shop, phone="13900139000")
    states = [adjusted(shop, member, points)["state"] for points in (1_500, -500, 1)]
    assert states == ["posted", "posted", "requested"]
    assert adjusted(shop, other, 2_000)["state"] == "posted"
    assert adjusted(shop, member, 1, "showroom_manager")["state"] == "requested"
    clock.add(days=29)
    assert adjusted(shop, member, 1)["state"] == "requested"
    clock.add(days=1, seconds=1)
    assert adjusted(shop, member, 2_000)["state"] == "posted"


def test_splitting_a_large_adjustment_into_a_consultants_requests_gains_nothing(
    shop: Shop, clock: TestClock
) -> None:
    member, other = saver(shop), saver(shop, phone="13900139000")
    asked = [adjusted(shop, member, points, "consultant") for points in (1_500, -500, 1, 2_000)]
    for each in asked[:2]:
        story.ok(decide(shop, each, "approvals", "duty_manager"))
    needed = (403, "approval_needs_programme_admin")
    for role in ("duty_manager", "showroom_manager"):
        assert problem(decide(shop, asked[2], "approvals", role)) == needed
        assert adjusted(shop, member, 1, role)["state"] == "requested"
    assert story.balance(shop, member) == 1_500
    story.ok(decide(shop, adjusted(shop, other, 2_000, "consultant"), "approvals", "duty_manager"))
    story.ok(decide(shop, asked[2], "approvals", "programme_admin"))
    clock.add(days=30, seconds=1)
    story.ok(decide(shop, asked[3], "approvals", "duty_manager"))
    assert story.balance(shop, member) == 3_501


def test_approving_16_requests_at_once_gains_nothing_either(shop: Shop) -> None:
    member = saver(shop)
    asked = [adjusted(shop, member, 1_000, "consultant") for _ in range(16)]
    seen = at_once(16, lambda n: decide(shop, asked[n], "approvals", "duty_manager").status_code)
    assert seen == {201: 2, 403: 14}
    assert story.balance(shop, member) == 2_500


def test_splitting_by_16_requests_at_once_gains_nothing_either(shop: Shop) -> None:
    member = saver(shop)
    seen = at_once(16, lambda _: adjusted(shop, member, 1_000)["state"] == "posted")
    assert seen == {True: 2, False: 14}
    assert story.balance(shop, member) == 2_500


@pytest.mark.parametrize("how", ["approvals", "rejections"])
def test_the_requester_cannot_decide(shop: Shop, how: str) -> None:
    member, me = saver(shop), shop.people["programme_admin"]
    asked = adjusted(shop, member, 100, "programme_admin")
    refused = decide(shop, asked, how, "programme_admin", subject=me)
    assert problem(refused) == (403, "separation_of_duties")
    assert story.balance(shop, member) == 500


def test_a_second_person_approves_and_the_points_are_posted_once(shop: Shop) -> None:
    member = saver(shop)
    asked = adjusted(shop, member, 100, "consultant")
    done = story.ok(decide(shop, asked, "approvals", "duty_manager"))
    assert (done["state"], done["version"]) == ("posted", 2)
    assert done["decided_by"] == str(shop.people["duty_manager"])
    assert story.balance(shop, member) == 600
    assert problem(decide(shop, asked, "approvals", "showroom_manager")) == (
        412,
        "version_changed",
    )
    again = decide(shop, asked, "rejections", "showroom_manager", version=2)
    assert problem(again) == (409, "adjustment_decided")
    assert story.balance(shop, member) == 600


def test_a_rejected_adjustment_moves_nothing(shop: Shop) -> None:
    member = saver(shop)
    asked = adjusted(shop, member, -100, "consultant")
    done = story.ok(decide(shop, asked, "rejections", "showroom_manager"))
    assert (done["state"], done["posting_set_id"]) == ("rejected", None)
    assert story.balance(shop, member) == 500


@pytest.mark.parametrize("role", ["duty_manager", "showroom_manager"])
@pytest.mark.parametrize("how", ["approvals", "rejections"])
def test_more_than_2000_points_need_the_programme_administrator(
    shop: Shop, role: str, how: str
) -> None:
    member = saver(shop)
    asked = adjusted(shop, member, 2_001, "consultant")
    assert problem(decide(shop, asked, how, role)) == (403, "approval_needs_programme_admin")
    story.ok(decide(shop, asked, "approvals", "programme_admin"))
    assert story.balance(shop, member) == 2_501


def test_an_approval_that_finds_too_few_points_leaves_the_request_open(shop: Shop) -> None:
    member = saver(shop)
    asked = adjusted(shop, member, -501, "consultant")
    refused = decide(shop, asked, "approvals", "duty_manager")
    assert problem(refused) == (409, "insufficient_points")
    path = f"/v1/point-adjustments/{asked['id']}"
    assert story.ok(shop.get("consultant", path), 200)["state"] == "requested"


def test_of_16_approvals_at_once_one_posts(shop: Shop) -> None:
    member = saver(shop)
    asked = adjusted(shop, member, 100, "consultant")
    seen = at_once(16, lambda _: decide(shop, asked, "approvals", "duty_manager").status_code)
    assert seen == {201: 1, 412: 15}
    assert story.balance(shop, member) == 600


def test_nobody_moves_the_points_of_his_own_account(shop: Shop) -> None:
    member, friend = saver(shop), story.member(shop, name="李四", phone="13900139000")
    me = hire(shop, "duty_manager", phone="13800138000")
    admin = hire(shop, "dealer_admin", phone="+86 138 0013 8000")
    assert problem(adjust(shop, member, 1, subject=me)) == (403, "own_account")
    assert adjusted(shop, friend, 1, subject=me)["state"] == "posted"
    asked = adjusted(shop, member, 1, "consultant")
    refused = decide(shop, asked, "approvals", "duty_manager", subject=me)
    assert problem(refused) == (403, "own_account")
    for ends in ((friend, member), (member, friend)):
        body = {"from_member_id": str(ends[0]), "to_member_id": str(ends[1]), "points": 1}
        answer = shop.post("duty_manager", "/v1/point-transfers", body, subject=me)
        assert problem(answer) == (403, "own_account")
    frozen = story.ok(freeze(shop, member))
    assert problem(lift(shop, frozen, subject=admin)) == (403, "own_account")


def test_adjustments_that_wait_are_listed_by_state(shop: Shop) -> None:
    member = saver(shop)
    posted = adjusted(shop, member, 1)["id"]
    waiting = [adjusted(shop, member, points, "consultant")["id"] for points in (1, 2)]
    path = "/v1/point-adjustments"

    def seen(**query: str) -> list[str]:
        page = story.ok(shop.get("programme_admin", path, **query), 200)
        return [each["id"] for each in page["items"]]

    assert seen(state="requested") == waiting[::-1]
    assert seen() == [*waiting[::-1], posted]
    assert seen(state="rejected") == []
    assert shop.get("auditor", path, state="open").status_code == 422


def test_a_consultant_sees_the_adjustments_he_asked_for(shop: Shop) -> None:
    member, colleague = saver(shop), hire(shop, "consultant")
    path = f"/v1/point-adjustments/{adjusted(shop, member, 1, 'consultant')['id']}"
    assert shop.get("consultant", path).status_code == 200
    refused = shop.get("consultant", path, subject=colleague)
    assert problem(refused) == (404, "adjustment_not_found")


def freeze(shop: Shop, member: uuid.UUID, role: str = "showroom_manager") -> TestResponse:
    body = {"member_id": str(member), "reason": "疑似盗用"}
    return shop.post(role, "/v1/account-freezes", body)


def lift(shop: Shop, frozen: dict[str, Any], *, subject: uuid.UUID | None = None) -> TestResponse:
    return shop.post("dealer_admin", f"/v1/account-freezes/{frozen['id']}/lifts", subject=subject)


def test_a_frozen_account_spends_nothing_while_credits_go_on(shop: Shop) -> None:
    member, friend = saver(shop), saver(shop, name="李四", phone="13900139000")
    gift = story.reward(shop, points=10)
    hold = {"member_id": str(member), "points": 10, "minutes": 60}
    kept = [story.ok(shop.post("crm", "/v1/point-holds", hold))["id"] for _ in range(2)]
    frozen = story.ok(freeze(shop, member))
    give = {"from_member_id": str(member), "to_member_id": str(friend), "points": 10}
    back = {"from_member_id": str(friend), "to_member_id": str(member), "points": 10}
    spend = {"member_id": str(member), "reward_id": gift}
    tries = [
        shop.post("duty_manager", "/v1/redemptions", spend),
        shop.post("crm", "/v1/point-holds", hold),
        shop.post("service_desk", f"/v1/point-holds/{kept[0]}/captures"),
        shop.post("duty_manager", "/v1/point-transfers", give),
        shop.post("duty_manager", "/v1/point-transfers", back),
        adjust(shop, member, -10),
    ]
    assert [problem(answer) for answer in tries] == [(409, "account_frozen")] * len(tries)
    named = {"from_member_id": str(friend), "points": 10}
    named |= {"to": {"phone": "13800138000", "name": "张三"}}  # type: ignore[dict-item]
    answer = shop.post("owner", "/v1/point-transfers", named, subject=friend)
    assert problem(answer) == (404, "receiver_not_found")
    story.earn(shop, member, 100)
    story.ok(adjust(shop, member, 10))
    story.ok(shop.post("crm", f"/v1/point-holds/{kept[1]}/releases"))
    story.ok(lift(shop, frozen))
    assert story.balance(shop, member) == 600
    story.ok(shop.post("duty_manager", "/v1/redemptions", spend))
    assert books.broken(shop, member) == []


def test_points_of_a_frozen_account_expire_as_ever(shop: Shop, clock: TestClock) -> None:
    member = saver(shop)
    story.ok(freeze(shop, member))
    past_the_end(shop, clock, member)
    assert story.balance(shop, member) == 0


def test_an_account_is_frozen_once_and_lifted_once_by_somebody_else(shop: Shop) -> None:
    member, another = saver(shop), hire(shop, "dealer_admin")
    frozen = story.ok(freeze(shop, member, "dealer_admin"))
    assert problem(freeze(shop, member)) == (409, "already_frozen")
    assert problem(lift(shop, frozen)) == (403, "separation_of_duties")
    lifted = story.ok(lift(shop, frozen, subject=another))
    assert lifted["lifted_by"] == str(another)
    again = story.ok(freeze(shop, member))
    assert problem(lift(shop, frozen, subject=another)) == (409, "freeze_lifted")
    path = f"/v1/members/{member}/account-freezes"
    page = story.ok(shop.get("auditor", path), 200)["items"]
    assert [(each["id"], each["lifted_at"] is None) for each in page] == [
        (again["id"], True),
        (frozen["id"], False),
    ]
    assert problem(adjust(shop, member, -1)) == (409, "account_frozen")


def test_of_16_freezes_at_once_one_stands(shop: Shop) -> None:
    member = saver(shop)
    assert at_once(16, lambda _: freeze(shop, member).status_code) == {201: 1, 409: 15}


def past_the_end(shop: Shop, clock: TestClock, member: uuid.UUID) -> uuid.UUID:
    """Let the member's first lot expire."""
    lot, _, _, ends = books.lots(shop, member)[0]
    clock.add(seconds=(ends - clock() + timedelta(seconds=1)).total_seconds())
    return lot


def reinstate(
    shop: Shop, member: uuid.UUID, lot: uuid.UUID, points: int, role: str = "showroom_manager"
) -> TestResponse:
    body = {
        "member_id": str(member),
        "lot_id": str(lot),
        "points": points,
        "months": 3,
        "reason": "系统故障期间过期",
    }
    return shop.post(role, "/v1/point-reinstatements", body)


def test_expired_points_come_back_as_a_new_lot_with_an_end_of_its_own(
    shop: Shop, clock: TestClock
) -> None:
    member = saver(shop)
    lot = past_the_end(shop, clock, member)
    done = story.ok(reinstate(shop, member, lot, 200))
    assert (done["lot_id"], done["points"], done["spendable"]) == (str(lot), 200, 200)
    ends = {each[0]: each[3] for each in books.lots(shop, member)}
    assert story.instant(done["expires_at"]) == ends[uuid.UUID(done["new_lot_id"])]
    days = (story.instant(done["expires_at"]) - clock()).days
    assert 88 <= days <= 92
    assert books.broken(shop, member) == []


def test_never_more_is_reinstated_than_expired(shop: Shop, clock: TestClock) -> None:
    member, gift = saver(shop), story.reward(shop, points=100)
    spend = {"member_id": str(member), "reward_id": gift}
    story.ok(shop.post("owner", "/v1/redemptions", spend, subject=member))
    lot = past_the_end(shop, clock, member)
    assert problem(reinstate(shop, member, lot, 401)) == (409, "reinstatement_exceeds_expired")
    seen = at_once(16, lambda _: reinstate(shop, member, lot, 200).status_code)
    assert seen == {201: 2, 409: 14}
    assert problem(reinstate(shop, member, lot, 1)) == (409, "reinstatement_exceeds_expired")
    assert story.balance(shop, member) == 400


def test_more_than_2000_points_in_sum_are_reinstated_by_the_programme_administrator(
    shop: Shop, clock: TestClock
) -> None:
    member = saver(shop, 5_000)
    lot = past_the_end(shop, clock, member)
    needed = (403, "approval_needs_programme_admin")
    assert problem(reinstate(shop, member, lot, 2_001)) == needed
    story.ok(reinstate(shop, member, lot, 2_000))
    assert problem(reinstate(shop, member, lot, 1)) == needed
    story.ok(reinstate(shop, member, lot, 3_000, "programme_admin"))
    assert story.balance(shop, member) == 5_000


def test_a_lot_of_somebody_else_is_not_reinstated(shop: Shop, clock: TestClock) -> None:
    member, other = saver(shop), saver(shop, phone="13900139000")
    lot = past_the_end(shop, clock, member)
    assert problem(reinstate(shop, other, lot, 1)) == (404, "lot_not_found")
    assert problem(reinstate(shop, uuid.uuid4(), lot, 1)) == (404, "member_not_found")


def test_every_act_by_hand_is_kept_with_who_did_it(shop: Shop) -> None:
    member = saver(shop)
    asked = adjusted(shop, member, 100, "consultant")
    story.ok(decide(shop, asked, "approvals", "duty_manager"))
    story.ok(lift(shop, story.ok(freeze(shop, member))))
    found = books.rows(
        shop,
        "SELECT action, actor_role FROM audit_event"
        " WHERE action LIKE 'points.%' OR action LIKE 'account.%' ORDER BY id",
    )
    assert [tuple(row) for row in found] == [
        ("points.adjustment_requested", "consultant"),
        ("points.adjustment_posted", "duty_manager"),
        ("account.frozen", "showroom_manager"),
        ("account.unfrozen", "dealer_admin"),
    ]
