"""The dealer's own question banks: drafted, published by another person, ended."""

from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import callbacks as shapes
from api.schemas.paging import page_of
from api.v1.version_routes import ending, publication
from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.dealers.roles import Role
from referral.bank_life import draft_bank, end_bank, publish_bank
from referral.models import QuestionBank

routes = Routes("question banks")
AUTHORS = (Role.DEALER_ADMIN, Role.PROGRAMME_ADMIN)
READERS = (*AUTHORS, Role.AUDITOR)
_QUESTION = {
    "about": "owner",
    "groups": ["name"],
    "g": 0.002,
    "e": 0.04,
    "privacy": "A",
    "key": "owner_name",
    "facts": ["name"],
    "kind": "name",
    "zh": "谁推荐您来的？",
    "en": "Who recommended us to you?",
}
_OTHER = _QUESTION | {
    "about": "buyer",
    "key": "buyer_name",
    "zh": "您最近向我们推荐了哪位朋友？",
    "en": "Whom did you recommend to us?",
}


@routes.post(
    "/v1/question-banks",
    summary="Draft the next version of the question bank",
    roles=AUTHORS,
    body=shapes.BankIn,
    answer=shapes.BankOut,
    problems=(
        "effective_until_not_after_from",
        "question_fact_unknown",
        "question_facts_not_fitting",
        "question_gives_away",
        "question_guess_out_of_range",
        "question_key_repeated",
        "question_kind_unknown",
        "question_miss_out_of_range",
        "question_name_missing",
        "question_placeholder",
        "question_text_missing",
        "question_too_private",
        "question_yes_or_no",
        "rule_invalid",
    ),
    example={
        "body": {"questions": [_QUESTION, _OTHER]},
        "effective_from": "2030-01-01",
        "effective_until": None,
    },
)
def create_question_bank(uow: UnitOfWork, body: dict[str, Any]) -> QuestionBank:
    """Questions in Chinese and English with the chances assumed; answers are no part of them. Who
    writes or publishes one never calls."""
    return draft_bank(uow, **body)


@routes.get(
    "/v1/question-banks",
    summary="Every version of the question bank",
    roles=READERS,
    answer=page_of(shapes.BankOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_question_banks(uow: UnitOfWork, page: Page) -> list[QuestionBank]:
    """In the order in which they were drafted."""
    return versions.every(uow, QuestionBank, after=page.position, limit=page.fetch)


@publication(
    routes, "/v1/question-banks/<uuid:bank_id>", answer=shapes.BankOut, problems=("rule_invalid",)
)
def create_question_bank_publication(
    uow: UnitOfWork, bank_id: UUID, body: dict[str, Any]
) -> QuestionBank:
    """Draws from its first day on ask its questions; calls under way keep theirs."""
    return publish_bank(uow, bank_id, **body)


@ending(routes, "/v1/question-banks/<uuid:bank_id>", answer=shapes.BankOut)
def create_question_bank_end(uow: UnitOfWork, bank_id: UUID, body: dict[str, Any]) -> QuestionBank:
    """From that day on the built-in questions are asked again."""
    return end_bank(uow, bank_id, **body)
