"""Three levels by the value score, and what the upper one brings, over HTTP."""

import json
import uuid
from importlib.resources import files
from typing import Any

from tests.support import benefits, codes, counter, earning, rewards, story, tiers
from tests.support.benefits import at, counts, go_to
from tests.support.clock import TestClock
from tests.support.shop import Shop

PROGRAMME: dict[str, Any] = json.loads((files("api.commands") / "programme.json").read_text())


def moves(shop: Shop, scheme: dict[str, Any]) -> dict[tuple[str, str, str], int]:
    """What the preview of a version says: how many from where to where, and when."""
    path = f"/v1/tier-schemes/{scheme['id']}/preview"
    seen = story.ok(shop.get("programme_admin", path), 200)["moves"]
    return {(each["from_tier"], each["to_tier"], each["when"]): each["members"] for each in seen}


def good_customer(shop: Shop, member: uuid.UUID) -> None:
    """An order a month and good words: the upper level."""
    for kind, marks in (("satisfaction", 95), ("callback", 90)):
        story.ok(tiers.tell(shop, member, kind, marks=marks))
    for kind, grade in (("region", "city"), ("trade", "building"), ("position", "director")):
        story.ok(tiers.tell(shop, member, kind, grade=grade))
    for _ in range(6):
        earning.earned(shop, member, earning.line(2_000))


def test_a_members_levels(shop: Shop, other_shop: Shop, clock: TestClock) -> None:
    go_to(shop, clock, "2027-01-10")
    member, plain = story.owner(shop), story.member(shop, phone="13800138001")

    # The administrator defines levels; another person publishes them. He rises at once.
    tiers.publish_scheme(shop, PROGRAMME["scheme"])
    tiers.night(shop)
    assert tiers.standing(shop, member)["tier"] == "base"
    good_customer(shop, member)
    now = tiers.standing(shop, member)
    assert (now["tier"], now["next"]) == ("gold", None)
    assert sum(part["hundredths"] for part in now["components"]) == now["score"]

    # Before a stricter threshold is published: who would move, from where to where.
    stricter = json.loads(json.dumps(PROGRAMME["scheme"]))
    stricter["ladder"]["levels"][2] |= {"at_least": 9_900, "by_model": {}}
    assert moves(shop, tiers.draft_scheme(shop, stricter)) == {
        ("base", "base", "stays"): 1,
        ("gold", "silver", "after_grace"): 1,
    }

    # The upper level: washes, lounges with a no-show, pick-up, a birthday gift of choice.
    for supplier in PROGRAMME["suppliers"]:
        story.ok(shop.post("dealer_admin", "/v1/suppliers", supplier))
    for code, body in PROGRAMME["benefits"].items():
        benefits.benefit(shop, code, body)
    earning.earned(shop, member, kind="birthday")
    left = counts(shop, member)
    assert {code: left[code] for code in ("wash", "lounge", "pick_up", "birthday_gift")} == {
        "wash": [12],
        "lounge": [2],
        "pick_up": [None],
        "birthday_gift": [1],
    }
    assert "lounge" not in counts(shop, plain)
    benefits.reserved(shop, member, "birthday_gift", choice="cake")
    benefits.reserved(shop, member, "lounge", appointment_at=at(shop, "2027-01-12"))
    go_to(shop, clock, "2027-01-14")
    assert counts(shop, member)["lounge"] == [1]

    # A wash at a partner's desk by a counter code; the partner must be paid.
    benefits.befriend(shop, other_shop.dealer_id)
    wash = benefits.reserved(shop, member, "wash")
    code = counter.code_for(shop, uuid.UUID(wash["id"]))
    shown = counter.show(other_shop, code, issued_by=shop.dealer_id)
    assert counter.outcome(shown) == "accepted"
    assert counts(shop, member)["wash"] == [11]
    owed = story.ok(shop.get("finance", "/v1/partner-benefit-statements", month="2027-01"), 200)[
        "items"
    ]
    assert [(line["units"], line["amount"]["amount_fen"]) for line in owed] == [(1, 3_000)]

    # An accessory with points and cash, verified at the desk; a voucher of the pool, once.
    accessory = rewards.termed(
        shop, points=800, cash={"least_points": 300, "fen_a_point": 2}, fulfilment="counter"
    )
    held = story.ok(rewards.hold(shop, member, accessory, points=500, cash=earning.money(600)))
    paid = story.ok(shop.post("service_desk", f"/v1/point-holds/{held['id']}/captures", {}))
    bought = paid["redemption_id"]
    alone = codes.act(shop, bought, "handovers")
    assert rewards.refusal(alone) == (403, "separation_of_duties")
    asked = {"purpose": "reward", "subject_id": bought}
    code = story.ok(shop.post("owner", "/v1/counter-codes", asked, subject=member))["code"]
    assert counter.outcome(counter.show(shop, code)) == "accepted"
    assert codes.standing(shop, bought)["state"] == "handed_over"
    assert rewards.refusal(codes.cancel(shop, bought)) == (409, "handed_over_already")
    assert codes.stock(shop, accessory) == (10, 9)
    voucher = codes.coded(shop, "KA-1", "KA-2", cancel={"until": "days", "days": 7})
    before = story.balance(shop, member)
    got = codes.redeemed(shop, member, voucher)
    shown = story.ok(codes.reveal(shop, member, got))["codes"]
    assert len(shown) == 1
    refused = codes.act(shop, got, "cancellations", reason="不要了")
    assert rewards.refusal(refused) == (409, "code_revealed")
    other = codes.redeemed(shop, member, voucher)
    assert codes.pool(shop, voucher) == (0, 0, 2, 0)
    story.ok(codes.act(shop, other, "cancellations", reason="不要了"))
    assert story.balance(shop, member) == before - 100
    assert (codes.pool(shop, voucher), codes.stock(shop, voucher)) == ((1, 0, 1, 0), (2, 1))
    assert codes.standing(shop, got)["state"] == "issued"

    # He sells the car: what was the first owner's ends with it.
    sold = dict(story.SAGITAR, owned_until="2027-01-14")
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", {"member_id": str(member), **sold}))
    assert "pick_up" not in counts(shop, member)

    # Two years of silence: below the level, grace, one step down on its thirtieth day, and why.
    go_to(shop, clock, "2029-03-01")
    tiers.night(shop)
    keep = tiers.standing(shop, member)["keep"]
    assert (keep["below_since"], keep["falls_on"], keep["falls_to"]) == (
        "2029-03-01",
        "2029-03-31",
        "silver",
    )
    go_to(shop, clock, "2029-03-30")
    assert tiers.night(shop) == 0
    go_to(shop, clock, "2029-03-31")
    assert tiers.night(shop) == 1
    fallen = tiers.words(shop, member)[0]
    assert (fallen["previous"], fallen["tier"], fallen["cause"]) == ("gold", "silver", "demoted")
    assert len(fallen["evidence"]) == len(PROGRAMME["scheme"]["components"])

    # All of it on one page, in one request.
    page = story.ok(shop.get("owner", f"/v1/members/{member}/home", subject=member), 200)
    assert page["summary"]["tier"]["tier"] == "silver"
    assert {each["name_en"] for each in page["benefits"]} >= {"Free wash", "Travel card"}
