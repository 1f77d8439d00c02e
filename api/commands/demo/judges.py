"""Two people judge a suspected fake (涉嫌造假), after its consultant was heard.

A reader would break this by letting somebody judge who had a part in the referral before.
"""

from typing import Any

from api.commands.demo.client import Reply
from api.commands.demo.steps import Case

CHECKER, FIRST, SECOND = "showroom_manager", "showroom_manager-2", "showroom_manager-3"


def confirm_fake(case: Case) -> None:
    """The case is confirmed, and what it costs the consultant is proposed."""
    that, client = case.checks.that, case.client
    opened = _case(case)
    reply = _judge(case, FIRST)
    unheard = reply.status == 409 and reply["code"] == "consultant_not_heard"
    that("nobody is judged who was not heard", unheard, reply)
    words = {"text": "客户说是张三介绍的，我没有再问"}
    reply = client.post("consultant", f"/v1/consultant-cases/{opened['id']}/statements", words)
    that("the consultant says his side", reply.status == 201, reply)
    reply = _judge(case, CHECKER)
    barred = reply.status == 403 and reply["code"] == "separation_of_duties"
    that("who checked the licence cannot judge", barred, reply)
    reply = _judge(case, FIRST)
    that("one manager confirms the fake: not enough", reply["moved"] is False, reply)
    reply = _judge(case, FIRST)
    that("he cannot say it twice", reply.status == 409, reply)
    reply = _judge(case, SECOND)
    that("a second one does", reply["referral_state"] == "fraud_confirmed", reply)
    reply = client.get("dealer_admin", "/v1/penalties")
    proposed = reply.items(case_id=opened["id"], state="proposed", fine_fen=50_000)
    that("a fine of 500 yuan is proposed; he may appeal", len(proposed) == 1, reply)


def _case(case: Case) -> dict[str, Any]:
    """The case against the consultant who reported it."""
    consultant = case.seen()["consultant_id"]
    reply = case.client.get(CHECKER, "/v1/consultant-cases")
    opened = reply.items(referral_id=case.referral, consultant_id=consultant, state="open")
    case.checks.that("the consultant's case is open", len(opened) == 1, reply)
    return opened[0]


def _judge(case: Case, judge: str) -> Reply:
    said = {"verdict": "confirm_fraud", "reason": "两次通话都答不上来"}
    return case.decide(judge, "judgements", said)
