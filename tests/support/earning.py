"""Steps of earning over HTTP: rules drafted and published, tiers, documents, returns."""

import itertools
import uuid
from datetime import date, timedelta
from typing import Any

from tests.support import story
from tests.support.shop import Shop

_numbers = itertools.count(1)


def money(fen: int) -> dict[str, Any]:
    return {"amount_fen": fen, "currency": "CNY"}


def line(yuan: int, payer: str = "customer", job: str | None = None) -> dict[str, Any]:
    """One line of a service order, in whole yuan."""
    return {"payer": payer, "amount": money(yuan * 100), "job_type": job}


def day(shop: Shop, days: int = 0) -> str:
    """The dealer's business day so many days from now."""
    return (date.fromisoformat(story.today(shop)) + timedelta(days=days)).isoformat()


def draft(shop: Shop, code: str, body: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A version as the dealer's administrator writes it down."""
    told = {"code": code, "body": body, "effective_from": story.today(shop)} | facts
    return story.ok(shop.post("dealer_admin", "/v1/earning-rules", told))


def publish(shop: Shop, rule: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/earning-rules/{rule['id']}/publications"
    return story.ok(shop.post("programme_admin", path))


def rule(shop: Shop, code: str, body: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A version in force from today, or from the day told."""
    return publish(shop, draft(shop, code, body, **facts))


def spend_rule(shop: Shop, code: str = "standard_spend", **body: Any) -> dict[str, Any]:
    """One point a yuan, with the conditions and caps told."""
    base = {"kinds": ["service_order"], "award": {"per_yuan": {"points": 1, "per_fen": 100}}}
    return rule(shop, code, base | body)


def flat_rule(shop: Shop, code: str, points: int, **body: Any) -> dict[str, Any]:
    """The same points for every survey."""
    return rule(shop, code, {"kinds": ["survey"], "award": {"flat": points}} | body)


def tier(
    shop: Shop,
    member: uuid.UUID,
    name: str,
    since_on: str | None = None,
    role: str = "dealer_admin",
) -> dict[str, Any]:
    """A tier by hand; from longer ago than a month only the CRM may tell one."""
    body = {
        "member_id": str(member),
        "tier": name,
        "since_on": since_on or story.today(shop),
        "reason": "年度评定",
    }
    return story.ok(shop.post(role, "/v1/tier-assignments", body))


def paper(shop: Shop, member: uuid.UUID, *lines: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """The body of a service order of today."""
    return {
        "external_ref": {"source": "dms", "id": f"D-{next(_numbers)}"},
        "kind": "service_order",
        "member_id": str(member),
        "occurred_on": story.today(shop),
        "lines": list(lines),
    } | facts


def earned(shop: Shop, member: uuid.UUID, *lines: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """The answer to a service order of today."""
    return story.ok(shop.post("crm", "/v1/documents", paper(shop, member, *lines, **facts)))


def survey(shop: Shop, member: uuid.UUID, **facts: Any) -> dict[str, Any]:
    """The answer to a survey the member filled in."""
    return earned(shop, member, kind="survey", **facts)


def give_back(
    shop: Shop, document: dict[str, Any], *parts: tuple[int, int], **facts: Any
) -> dict[str, Any]:
    """The body of a return of these fen, by line."""
    return {
        "external_ref": {"source": "dms", "id": f"R-{next(_numbers)}"},
        "document": document["external_ref"],
        "occurred_on": story.today(shop),
        "lines": [{"line": place, "amount": money(fen)} for place, fen in parts],
        "reason": "配件退货",
    } | facts


def returned(
    shop: Shop, document: dict[str, Any], *parts: tuple[int, int], **facts: Any
) -> dict[str, Any]:
    """The answer to a return of these fen, by line."""
    body = give_back(shop, document, *parts, **facts)
    return story.ok(shop.post("crm", "/v1/document-returns", body))


def account(shop: Shop, member: uuid.UUID) -> dict[str, Any]:
    """The member's balances."""
    return story.ok(shop.get("owner", f"/v1/members/{member}/balance", subject=member), 200)


def statement(shop: Shop, member: uuid.UUID) -> list[dict[str, Any]]:
    """The member's posting sets, newest first."""
    path = f"/v1/members/{member}/statement"
    found: list[dict[str, Any]] = story.ok(
        shop.get("owner", path, subject=member, limit="200"), 200
    )["items"]
    return found


def why(document: dict[str, Any]) -> dict[str, str | None]:
    """The reason given for each rule, by code; None for those that counted."""
    return {each["rule_id"]: each["reason"] for each in document["considered"]}
