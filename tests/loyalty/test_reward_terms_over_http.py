"""The catalogue on terms, over HTTP: windows, tiers, prices, limits, points and cash (F35-F37)."""

import uuid
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from tests.loyalty.test_holds import cancel
from tests.support import earning, rewards, story, tiers
from tests.support.clock import TestClock
from tests.support.earning import day, money
from tests.support.shop import Shop

TWO_A_QUARTER: dict[str, Any] = {"limit": {"most": 2, "period": "quarter"}}
MIXED: dict[str, Any] = {"points": 1_000, "cash": {"least_points": 300, "fen_a_point": 10}}


def saver(shop: Shop, tier: str | None = None, points: int = 2_000) -> uuid.UUID:
    """A member who earned this many points, in this tier (会员等级)."""
    member = story.member(shop)
    story.earn(shop, member, points)
    if tier:
        earning.tier(shop, member, tier)
    return member


def param(answer: Any, name: str) -> Any:
    return answer.json["errors"][0]["params"][name]


def next_quarter(shop: Shop, clock: TestClock) -> None:
    today = date.fromisoformat(story.today(shop))
    month = (today.month - 1) // 3 * 3 + 4
    begins = date(today.year + month // 13, (month - 1) % 12 + 1, 1)
    clock.add(days=(begins - today).days)


def test_gold_pays_less_than_silver_and_the_redemption_says_by_what(shop: Shop) -> None:
    gift = rewards.termed(shop, prices={"gold": 80})
    gold, silver = saver(shop, "gold"), saver(shop, "silver")
    assert [rewards.offers(shop, each)[gift]["points"] for each in (gold, silver)] == [80, 100]
    done = story.ok(rewards.redeem(shop, gold, gift, quantity=2))
    assert (done["points"], done["terms_version"], done["tier"]) == (160, 1, "gold")
    assert story.ok(shop.get("duty_manager", f"/v1/redemptions/{done['id']}"), 200) == done
    assert story.ok(rewards.redeem(shop, silver, gift))["points"] == 100
    assert (story.balance(shop, gold), story.balance(shop, silver)) == (1_840, 1_900)


def test_silver_may_not_have_what_is_for_gold(shop: Shop) -> None:
    gift = rewards.termed(shop, tiers=["gold"], prices={"gold": 90})
    for member in (saver(shop, "silver"), saver(shop)):
        for take in (rewards.redeem, rewards.hold):
            assert rewards.refusal(take(shop, member, gift)) == (409, "reward_not_for_tier")
        offer = rewards.offers(shop, member)[gift]
        assert (offer["may_redeem"], offer["reason"]) == (False, "reward_not_for_tier")
        assert story.balance(shop, member) == 2_000
    assert story.ok(rewards.redeem(shop, saver(shop, "gold"), gift))["points"] == 90


def test_two_a_quarter_and_two_more_in_the_next(shop: Shop, clock: TestClock) -> None:
    gift, member = rewards.termed(shop, **TWO_A_QUARTER), saver(shop)
    refused = rewards.redeem(shop, member, gift, quantity=3)
    assert rewards.refusal(refused) == (409, "reward_limit_reached")
    assert (param(refused, "most"), param(refused, "period")) == (2, "quarter")
    story.ok(rewards.redeem(shop, member, gift))
    assert rewards.offers(shop, member)[gift]["limit"]["left"] == 1
    story.ok(rewards.redeem(shop, member, gift))
    third = rewards.redeem(shop, member, gift, role="duty_manager")
    assert rewards.refusal(third) == (409, "reward_limit_reached")
    assert story.ok(rewards.redeem(shop, saver(shop), gift))["quantity"] == 1
    next_quarter(shop, clock)
    assert rewards.offers(shop, member)[gift]["limit"]["left"] == 2
    story.ok(rewards.redeem(shop, member, gift, quantity=2))


def test_what_was_cancelled_may_be_redeemed_again(shop: Shop) -> None:
    gift, member = rewards.termed(shop, **TWO_A_QUARTER), saver(shop)
    done = story.ok(rewards.redeem(shop, member, gift, quantity=2))
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "reward_limit_reached")
    story.ok(cancel(shop, done["id"]))
    story.ok(rewards.redeem(shop, member, gift, quantity=2))


def test_what_is_held_counts_as_long_as_it_is_held(shop: Shop, clock: TestClock) -> None:
    gift, member = rewards.termed(shop, **TWO_A_QUARTER), saver(shop)
    first, _ = (story.ok(rewards.hold(shop, member, gift)) for _ in range(2))
    for take in (rewards.redeem, rewards.hold):
        assert rewards.refusal(take(shop, member, gift)) == (409, "reward_limit_reached")
    story.ok(shop.post("service_desk", f"/v1/point-holds/{first['id']}/captures"))
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "reward_limit_reached")
    clock.add(minutes=61)
    story.ok(rewards.redeem(shop, member, gift))
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "reward_limit_reached")


