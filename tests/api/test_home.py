"""An owner's page: everything he sees in one request, as the requests for each part show it."""

import threading
import uuid
from typing import Any

import pytest
from sqlalchemy import event

from api.schemas.home import MOST_SHOWN, ReferralShownOut
from loyalty.points import queries as points
from tests.support import benefits as units
from tests.support import codes as pools
from tests.support import earning, rewards, story
from tests.support.shop import Shop
from tests.support.tiers import publish_scheme, tell

STATEMENTS = 25
NAMED = {
    "levels": ("code", "name"),
    "benefits": ("benefit", "name"),
    "reservations": ("benefit", "name"),
    "offers": ("code", "name"),
    "redemptions": ("reward_id", "reward_name"),
    "holds": ("reward_id", "reward_name"),
    "tiers": ("tier", "name"),
}


def page(shop: Shop, member: uuid.UUID) -> dict[str, Any]:
    path = f"/v1/members/{member}/home"
    return story.ok(shop.get("owner", path, subject=member), 200)


def part(shop: Shop, member: uuid.UUID, path: str, **query: str) -> Any:
    return story.ok(shop.get("owner", path, subject=member, **query), 200)


def full(shop: Shop) -> tuple[uuid.UUID, dict[str, Any]]:
    """张三 with a level by his score and gold by hand, a lounge reserved, a wash, a voucher, a gift
    held, a recommendation."""
    publish_scheme(shop)
    referral = story.verified_referral(shop)
    member = uuid.UUID(referral["owner_id"])
    for yuan in (300, 200, 100):
        story.earn(shop, member, yuan)
    story.ok(tell(shop, member, "satisfaction", marks=95))
    units.supplier(shop)
    units.benefit(shop, "wash", units.WASH)
    units.benefit(shop, "lounge", units.LOUNGE)
    earning.tier(shop, member, "gold")
    visit = units.at(shop, earning.day(shop, 3), 14)
    units.reserved(shop, member, "lounge", appointment_at=visit)
    voucher = pools.coded(shop, "HOME-1", cancel={"until": "days", "days": 7, "by_owner": True})
    pools.redeemed(shop, member, voucher)
    gift = rewards.termed(shop, cash={"least_points": 10, "fen_a_point": 7})
    cash = {"amount_fen": 350, "currency": "CNY"}
    story.ok(rewards.hold(shop, member, gift, points=50, cash=cash))
    return member, referral


def test_the_page_shows_what_the_reads_of_each_part_show(shop: Shop) -> None:
    member, referral = full(shop)
    shown, mine = page(shop, member), f"/v1/members/{member}"
    assert shown["summary"] == part(shop, member, f"{mine}/summary")
    assert shown["vehicles"] == part(shop, member, f"{mine}/vehicles")["items"]
    assert shown["expiry_schedule"] == part(shop, member, f"{mine}/expiry-schedule")["items"]
    assert shown["statement"] == part(shop, member, f"{mine}/statement", limit="10")["items"]
    assert shown["benefits"] == part(shop, member, f"{mine}/benefits")["items"]
    assert shown["offers"] == part(shop, member, f"{mine}/offers")["items"][::-1]
    assert shown["tiers"] == part(shop, member, f"{mine}/tiers")["items"]
    nobody = dict.fromkeys(("reserved_by", "used_by", "ended_by"))
    reserved = [each | nobody for each in shown["reservations"]]
    assert reserved == part(shop, member, f"{mine}/benefit-usages")["items"]
    standing = part(shop, member, f"{mine}/tier")
    assert shown["score"] == {key: standing[key] for key in ("score", "components")}
    assert [(level["code"], level["name_zh"]) for level in shown["levels"]] == [
        (level["code"], level["name_zh"]) for level in standing["levels"]
    ]
    (redemption,) = part(shop, member, f"{mine}/redemptions")["items"]
    stands = part(shop, member, f"/v1/redemptions/{redemption['id']}/fulfilment")
    (redeemed,) = shown["redemptions"]
    assert {key: redeemed[key] for key in redemption} == redemption
    assert {key: redeemed[key] for key in stands if key in redeemed}.items() <= stands.items()
    (held,) = part(shop, member, f"{mine}/point-holds")["items"]
    (hold,) = shown["holds"]
    assert {key: hold[key] for key in held if key in hold}.items() <= held.items()
    assert hold["expires_at"] == held["expires_at"]
    assert [each["state"] for each in shown["referrals"]] == [referral["state"]]
    assert shown["referrals"][0]["reward"]["points"] == referral["reward"]["points"]


def test_everything_a_member_can_have_is_there_and_named_in_both_languages(shop: Shop) -> None:
    member, _ = full(shop)
    shown = page(shop, member)
    assert all(shown.values())
    for name, (code, said) in NAMED.items():
        for each in shown[name]:
            assert each[code]
            assert in_both(each, said), (name, each)
    tier = shown["summary"]["tier"]
    assert in_both(tier, "name")
    assert in_both(tier["next"] or {"name_zh": "金", "name_en": "Gold"}, "name")
    assert all(in_both(each, "name") for each in shown["summary"]["benefits"])
    levels = {level["code"] for level in shown["levels"]}
    told = [tier["tier"], tier["earned_tier"], *(each["tier"] for each in shown["redemptions"])]
    told += [each[key] for each in shown["tiers"] for key in ("tier", "previous")]
    assert {each for each in told if each} <= levels
    assert {each["kind"] for each in shown["tiers"]} == {"earned", "manual"}


def in_both(told: dict[str, Any], name: str) -> bool:
    chinese, english = told[f"{name}_zh"], told[f"{name}_en"]
    return bool(chinese and not chinese.isascii() and english and english.isascii())


