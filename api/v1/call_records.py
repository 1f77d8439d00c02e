"""What the telephone system tells of calls, and answers a second person reads."""

from typing import Any
from uuid import UUID

from api.routes import Answer, Page, Routes
from api.schemas import callbacks as shapes
from api.schemas.paging import page_of
from kernel.errors import RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.call_records import Told, take_call_record
from referral.lifecycle import JUDGES
from referral.read_answers import ToRead, list_to_read, open_page, read_answer

routes = Routes("call records")
READERS = tuple(sorted(JUDGES))


@routes.post(
    "/v1/call-records",
    summary="Tell of a call, answered or not",
    roles=(Role.CRM,),
    body=shapes.CallRecordIn,
    answer=shapes.CallRecordOut,
    repeatable=True,
    problems=(
        "call_times_impossible",
        "callback_not_found",
        "document_changed",
        "mobile_invalid",
        "occurred_in_the_future",
    ),
    example={
        "external_ref": {"source": "pbx", "id": "CALL-1"},
        "callback_id": "01939d5e-7c00-7000-8000-000000000001",
        "dialled": "13900139000",
        "started_at": "2026-11-20T10:00:00+08:00",
        "answered_at": "2026-11-20T10:00:12+08:00",
        "ended_at": "2026-11-20T10:04:00+08:00",
    },
)
def create_call_record(uow: UnitOfWork, body: dict[str, Any]) -> Answer:
    """A call counts only with a record that the party's number of record was reached while the
    answers were given; attempts that reached nobody make the party unreachable."""
    reference, callback_id = body.pop("external_ref"), UUID(body.pop("callback_id"))
    told = Told(reference["source"], reference["id"], callback_id, **body)
    record, new = take_call_record(uow, told)
    return Answer(record, 201 if new else 200)


@routes.get(
    "/v1/answers-to-read",
    summary="Answers that wait for a second person",
    roles=READERS,
    answer=page_of(shapes.ToReadOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_answers_to_read(uow: UnitOfWork, page: Page) -> list[ToRead]:
    """Which calls and positions, not what was said: opening one takes the reader's duty."""
    return list_to_read(uow, after=page.position, limit=page.fetch)


@routes.post(
    "/v1/callbacks/<uuid:callback_id>/answer-pages",
    summary="Open an answer to read it",
    roles=READERS,
    body=shapes.ReadingPageIn,
    answer=shapes.ReadingPageOut,
    keeps_answer=False,
    problems=("answer_already_read", "answer_not_found", "separation_of_duties"),
    example={"position": 2},
)
def create_answer_page(uow: UnitOfWork, callback_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """The question, the words said, and the values they may name; not what was expected."""
    page = open_page(uow, callback_id, position=body["position"])
    facts = [
        {
            "fact": each.fact,
            "choices": [dict(zip(_VALUE, value, strict=True)) for value in each.choices],
        }
        for each in page.facts
    ]
    return {name: getattr(page, name) for name in _PAGE} | {"facts": facts}


@routes.post(
    "/v1/callbacks/<uuid:callback_id>/readings",
    summary="Say what the words of an answer name",
    roles=READERS,
    body=shapes.ReadingIn,
    answer=shapes.ReadingOut,
    problems=(
        "answer_already_read",
        "answer_not_found",
        "reading_incomplete",
        "reading_unknown",
        "separation_of_duties",
        "time_is_up",
    ),
    example={"position": 2, "readings": [{"fact": "trade", "value": "building"}]},
)
def create_reading(uow: UnitOfWork, callback_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """The server compares it with what it expects; the reader never learns the outcome."""
    read = {each["fact"]: each["value"] for each in body["readings"]}
    if len(read) != len(body["readings"]):
        raise RuleViolation("reading_incomplete", pointer="/readings")
    read_answer(uow, callback_id, position=body["position"], read=read)
    return {"callback_id": callback_id, "position": body["position"]}


_VALUE = ("code", "zh", "en")
_PAGE = ("callback_id", "position", "text_zh", "text_en", "words")
