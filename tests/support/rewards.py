"""Steps of the catalogue over HTTP: terms drafted and published by two people, offers, holds."""

import uuid
from typing import Any

from werkzeug.test import TestResponse

from tests.support import story
from tests.support.shop import Shop


def draft(shop: Shop, reward: str, body: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Terms as the dealer's administrator writes them down, from today on unless told."""
    told = {"reward_id": reward, "body": body, "effective_from": story.today(shop)} | facts
    return story.ok(shop.post("dealer_admin", "/v1/reward-terms", told))


def publish(shop: Shop, terms: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/reward-terms/{terms['id']}/publications"
    return story.ok(shop.post("programme_admin", path))


def termed(shop: Shop, *, stock: int = 10, **body: Any) -> str:
    """A gift of 100 points with terms in force."""
    gift = story.reward(shop, stock=stock)
    publish(shop, draft(shop, gift, {"points": 100} | body))
    return gift


def redeem(
    shop: Shop, member: uuid.UUID, gift: str, role: str = "owner", **facts: Any
) -> TestResponse:
    """The member himself redeems, or a person in this role for him."""
    body = {"member_id": str(member), "reward_id": gift} | facts
    return shop.post(role, "/v1/redemptions", body, subject=_self(role, member))


def hold(
    shop: Shop, member: uuid.UUID, gift: str, role: str = "owner", **facts: Any
) -> TestResponse:
    """One piece held for an hour for 100 points."""
    body = {"member_id": str(member), "reward_id": gift, "quantity": 1, "minutes": 60}
    body |= {"points": 100} | facts
    return shop.post(role, "/v1/point-holds", body, subject=_self(role, member))


def offers(shop: Shop, member: uuid.UUID) -> dict[str, dict[str, Any]]:
    """What the member sees of the catalogue, by the reward's id."""
    found = story.ok(shop.get("owner", f"/v1/members/{member}/offers", subject=member), 200)
    return {each["id"]: each for each in found["items"]}


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, answer.json["code"]


def _self(role: str, member: uuid.UUID) -> uuid.UUID | None:
    return member if role == "owner" else None
