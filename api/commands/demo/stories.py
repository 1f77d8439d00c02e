"""The stories (referral.md, section 1): 张三 really recommended 李四, and nobody recommended 王五.

Every line a reader sees was answered by the service; nothing here looks into it.
"""

from datetime import datetime

import click

from api.commands.demo.desk import make_calls
from api.commands.demo.judges import confirm_fake
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

BEFORE_THE_CALLS = ("submitted", "registered", "ordered", "delivered", "checked")


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
    calls = make_calls(case, {"buyer": ZHANG_SAN, "owner": LI_SI})
    case.path = (*BEFORE_THE_CALLS, *["calling"] * len(calls), "verified", "reward_held")
    reply = case.seen()
    that(f"{sum(calls)} good answers verify it", reply["verified_at"] is not None, reply)
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
    case.path += ("rewarded",)
    case.check_history()
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
    """王五 and 张三 never met and say they did: both calls fail, and two people confirm it."""
    click.echo(
        "\n虚假的推荐  The consultant makes up that 张三 recommended 王五, and both play along"
    )
    that, before = theatre.checks.that, theatre.points()
    case = theatre.case(WANG_WU_BUYER)
    reply = case.report()
    that("the report is submitted", reply.status == 201 and reply["state"] == "submitted", reply)
    _to_the_call(case)
    calls = make_calls(case, {"buyer": STRANGER, "owner": STRANGER})
    failed = ("calling", "failed")
    case.path = (*BEFORE_THE_CALLS, *failed, *failed, "fraud_suspected", "fraud_confirmed")
    reply = case.seen()
    early = len(calls) == 2 and set(calls) <= {3, 4}
    that("both are called, each call ends at the second wrong answer", early, reply)
    suspected = reply["state"] == "fraud_suspected" and reply["reason"] == "callback_two_wrong"
    that("a fake is suspected: callback_two_wrong", suspected, reply)
    that("no reward was ever fixed", reply["reward"] is None, reply)
    reply = case.decide("finance", "reward-payments")
    that("finance cannot pay it", reply.status == 409, reply)
    confirm_fake(case)
    reply = theatre.balance()
    that("张三's points are unchanged", reply["available"] == before, reply)
    case.check_history()


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
    that("party, agent and questions are drawn", reply["referral_state"] == "calling", reply)


def _other_dealer_sees_nothing(theatre: Theatre, case: Case) -> None:
    that, south = theatre.checks.that, theatre.client.at("south")
    reply = south.get("duty_manager", f"/v1/referrals/{case.referral}")
    that("for the other dealer there is no such referral", reply.status == 404, reply)
    reply = south.get("duty_manager", "/v1/referrals")
    empty = reply.status == 200 and not reply.items()
    that("nor is it on the other dealer's list", empty, reply)
    reply = south.get("owner", f"/v1/members/{theatre.owner_id}/balance")
    that("nor are 张三's points here known there", reply.status == 404, reply)