def test_what_is_coming_soon_is_seen_before_it_can_be_had(shop: Shop, clock: TestClock) -> None:
    window: dict[str, Any] = {"available_from": day(shop, 3), "available_until": day(shop, 5)}
    gift, member = rewards.termed(shop, **window), saver(shop)
    for wait, reason in ((0, "reward_not_available"), (3, None), (1, None), (1, "gone")):
        clock.add(days=wait)
        offer = rewards.offers(shop, member)[gift]
        assert (offer["available_from"], offer["available_until"]) == tuple(window.values())
        taken = rewards.redeem(shop, member, gift)
        if reason is None:
            assert (offer["may_redeem"], taken.status_code) == (True, 201)
        else:
            assert offer["reason"] == "reward_not_available"
            assert rewards.refusal(taken) == (409, "reward_not_available")
            assert (param(taken, "from"), param(taken, "until")) == tuple(window.values())
            assert rewards.refusal(rewards.hold(shop, member, gift)) == rewards.refusal(taken)


def test_what_is_not_visible_is_not_there_for_owners(shop: Shop, clock: TestClock) -> None:
    window: dict[str, Any] = {"visible_from": day(shop, 1), "visible_until": day(shop, 2)}
    gift, member = rewards.termed(shop, **window), saver(shop)
    path = f"/v1/rewards/{gift}"
    for seen in (False, True, False):
        assert (gift in rewards.offers(shop, member)) is seen
        listed = story.ok(shop.get("owner", "/v1/rewards", subject=member), 200)["items"]
        assert (gift in [each["id"] for each in listed]) is seen
        assert shop.get("owner", path, subject=member).status_code == (200 if seen else 404)
        for take in (rewards.redeem, rewards.hold):
            taken = take(shop, member, gift)
            assert seen or rewards.refusal(taken) == (404, "reward_not_found")
            assert not seen or taken.status_code == 201
        found = story.ok(shop.get("consultant", path), 200)
        assert found["terms"]["body"]["visible_from"] == window["visible_from"]
        assert rewards.redeem(shop, member, gift, role="duty_manager").status_code == 201
        clock.add(days=1)


def test_an_accessory_is_paid_in_points_and_cash_as_its_terms_say(shop: Shop) -> None:
    gift, member = rewards.termed(shop, **MIXED), saver(shop, points=800)
    offer = rewards.offers(shop, member)[gift]
    assert (offer["may_redeem"], offer["reason"], offer["cash_fen"]) == (True, None, 2_000)
    assert offer["cash"] == MIXED["cash"]
    few = rewards.hold(shop, member, gift, points=299, cash=money(8_000))
    assert (*rewards.refusal(few), param(few, "least")) == (422, "points_too_few", 300)
    poor = rewards.hold(shop, member, gift, points=300, cash=money(6_999))
    assert (*rewards.refusal(poor), param(poor, "least_fen")) == (422, "cash_too_little", 7_000)
    rich = rewards.hold(shop, member, gift, points=1_001)
    assert (*rewards.refusal(rich), param(rich, "price")) == (422, "hold_exceeds_price", 1_000)
    held = story.ok(rewards.hold(shop, member, gift, points=300, cash=money(7_000)))
    assert (held["points"], held["cash"], held["stock"]) == (300, money(7_000), "kept")
    assert story.balance(shop, member) == 500


def test_two_accessories_need_twice_the_points_and_the_cash(shop: Shop) -> None:
    gift, member = rewards.termed(shop, **MIXED), saver(shop)
    few = rewards.hold(shop, member, gift, quantity=2, points=599, cash=money(99_999))
    assert (*rewards.refusal(few), param(few, "least")) == (422, "points_too_few", 600)
    story.ok(rewards.hold(shop, member, gift, quantity=2, points=600, cash=money(14_000)))


def test_without_cash_in_its_terms_a_reward_costs_points_alone(shop: Shop) -> None:
    gift, member = rewards.termed(shop, prices={"gold": 80}), saver(shop, "gold")
    part = rewards.hold(shop, member, gift, points=79, cash=money(100_000))
    assert (*rewards.refusal(part), param(part, "least")) == (422, "points_too_few", 80)
    story.ok(rewards.hold(shop, member, gift, points=80))


