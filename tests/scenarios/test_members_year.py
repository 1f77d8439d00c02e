"""A member's year and the finance lead's month, over HTTP."""

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import create_engine, text

from api.commands.ledger import PROOFS
from loyalty.points.proof import prove
from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.shop import Shop

QUARTER = {"mode": "rolling", "months": 2, "round": "quarter"}


def look(shop: Shop, member: uuid.UUID, what: str = "balance", **query: str) -> dict[str, Any]:
    path = f"/v1/members/{member}/{what}"
    return story.ok(shop.get("owner", path, subject=member, **query), 200)


def rules(shop: Shop) -> None:
    """A point a yuan the customer pays, pending for seven days; double for gold in the campaign,
    300 a member and 5,000 in all, until the end of a quarter."""
    earning.spend_rule(shop, pending={"days": 7})
    earning.spend_rule(
        shop,
        "gold_double",
        award={"multiplier_percent": 200},
        tiers=["gold"],
        caps={"per_member": {"points": 300, "period": "rule"}, "budget": 5_000},
        expiry=QUARTER,
    )


def returned(shop: Shop, order: dict[str, Any], yuan: int) -> dict[str, Any]:
    body = {
        "external_ref": {"source": "dms", "id": uuid.uuid4().hex},
        "document": order["external_ref"],
        "occurred_on": story.today(shop),
        "lines": [{"line": 0, "amount": earning.money(yuan * 100)}],
        "reason": "配件退货",
    }
    return story.ok(shop.post("crm", "/v1/document-returns", body))


def spend(shop: Shop, member: uuid.UUID, points: int) -> dict[str, Any]:
    body = {"member_id": str(member), "reward_id": story.reward(shop, points=points)}
    return story.ok(shop.post("owner", "/v1/redemptions", body, subject=member))


