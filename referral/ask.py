"""Put the questions of a call on the agent's desk: sealed texts, sealed expectations, the odds."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats.address import addressed_en, addressed_zh
from referral.call_models import Callback, CallbackQuestion
from referral.draw_rules import Party
from referral.models import Referral
from referral.questions.probability import Odds
from referral.questions.selector import Asked


@dataclass(frozen=True, slots=True)
class Sheet:
    """The questions of one call, the reserve last, and the odds of the set; none of a narrative."""

    asked: tuple[Asked, ...] = field(repr=False)
    odds: Odds | None
    narrative: bool


def addressed(asked: Iterable[Asked], name: str) -> tuple[Asked, ...]:
    """The questions with the person's surname in the texts; the agent sees no given name."""
    zh, en = addressed_zh(name), addressed_en(name)
    return tuple(
        replace(
            question,
            text_zh=question.text_zh.replace("{surname_title}", zh),
            text_en=question.text_en.replace("{surname_title}", en),
        )
        for question in asked
    )


def open_callback(
    uow: UnitOfWork,
    referral: Referral,
    purpose: str,
    party: Party,
    agent: UUID,
    sheet: Sheet,
    due_at: datetime,
) -> UUID:
    """A call on the agent's desk; its id."""
    odds = sheet.odds
    call = Callback(
        id=new_id(),
        dealer_id=uow.dealer_id,
        referral_id=referral.id,
        purpose=purpose,
        party=party,
        agent_id=agent,
        state="open",
        created_at=uow.now,
        due_at=due_at,
        narrative=sheet.narrative,
        fake_t0=odds and odds.fake_t0,
        fake_t1=odds and odds.fake_t1,
        fake_t2=odds and odds.fake_t2,
        honest_rejected=odds and odds.honest_rejected,
    )
    uow.session.add(call)
    uow.session.flush()
    for position, question in enumerate(sheet.asked, 1):
        uow.session.add(_row(uow, call.id, position, question))
    uow.session.flush()
    uow.emit("callback.opened", call.id, referral_id=str(referral.id))
    return call.id


def _row(uow: UnitOfWork, call: UUID, position: int, question: Asked) -> CallbackQuestion:
    item = question.item
    known, missed = (item.g, item.e) if item else ((None, None, None), None)
    return CallbackQuestion(
        callback_id=call,
        position=position,
        dealer_id=uow.dealer_id,
        key=question.key,
        kind=question.kind,
        text_zh=uow.seal(question.text_zh, column="question.text_zh", row=call),
        text_en=uow.seal(question.text_en, column="question.text_en", row=call),
        expected=uow.seal(json.dumps(question.expected), column="question.expected", row=call),
        part=question.part,
        knock_out=bool(item and item.knock_out),
        g_t0=known[0],
        g_t1=known[1],
        g_t2=known[2],
        e=missed,
    )
