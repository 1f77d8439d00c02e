"""The stories (referral.md, section 1): 张三 really recommended 李四, and nobody recommended 王五.

Every line a reader sees was answered by the service; nothing here looks into it.
"""

from datetime import datetime
from typing import Any

import click

from api.commands.demo.people import (
    LI_SI,
    LI_SI_BUYER,
    STRANGER,
    WANG_WU_BUYER,
    ZHANG_SAN,
    ZHAO_LIU_BUYER,
)
from api.commands.demo.steps import ONE_STEP, Case
from api.commands.demo.theatre import Theatre, visit_owner_website

TO_THE_CALL = "submitted → registered → ordered → delivered → checked → calling"


def honest(theatre: Theatre) -> Case:
    """李四 buys on 张三's word: verified, the reward is held and not yet paid."""
    click.echo("\n真实的推荐  李四 mentions 张三 to the consultant, who reports it")
    that, before = theatre.checks.that, theatre.points()
    case = theatre.case(LI_SI_BUYER)
    reply = case.report()
    that("the report is submitted", reply.status == 201 and reply["state"] == "submitted", reply)
    reply = case.decide("consultant", "confirmations")
    that("the consultant cannot confirm it himself", reply.status == 403, reply)
    _other_dealer_sees_nothing(theatre, case)
    _to_the_call(case)
    call = _call(case)
    knows = {"buyer": ZHANG_SAN, "owner": LI_SI}[call["party"]]
    asked = case.talk(call, knows)
    reply = case.seen()
    that(f"{asked} good answers verify it", reply["verified_at"] is not None, reply)
    held = reply["state"] == "reward_held" and reply["reward"]["state"] == "held"
    that("the reward of 200 points is held", held and reply["reward"]["points"] == 200, reply)
    reply = case.decide("finance", "reward-payments")
    early = reply.status == 409 and reply["code"] == "reward_on_hold"
    that("finance cannot pay before 15 days are over", early, reply)
    that("and is told when to come again", int(reply.headers["retry-after"]) > 0, reply)
    reply = theatre.balance()
    that("张三 has no more points than before", reply["available"] == before, reply)
    return case


def paid(theatre: Theatre, case: Case) -> None:
    """Sixteen days later finance pays 张三 once, and he spends points on a gift."""
    click.echo("\n十六天之后  Sixteen days later, on the same data: the hold is over")
    that, before = theatre.checks.that, theatre.points()
    first = case.decide("finance", "reward-payments", key="payment-1")
    done = first.status == 201 and first["state"] == "rewarded"
    that("finance pays the reward", done and first["reward"]["state"] == "paid", first)
    again = case.decide("finance", "reward-payments", key="payment-1")
    same = again.raw == first.raw and again.headers.get("idempotency-replayed") == "true"
    that("the same request again is answered with the same bytes", same, again)
    reply = case.decide("finance", "reward-payments")
    that("another payment of it is refused", reply.status == 409, reply)
    reply = theatre.balance()
    that("张三 has exactly 200 points more", reply["available"] == before + 200, reply)
    reply, path = case.history()
    that(
        "every step is on record",
        path == f"{TO_THE_CALL} → verified → reward_held → rewarded",
        reply,
    )
    visit_owner_website(theatre, case)


def too_late(theatre: Theatre) -> None:
    """赵六's order was there before anybody spoke of 张三."""
    click.echo("\n报备太晚  赵六 has ordered already when the consultant reports him")
    case = theatre.case(ZHAO_LIU_BUYER)
    reply = case.order(case.now)
    theatre.checks.that("the CRM's order is taken", reply.status == 201, reply)
    reply = case.report()
    refused = reply["state"] == "refused" and reply["reason"] == "registered_after_order"
    theatre.checks.that("the report is refused: registered_after_order", refused, reply)