def test_a_members_year(shop: Shop, other_shop: Shop, clock: TestClock) -> None:
    husband, wife = story.member(shop), story.member(shop, name="李梅", phone="13800138001")
    earning.tier(shop, husband, "gold")
    rules(shop)
    first_month = story.today(shop)[:7]

    # He earns: only what he paid himself, pending, and the campaign's share at once, capped.
    order = earning.earned(
        shop,
        husband,
        earning.line(1_000),
        earning.line(500, "warranty"),
        earning.line(300, "insurer"),
    )
    assert {each["rule_id"]: each["points"] for each in order["grants"]} == {
        "gold_double": 300,
        "standard_spend": 1_000,
    }
    assert [each["limited_by"] for each in order["grants"] if each["rule_id"] == "gold_double"] == [
        "per_member"
    ]
    told = look(shop, husband)
    assert (told["available"], told["pending"]) == (300, 1_000)
    clock.add(days=8)
    told = look(shop, husband)
    assert (told["available"], told["pending"]) == (1_300, 0)

    # He holds points for an accessory, pays the rest in cash, and changes his mind.
    before = look(shop, husband, "expiry-schedule")["items"]
    accessory = story.reward(shop, points=800)
    wish = {
        "member_id": str(husband),
        "points": 500,
        "minutes": 60,
        "reward_id": accessory,
        "quantity": 1,
        "cash": earning.money(30_000),
    }
    held = story.ok(shop.post("owner", "/v1/point-holds", wish, subject=husband))
    told = look(shop, husband)
    assert (told["available"], told["held"]) == (800, 500)
    story.ok(shop.post("owner", f"/v1/point-holds/{held['id']}/releases", subject=husband))
    assert look(shop, husband, "expiry-schedule")["items"] == before

    # He redeems, the shop cancels: the same lots with the same dates.
    gift = spend(shop, husband, 400)
    path = f"/v1/redemptions/{gift['id']}/cancellations"
    back = story.ok(shop.post("service_desk", path, {"reason": "缺货"}))
    assert back["restored"] == 400
    assert look(shop, husband, "expiry-schedule")["items"] == before

    # One line is returned twice in part: never more than it earned.
    asked = look(shop, husband)["as_of"]
    first, second = returned(shop, order, 200), returned(shop, order, 100)
    assert (first["reversed"], second["reversed"]) == (200, 100)
    assert look(shop, husband)["available"] == 1_000

    # He spends all but 100 at a partner's; the rest of the order comes back: he owes.
    engine = create_engine(shop.service.settings.database_url)
    with engine.begin() as connection:
        for here, there in ((shop, other_shop), (other_shop, shop)):
            connection.execute(
                text("INSERT INTO dealer_partner VALUES (:here, :there, 'P', '合作店')"),
                {"here": here.dealer_id, "there": there.dealer_id},
            )
    engine.dispose()
    month = story.today(shop)[:7]
    elsewhere = {
        "member_id": str(husband),
        "reward_id": story.reward(shop, points=900),
        "honoured_by": str(other_shop.dealer_id),
    }
    story.ok(shop.post("showroom_manager", "/v1/redemptions", elsewhere))
    third = returned(shop, order, 700)
    assert (third["taken"], third["owed"]) == (100, third["reversed"] - 100)
    told = look(shop, husband)
    assert (told["available"], told["arrears"]) == (0, third["owed"])
    debt = third["owed"]

    # The next credit settles it first, and the statement says so.
    earning.earned(shop, husband, earning.line(2_000))
    clock.add(days=8)
    spend(shop, husband, 50)
    told = look(shop, husband)
    assert (told["arrears"], told["available"]) == (0, 2_000 - debt - 50)
    kinds = [line["kind"] for line in look(shop, husband, "statement")["items"]]
    assert kinds[:3] == ["redemption", "arrears", "activation"]

    # He gives his wife points: she has them with his dates.
    gift_body = {
        "from_member_id": str(husband),
        "to": {"phone": "13800138001", "name": "李梅"},
        "points": 200,
    }
    story.ok(shop.post("owner", "/v1/point-transfers", gift_body, subject=husband))
    hers = look(shop, wife, "expiry-schedule")["items"]
    his = look(shop, husband, "expiry-schedule")["items"]
    assert look(shop, wife)["available"] == 200
    assert {each["expires_at"] for each in hers} <= {each["expires_at"] for each in before + his}

    # Some points end with a quarter, and cannot be spent the second they do.
    survey = {"kinds": ["survey"], "award": {"flat": 70}, "expiry": QUARTER}
    earning.rule(shop, "survey_thanks", survey)
    earning.earned(shop, wife, kind="survey")
    ends = story.instant(look(shop, wife, "expiry-schedule")["items"][0]["expires_at"])
    clock.add(seconds=(ends - clock()).total_seconds() - 30)
    assert look(shop, wife)["available"] == 270
    clock.add(seconds=31)
    assert look(shop, wife)["available"] == 200
    with shop.service.database.transaction(shop.dealer_id) as session:
        proven = [finding for checks in PROOFS for finding in prove(session, checks)]
    assert len(proven) > 50
    assert [finding.says for finding in proven if finding.count] == []

    # He asks why his balance was what it was on that day.
    then = look(shop, husband, as_of=asked)
    why = look(shop, husband, "balance-explanation", as_of=asked)
    assert then["available"] == why["available"] == 1_300
    assert why["adds_up"] is True
    assert {lot["rule_id"]: lot["available"] for lot in why["lots"]} == {
        "gold_double": 300,
        "standard_spend": 1_000,
    }
    assert {lot["origin"]["document_id"] for lot in why["lots"]} == {order["id"]}
    versions = {(lot["rule_id"], lot["rule_version"]) for lot in why["lots"]}
    assert versions == {(each["rule_id"], each["rule_version"]) for each in order["grants"]}

    # The finance lead closes the months: the books balance, the partner is owed his 900.
    balance = story.ok(shop.get("finance", "/v1/trial-balance"), 200)
    assert (balance["points"], balance["transferred"], balance["balanced"]) == (0, 0, True)
    owed = story.ok(shop.get("finance", "/v1/liability"), 200)
    assert owed["points"] == look(shop, husband)["available"] + 200
    assert owed["cost"]["amount_fen"] == owed["points"]
    assert owed["breakage"]["reason"] is not None
    statements = story.ok(shop.get("finance", "/v1/settlements", month=month), 200)["items"]
    pairs = [
        (each["debtor_id"], each["creditor_id"], each["points"], each["cost"]["amount_fen"])
        for each in statements
    ]
    assert pairs == [(str(shop.dealer_id), str(other_shop.dealer_id), 900, 900)]
    for each in sorted({first_month, month}):
        closed = story.ok(shop.post("finance", "/v1/month-closes", {"month": each}))
    assert (closed["month"], closed["statements"]) == (month, 1)
    again = shop.post("finance", "/v1/month-closes", {"month": month})
    assert (again.status_code, again.json["code"]) == (409, "month_already_closed")
    assert timedelta(0) < clock() - story.instant(closed["ends_at"])