def test_a_redemption_shows_its_codes_its_cash_and_until_when_the_owner_may_cancel(
    shop: Shop,
) -> None:
    member = pools.saver(shop)
    voucher = pools.coded(
        shop, "V-0001", "V-0002", cancel={"until": "days", "days": 7, "by_owner": True}
    )
    kept, looked = (pools.redeemed(shop, member, voucher) for _ in range(2))
    pools.codes_of(shop, member, looked)
    gift = rewards.termed(shop, cash={"least_points": 10, "fen_a_point": 7}, fulfilment="counter")
    cash = {"amount_fen": 350, "currency": "CNY"}
    hold = story.ok(rewards.hold(shop, member, gift, points=50, cash=cash))
    assert [each["cash"] for each in page(shop, member)["holds"]] == [cash]
    story.ok(shop.post("service_desk", f"/v1/point-holds/{hold['id']}/captures", {}))
    shown = {each["id"]: each for each in page(shop, member)["redemptions"]}
    paid = next(each for each in shown.values() if each["hold_id"])
    found = {
        name: (each["codes"], each["codes_revealed"], each["may_cancel"], each["cancel_refused"])
        for name, each in (("kept", shown[kept]), ("looked", shown[looked]), ("paid", paid))
    }
    assert found == {
        "kept": (1, 0, True, None),
        "looked": (1, 1, False, "code_revealed"),
        "paid": (0, 0, False, "cancellation_by_staff_only"),
    }
    assert (paid["state"], paid["cash"], shown[kept]["state"]) == ("ordered", cash, "issued")
    assert shown[kept]["cancel_until"] == pools.day(shop, 7)
    assert (shown[looked]["cancel_until"], paid["cancel_until"]) == (None, None)
    assert page(shop, member)["holds"] == []


def test_the_newest_offers_come_first_and_the_page_says_that_there_are_more(shop: Shop) -> None:
    member = pools.saver(shop)
    gifts = [story.reward(shop) for _ in range(MOST_SHOWN["offers"])]
    shown = page(shop, member)
    assert [each["id"] for each in shown["offers"]] == gifts[::-1]
    assert not any(shown["has_more"].values())
    latest = rewards.termed(shop)
    shown = page(shop, member)
    assert [each["id"] for each in shown["offers"]] == [latest, *gifts[:0:-1]]
    assert [name for name, more in shown["has_more"].items() if more] == ["offers"]


def test_the_page_costs_the_same_however_much_there_is(shop: Shop) -> None:
    member, _ = full(shop)
    story.earn(shop, member, 2_000)
    rewards.termed(shop, limit={"most": 3, "period": "month"})
    page(shop, member)
    few = counted(shop, member)
    voucher = pools.coded(shop, *(f"HOME-1{number}" for number in range(6)))
    for _ in range(5):
        pools.redeemed(shop, member, voucher)
        gift = rewards.termed(shop, limit={"most": 3, "period": "month"}, fulfilment="counter")
        pools.redeemed(shop, member, gift)
        story.ok(rewards.hold(shop, member, gift))
        units.reserved(shop, member, "wash")
    many = counted(shop, member)
    shown = page(shop, member)
    assert [len(shown[name]) for name in ("redemptions", "holds", "reservations")] == [10, 6, 6]
    assert len(many) == len(few) <= STATEMENTS


def counted(shop: Shop, member: uuid.UUID) -> list[str]:
    """The statements that the page sends to the database."""
    sent: list[str] = []

    def keep(*told: Any) -> None:
        sent.append(told[2])

    engine = shop.service.database.engine
    event.listen(engine, "before_cursor_execute", keep)
    try:
        page(shop, member)
    finally:
        event.remove(engine, "before_cursor_execute", keep)
    return sent


def test_the_parts_of_the_page_agree_though_points_come_while_it_is_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, read = pools.saver(shop, 100), points.expiry_schedule

    def meanwhile(*asked: Any) -> Any:
        other = threading.Thread(target=story.earn, args=(shop, member, 50))
        other.start()
        other.join()
        return read(*asked)

    monkeypatch.setattr(points, "expiry_schedule", meanwhile)
    shown = page(shop, member)
    monkeypatch.undo()
    assert shown["summary"]["balance"]["available"] == 100
    assert [each["points"] for each in shown["expiry_schedule"]] == [100]
    assert [each["points"] for each in shown["statement"]] == [100]
    assert page(shop, member)["summary"]["balance"]["available"] == 150


def test_the_page_tells_nothing_of_the_buyer_and_names_nobody_of_the_staff(shop: Shop) -> None:
    member, referral = full(shop)
    told = shop.get("owner", f"/v1/members/{member}/home", subject=member).get_data(as_text=True)
    assert referral["id"] in told
    for secret in ("李", "13900139000", "****", "buyer", referral["slip_hash"]):
        assert secret not in told
    assert not [person for person in shop.people.values() if str(person) in told]
    assert set(page(shop, member)["referrals"][0]) == set(ReferralShownOut().fields)


def test_the_page_is_the_owners_alone(shop: Shop) -> None:
    member, stranger = story.member(shop), story.member(shop)
    other = shop.get("owner", f"/v1/members/{member}/home", subject=stranger)
    assert (other.status_code, other.json["code"]) == (404, "member_not_found")
    for language in ("zh-CN", "en"):
        sent = {"Authorization": f"Bearer {shop.token('owner', stranger)}"}
        sent["Accept-Language"] = language
        told = shop.client().get(f"/v1/members/{member}/home", headers=sent).json or {}
        assert told["title"].isascii() == (language == "en")
    staff = shop.get("duty_manager", f"/v1/members/{member}/home")
    assert (staff.status_code, staff.json["code"]) == (403, "role_lacks")