def fake(theatre: Theatre) -> None:
    """王五 never met 张三: the second wrong answer ends it and opens the consultant's case."""
    click.echo("\n虚假的推荐  The consultant makes up that 张三 recommended 王五")
    that, before = theatre.checks.that, theatre.points()
    case = theatre.case(WANG_WU_BUYER)
    reply = case.report()
    that("the report is submitted", reply.status == 201 and reply["state"] == "submitted", reply)
    _to_the_call(case)
    asked = case.talk(_call(case), STRANGER)
    reply = case.seen()
    that("the call ends at the second wrong answer", asked == 2, reply)
    failed = reply["state"] == "failed" and reply["reason"] == "callback_two_wrong"
    that("the referral has failed: callback_two_wrong", failed, reply)
    that("no reward was ever fixed", reply["reward"] is None, reply)
    consultant = reply["consultant_id"]
    reply = case.decide("finance", "reward-payments")
    that("finance cannot pay it", reply.status == 409, reply)
    reply = theatre.client.get("showroom_manager", "/v1/consultant-cases")
    opened = reply.items(referral_id=case.referral, consultant_id=consultant, state="open")
    that("the consultant's case is open", len(opened) == 1, reply)
    reply = theatre.balance()
    that("张三's points are unchanged", reply["available"] == before, reply)
    reply, path = case.history()
    that("every step is on record", path == f"{TO_THE_CALL} → failed", reply)


def _to_the_call(case: Case) -> None:
    that = case.checks.that
    reply = case.decide("duty_manager", "confirmations")
    that("the duty manager registers it before the sale", reply["state"] == "registered", reply)
    registered = datetime.fromisoformat(reply["registered_at"])
    reply = case.order(registered + ONE_STEP)
    that("the CRM's order belongs to it", reply["referral_id"] == case.referral, reply)
    again = case.order(registered + ONE_STEP)
    that("told again, nothing is new", again.status == 200 and again.raw == reply.raw, again)
    car = case.buyer.car
    case.deliver(registered + 2 * ONE_STEP)
    reply = case.seen()
    that(f"a {car['colour']}{car['model']} is delivered", reply["state"] == "delivered", reply)
    reply = case.show_licence()
    unnamed = reply.status == 409 and reply["code"] == "nomination_missing"
    that("no licence is looked at before 张三 has named his friend himself", unnamed, reply)
    reply = case.seen("owner")
    that("nor does he see who the buyer is", reply["buyer_name"] == "*", reply)
    reply = case.name_friend(case.ask_code())
    that(f"张三 names {case.buyer.name} with the code", reply.status == 201, reply)
    reply = case.show_licence()
    that("张三's vehicle licence agrees, field by field", reply["passed"] is True, reply)
    that("party and questions are drawn", reply["referral_state"] == "calling", reply)


def _call(case: Case) -> dict[str, Any]:
    that = case.checks.that
    reply, call = case.find_call()
    click.echo(f"    drawn: the {call['party']}, {call['callee']}, {call['questions']} questions")
    that("three or four questions will be asked", call["questions"] in (3, 4), reply)
    car = "速腾" if call["party"] == "buyer" else case.buyer.car["model"]
    that("the agent's screen does not name the right car", car not in reply.raw.decode(), reply)
    reply = case.client.post(
        "callback_agent", f"/v1/callbacks/{call['id']}/phone-reveals", {"reason": "first_call"}
    )
    that("the agent sees the number to dial, on record", reply.status == 201, reply)
    return call


def _other_dealer_sees_nothing(theatre: Theatre, case: Case) -> None:
    that, south = theatre.checks.that, theatre.client.at("south")
    reply = south.get("duty_manager", f"/v1/referrals/{case.referral}")
    that("for the other dealer there is no such referral", reply.status == 404, reply)
    reply = south.get("duty_manager", "/v1/referrals")
    empty = reply.status == 200 and not reply.items()
    that("nor is it on the other dealer's list", empty, reply)
    reply = south.get("owner", f"/v1/members/{theatre.owner_id}/balance")
    that("nor are 张三's points here known there", reply.status == 404, reply)
