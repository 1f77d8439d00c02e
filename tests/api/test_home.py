"""An owner's page: everything he sees in one request, as the requests for each part show it."""

import uuid
from typing import Any

from tests.support import benefits as units
from tests.support import earning, story
from tests.support.shop import Shop
from tests.support.tiers import publish_scheme


def page(shop: Shop, member: uuid.UUID) -> dict[str, Any]:
    path = f"/v1/members/{member}/home"
    return story.ok(shop.get("owner", path, subject=member), 200)


def part(shop: Shop, member: uuid.UUID, path: str, **query: str) -> Any:
    return story.ok(shop.get("owner", path, subject=member, **query), 200)


def test_the_page_shows_what_the_reads_of_each_part_show(shop: Shop) -> None:
    publish_scheme(shop)
    referral = story.verified_referral(shop)
    member = uuid.UUID(referral["owner_id"])
    for yuan in (300, 200, 100):
        story.earn(shop, member, yuan)
    units.benefit(shop, "wash", units.WASH)
    earning.tier(shop, member, "gold")
    reservation = units.reserved(shop, member, "wash")
    gift = story.reward(shop)
    body = {"member_id": str(member), "reward_id": gift}
    story.ok(shop.post("owner", "/v1/redemptions", body, subject=member))
    shown, mine = page(shop, member), f"/v1/members/{member}"
    assert shown["summary"] == part(shop, member, f"{mine}/summary")
    assert shown["vehicles"] == part(shop, member, f"{mine}/vehicles")["items"]
    assert shown["expiry_schedule"] == part(shop, member, f"{mine}/expiry-schedule")["items"]
    assert shown["statement"] == part(shop, member, f"{mine}/statement", limit="10")["items"]
    assert shown["tiers"] == part(shop, member, f"{mine}/tiers", limit="5")["items"]
    assert shown["benefits"] == part(shop, member, f"{mine}/benefits")["items"]
    assert shown["offers"] == part(shop, member, f"{mine}/offers", limit="20")["items"]
    assert [each.pop("state") for each in shown["redemptions"]] == ["done"]
    assert shown["redemptions"] == part(shop, member, f"{mine}/redemptions")["items"]
    assert [each["state"] for each in shown["referrals"]] == [referral["state"]]
    assert shown["referrals"][0]["reward"]["points"] == referral["reward"]["points"]
    assert [each["id"] for each in shown["reservations"]] == [reservation["id"]]
    assert all(shown.values())


def test_the_page_tells_nothing_of_the_buyer_and_names_nobody_of_the_staff(shop: Shop) -> None:
    referral = story.verified_referral(shop)
    member = uuid.UUID(referral["owner_id"])
    earning.tier(shop, member, "gold")
    told = shop.get("owner", f"/v1/members/{member}/home", subject=member).get_data(as_text=True)
    assert referral["id"] in told
    for secret in ("李", "13900139000", "****", "buyer", referral["slip_hash"]):
        assert secret not in told
    assert not [person for person in shop.people.values() if str(person) in told]


def test_the_page_is_the_owners_alone(shop: Shop) -> None:
    member, stranger = story.member(shop), story.member(shop)
    other = shop.get("owner", f"/v1/members/{member}/home", subject=stranger)
    assert (other.status_code, other.json["code"]) == (404, "member_not_found")
    staff = shop.get("duty_manager", f"/v1/members/{member}/home")
    assert (staff.status_code, staff.json["code"]) == (403, "role_lacks")
