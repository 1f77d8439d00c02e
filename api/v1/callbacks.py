"""The call desk: an agent's own calls, one question at a time, nothing about the answers."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from api.messages import Language
from api.routes import Page, Routes
from api.schemas import callbacks as shapes
from api.schemas.paging import page_of
from api.speech import spoken
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import dealer_name
from loyalty.dealers.roles import Role
from referral.call import record_answer
from referral.call_queries import CallbackView, dial, get_callback, list_callbacks
from referral.questions import script
from referral.questions.marking import Answer

routes = Routes("callbacks")
AGENT = (Role.CALLBACK_AGENT,)


@routes.get(
    "/v1/callbacks",
    summary="My calls, oldest first",
    roles=AGENT,
    answer=page_of(shapes.CallbackOut),
    query=shapes.CallbackQuery,
    paged=True,
    problems=("cursor_invalid",),
)
def list_my_callbacks(uow: UnitOfWork, page: Page, query: dict[str, Any]) -> list[Any]:
    """Filter with `state=open`; each shows the question to ask now."""
    calls = list_callbacks(uow, state=query["state"], after=page.position, limit=page.fetch)
    return [_shown(uow, call) for call in calls]


@routes.get(
    "/v1/callbacks/<uuid:callback_id>",
    summary="One of my calls",
    roles=AGENT,
    answer=shapes.CallbackOut,
    problems=("callback_not_found",),
)
def get_my_callback(uow: UnitOfWork, callback_id: UUID) -> dict[str, Any]:
    """The script and the question to ask now, until the call is closed."""
    return _shown(uow, get_callback(uow, callback_id))


@routes.post(
    "/v1/callbacks/<uuid:callback_id>/phone-reveals",
    summary="See the number to dial",
    roles=AGENT,
    body=shapes.PhoneRevealIn,
    answer=shapes.PhoneRevealOut,
    keeps_answer=False,
    problems=("callback_closed", "callback_not_found", "outside_calling_hours"),
    example={"reason": "first_call"},
)
def create_phone_reveal(uow: UnitOfWork, callback_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Only in an open call of one's own, within the hours allowed; who looked is kept."""
    return {"callback_id": callback_id, "phone": dial(uow, callback_id, reason=body["reason"])}


@routes.post(
    "/v1/callbacks/<uuid:callback_id>/answers",
    summary="Record what the party said",
    roles=AGENT,
    body=shapes.AnswerIn,
    answer=shapes.AnswerOut,
    problems=("callback_closed", "callback_not_found", "question_not_current"),
    example={"position": 1, "said": "denied", "text": "不是，是白色的速腾"},
)
def create_answer(uow: UnitOfWork, callback_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """`said`: answered, or for a statement confirmed or denied, or dont_know. Marked unseen: the
    agent hears accepted, repeat (the same question once more) or closed for the whole set."""
    answer = Answer(said=body["said"], text=body["text"])
    return asdict(record_answer(uow, callback_id, position=body["position"], answer=answer))


def _shown(uow: UnitOfWork, call: CallbackView) -> dict[str, Any]:
    language = spoken()
    callee = call.callee_zh if language == "zh-CN" else call.callee_en
    return {**asdict(call), "callee": callee, "script": _script(uow, call, callee, language)}


def _script(
    uow: UnitOfWork, call: CallbackView, callee: str, language: Language
) -> dict[str, str | None]:
    lines = {
        "greeting": script.GREETING,
        "re_ask": script.RE_ASK,
        "thanks": script.THANKS,
        "invitation": script.INVITATION,
    }
    if call.narrative:
        lines["before_questions"] = script.NARRATIVE
    dealer = dealer_name(uow)
    said = {
        name: (line.zh if language == "zh-CN" else line.en).format(callee=callee, dealer=dealer)
        for name, line in lines.items()
    }
    return {"before_questions": None, **said}