def test_a_capture_keeps_the_price_that_was_agreed_on(shop: Shop) -> None:
    gift, member = rewards.termed(shop, **MIXED), saver(shop, "gold")
    held = story.ok(rewards.hold(shop, member, gift, points=400, cash=money(6_000)))
    dearer = {"points": 5_000, "tiers": ["platinum"], "available_until": "2020-01-01"}
    rewards.publish(shop, rewards.draft(shop, gift, dearer))
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "reward_not_available")
    path = f"/v1/point-holds/{held['id']}/captures"
    done = story.ok(shop.post("service_desk", path))
    seen = story.ok(shop.get("duty_manager", f"/v1/redemptions/{done['redemption_id']}"), 200)
    assert (seen["points"], seen["cash"]) == (400, money(6_000))
    assert (seen["terms_version"], seen["tier"]) == (1, "gold")


def test_terms_count_when_another_person_publishes_them_and_until_their_end(
    shop: Shop, clock: TestClock
) -> None:
    gift, member = story.reward(shop, points=100), saver(shop)
    told = {"reward_id": gift, "body": {"points": 70}, "effective_from": day(shop, 1)}
    drafted = story.ok(shop.post("programme_admin", "/v1/reward-terms", told))
    path = f"/v1/reward-terms/{drafted['id']}"
    himself = shop.post("programme_admin", f"{path}/publications")
    assert rewards.refusal(himself) == (403, "separation_of_duties")
    terms = rewards.publish(shop, rewards.draft(shop, gift, {"points": 80}, **_later(shop)))
    assert (terms["version"], terms["state"]) == (2, "published")
    assert story.ok(rewards.redeem(shop, member, gift))["terms_version"] is None
    clock.add(days=1)
    shown = story.ok(shop.get("owner", f"/v1/rewards/{gift}", subject=member), 200)
    assert (shown["points"], shown["terms"]["version"]) == (100, 2)
    assert story.ok(rewards.redeem(shop, member, gift))["points"] == 80
    ends = f"/v1/reward-terms/{terms['id']}/ends"
    story.ok(shop.post("programme_admin", ends, {"effective_until": day(shop, 1)}))
    clock.add(days=1)
    after = story.ok(rewards.redeem(shop, member, gift))
    assert (after["points"], after["terms_version"], after["tier"]) == (100, None, None)
    assert rewards.offers(shop, member)[gift]["terms_version"] is None


def _later(shop: Shop) -> dict[str, str]:
    return {"effective_from": day(shop, 1)}


@pytest.mark.parametrize(
    ("points", "frozen", "stock", "body", "reason"),
    [
        (100, False, 1, {}, None),
        (100, False, 0, {}, "out_of_stock"),
        (99, False, 0, {}, "insufficient_points"),
        (99, True, 0, {}, "account_frozen"),
        (99, True, 0, {"tiers": ["gold"]}, "reward_not_for_tier"),
        (99, True, 0, {"tiers": ["gold"], "available_until": "2020-01-01"}, "reward_not_available"),
    ],
)
def test_an_offer_names_the_reason_a_redemption_meets(
    shop: Shop, points: int, frozen: bool, stock: int, body: dict[str, Any], reason: str | None
) -> None:
    gift, member = rewards.termed(shop, stock=stock, **body), saver(shop, points=points)
    if frozen:
        told = {"member_id": str(member), "reason": "核实中"}
        story.ok(shop.post("showroom_manager", "/v1/account-freezes", told))
    offer = rewards.offers(shop, member)[gift]
    assert (offer["may_redeem"], offer["reason"]) == (reason is None, reason)
    taken = rewards.redeem(shop, member, gift)
    assert (taken.status_code == 201, (taken.json or {}).get("code")) == (reason is None, reason)


@pytest.mark.parametrize(
    ("points", "cash", "cash_fen", "reason"),
    [
        (1_000, True, 0, None),
        (999, True, 10, None),
        (300, True, 7_000, None),
        (299, True, None, "insufficient_points"),
        (999, False, None, "insufficient_points"),
        (1_000, False, 0, None),
    ],
)
def test_an_offer_tells_the_cash_a_member_needs_beside_all_his_points(
    shop: Shop, points: int, cash: bool, cash_fen: int | None, reason: str | None
) -> None:
    gift = rewards.termed(shop, **(MIXED if cash else {"points": 1_000}))
    member = saver(shop, points=points)
    offer = rewards.offers(shop, member)[gift]
    assert (offer["cash_fen"], offer["may_redeem"]) == (cash_fen, reason is None)
    assert offer["reason"] == reason
    if cash_fen:
        short = rewards.hold(shop, member, gift, points=points, cash=money(cash_fen - 1))
        assert rewards.refusal(short) == (422, "cash_too_little")
        story.ok(rewards.hold(shop, member, gift, points=points, cash=money(cash_fen)))


