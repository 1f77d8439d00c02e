"""The call desk (回访台): each call of a case talked through and told of by the telephone system.

A reader would break this by knowing beforehand who is called, by whom, or how often: it is drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from api.commands.demo.client import Reply
from api.commands.demo.people import OWNER_NAME, Knowledge
from api.commands.demo.steps import Case

MOST_CALLS = 2
HELLO = timedelta(minutes=1)
"""How long people talked before the first question: the telephone counts that too."""
HEARD = ("accepted", "repeat", "closed")


@dataclass(frozen=True, slots=True)
class Call:
    """An open call as its `agent` (回访人员) finds it on his list."""

    agent: str
    shown: Mapping[str, Any]

    @property
    def path(self) -> str:
        return f"/v1/callbacks/{self.shown['id']}"

    @property
    def party(self) -> str:
        """Who is called: `buyer` or `owner`."""
        return str(self.shown["party"])


def make_calls(case: Case, knowing: Mapping[str, Knowledge]) -> list[int]:
    """Make every call there is; how many questions each took, in order.

    `knowing`: what buyer and owner can tell of one another.
    """
    made: list[Call] = []
    asked: list[int] = []
    while len(made) < MOST_CALLS and case.seen()["state"] == "calling":
        reply, call = _find(case)
        again = [one for one in made if one.agent == call.agent or one.party == call.party]
        case.checks.that("nobody has called or been called before", not again, reply)
        _look(case, reply, call)
        made.append(call)
        asked.append(_hold(case, call, knowing[call.party]))
    reply = case.seen()
    case.checks.that("nobody is called any more", reply["state"] != "calling", reply)
    return asked


def _find(case: Case) -> tuple[Reply, Call]:
    """Every agent looks through his open calls; this one is on the list of one of them."""
    found = []
    for agent in case.client.people("callback_agent"):
        reply = case.client.get(agent, "/v1/callbacks?state=open")
        found += [(reply, Call(agent, call)) for call in reply.items(referral_id=case.referral)]
    case.checks.that("the call is on the list of one agent", len(found) == 1, reply)
    return found[0]


def _look(case: Case, reply: Reply, call: Call) -> None:
    """What the agent sees before he calls."""
    that, shown = case.checks.that, call.shown
    click.echo(f"    drawn: the {call.party}, {shown['callee']}, {shown['questions']} questions")
    that("there are three to five questions", shown["questions"] in (3, 4, 5), reply)
    secret = (OWNER_NAME, "速腾") if call.party == "buyer" else (case.buyer.name, case.buyer.model)
    told = [each for each in secret if each in str(reply.body)]
    that("his screen names neither the friend nor the car", not told, reply)


def _hold(case: Case, call: Call, party: Knowledge) -> int:
    """Dial, talk, and let the telephone system tell of it."""
    that, client = case.checks.that, case.client
    reveal = client.post(call.agent, f"{call.path}/phone-reveals", {"reason": "first_call"})
    that("he is shown the number to dial, on record", reveal.status == 201, reveal)
    begun = case.clock()
    asked = _talk(case, call, party)
    reply = case.seen()
    that("his word alone decides nothing", reply["state"] == "calling", reply)
    answered = (datetime.fromisoformat(begun) - HELLO).isoformat()
    record = {
        "external_ref": {"source": "pbx", "id": f"CALL-{call.shown['id']}"},
        "callback_id": call.shown["id"],
        "dialled": reveal["phone"],
        "started_at": answered,
        "answered_at": answered,
        "ended_at": case.clock(),
    }
    reply = client.post("crm", "/v1/call-records", record)
    reached = reply.status == 201 and reply["number_matches"] is True
    that("the telephone tells that the number of record answered", reached, reply)
    return asked


def _talk(case: Case, call: Call, party: Knowledge) -> int:
    """Ask and record until the call is closed; how many questions that took."""
    asked, heard = 0, None
    while heard != "closed":
        question = case.client.get(call.agent, call.path)["question"]
        answer = party.answer(question)
        click.echo(f"    问 {question['text_zh']}\n    答 {answer['text'] or '不知道'}")
        reply = case.client.post(call.agent, f"{call.path}/answers", answer)
        heard, asked = reply["heard"], asked + 1
        taken = set(reply.body) == {"callback_id", "position", "heard"} and heard in HEARD
        case.checks.that(f"answer {asked} is {heard}: right or wrong is not told", taken, reply)
    return asked