def test_reading_one_reward_reads_the_terms_of_no_other(shop: Shop) -> None:
    plain, gift = story.reward(shop), rewards.termed(shop)
    rewards.termed(shop)
    sent: list[str] = []

    def keep(*told: Any) -> None:
        sent.extend(str(name) for name in told[3].values() if "reward_terms" in told[2])

    engine = shop.service.database.engine
    event.listen(engine, "before_cursor_execute", keep)
    try:
        shown = story.ok(shop.get("auditor", f"/v1/rewards/{gift}"), 200)
        told = list(sent)
        assert story.ok(shop.get("auditor", f"/v1/rewards/{plain}"), 200)["terms"] is None
    finally:
        event.remove(engine, "before_cursor_execute", keep)
    assert shown["terms"]["version"] == 1
    assert shown["code"] in told
    assert sent == told


def test_a_reward_without_terms_is_offered_as_it_always_was(shop: Shop) -> None:
    gift, member = story.reward(shop), saver(shop)
    offer = rewards.offers(shop, member)[gift]
    assert (offer["points"], offer["may_redeem"], offer["limit"]) == (100, True, None)
    assert (offer["kind"], offer["fulfilment"], offer["terms_version"]) == ("goods", "none", None)
    assert offer["cash"] == {"least_points": 1, "fen_a_point": 1}
    story.ok(rewards.hold(shop, member, gift, points=40, cash=money(60)))


def test_a_piece_whose_hold_ran_out_is_offered_again_before_any_night(
    shop: Shop, clock: TestClock
) -> None:
    gift, member = rewards.termed(shop, stock=1), saver(shop)
    story.ok(rewards.hold(shop, member, gift))
    assert rewards.offers(shop, member)[gift]["reason"] == "out_of_stock"
    clock.add(minutes=61)
    offer = rewards.offers(shop, member)[gift]
    assert (offer["may_redeem"], offer["in_stock"]) == (True, 1)
    story.ok(rewards.redeem(shop, member, gift))


def test_offers_come_page_by_page_without_what_is_hidden(shop: Shop) -> None:
    member = saver(shop)
    gifts = [rewards.termed(shop, visible_from=day(shop, each % 2)) for each in range(5)]
    path, seen, cursor = f"/v1/members/{member}/offers", [], None
    while True:
        more: dict[str, Any] = {"cursor": cursor} if cursor else {}
        page = story.ok(shop.get("owner", path, subject=member, limit="2", **more), 200)
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == gifts[::2]


def test_an_owner_sees_no_offers_but_his_own(shop: Shop) -> None:
    path = f"/v1/members/{story.member(shop)}/offers"
    other = shop.get("owner", path, subject=story.member(shop))
    assert rewards.refusal(other) == (404, "member_not_found")
    assert story.ok(shop.get("service_desk", path), 200)["items"] == []


def test_a_reward_says_what_kind_of_thing_it_is(shop: Shop) -> None:
    body = {"code": "V-1", "name_zh": "洗车券", "name_en": "Wash voucher", "points": 9, "stock": 0}
    made = story.ok(shop.post("programme_admin", "/v1/rewards", body | {"kind": "voucher"}))
    assert (made["kind"], made["terms"]) == ("voucher", None)
    wrong = shop.post("programme_admin", "/v1/rewards", body | {"code": "V-2", "kind": "gift"})
    assert rewards.refusal(wrong) == (422, "validation_failed")


def test_terms_of_a_reward_that_is_not_there_and_terms_that_are_not_right(shop: Shop) -> None:
    told = {"reward_id": str(uuid.uuid4()), "body": {"points": 5}, "effective_from": day(shop)}
    nowhere = shop.post("dealer_admin", "/v1/reward-terms", told)
    assert rewards.refusal(nowhere) == (404, "reward_not_found")
    told |= {"reward_id": story.reward(shop), "body": {"points": 5, "limit": {"most": 1}}}
    wrong = shop.post("dealer_admin", "/v1/reward-terms", told)
    assert rewards.refusal(wrong) == (422, "rule_invalid")
    assert (wrong.json or {})["errors"][0]["pointer"] == "/body/limit/period"


def test_terms_that_name_a_tier_nobody_can_have_are_not_published(shop: Shop) -> None:
    tiers.publish_scheme(shop, tiers.scheme())
    gift = story.reward(shop)
    for body, pointer in (({"tiers": ["glod"]}, "tiers"), ({"prices": {"glod": 1}}, "prices")):
        draft = rewards.draft(shop, gift, {"points": 100} | body)
        path = f"/v1/reward-terms/{draft['id']}/publications"
        refused = shop.post("programme_admin", path)
        assert rewards.refusal(refused) == (422, "tier_unknown")
        assert (refused.json or {})["errors"][0]["pointer"] == f"/body/{pointer}"
        assert param(refused, "tier") == "glod"
    rewards.publish(shop, rewards.draft(shop, gift, {"points": 100, "tiers": ["gold"]}))
    member = saver(shop)
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "reward_not_for_tier")
