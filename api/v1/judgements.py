"""Two people decide: the evidence, their verdicts, suspicions, what was told in free words."""

from typing import Any
from uuid import UUID

from api.evidence import odds_shown
from api.routes import Routes
from api.schemas import justice as shapes
from api.speech import spoken
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.justice.evidence import CallEvidence, evidence_of
from referral.justice.fraud import suspect
from referral.justice.judge import judge
from referral.justice.narrative import open_narrative
from referral.states import JUDGES

routes = Routes("judgements")
BENCH = tuple(sorted(JUDGES))


@routes.post(
    "/v1/referrals/<uuid:referral_id>/judgements",
    summary="One of two people decides",
    roles=BENCH,
    body=shapes.JudgementIn,
    answer=shapes.JudgementOut,
    decision=True,
    problems=(
        "already_judged",
        "case_settled",
        "consultant_not_heard",
        "no_call_to_rely_on",
        "no_open_case",
        "party_or_relative",
        "separation_of_duties",
        "somebody_was_heard",
        "time_is_up",
        "verdict_not_now",
        "version_changed",
    ),
    example={"verdict": "accept", "reason": "两次通话内容一致，情况属实"},
)
def create_judgement(
    uow: UnitOfWork, referral_id: UUID, version: int, body: dict[str, Any]
) -> dict[str, Any]:
    """The second person who says the same moves the referral; when two differ a third decides."""
    said = judge(uow, referral_id, version=version, **body)
    return {
        "referral_id": referral_id,
        "round": said.round,
        "verdict": said.verdict,
        "agreeing": said.agreeing,
        "moved": said.moved,
        "referral_state": said.referral.state,
        "version": said.referral.version,
    }


@routes.post(
    "/v1/referrals/<uuid:referral_id>/suspicions",
    summary="Suspect a fake in a referral that seemed over",
    roles=BENCH,
    body=shapes.SuspicionIn,
    answer=shapes.SuspicionOut,
    decision=True,
    problems=(
        "appeal_open",
        "case_settled",
        "nothing_to_suspect",
        "party_or_relative",
        "separation_of_duties",
        "version_changed",
    ),
    example={"reason": "客户事后称并不认识推荐人"},
)
def create_suspicion(
    uow: UnitOfWork, referral_id: UUID, version: int, body: dict[str, Any]
) -> dict[str, Any]:
    """Opens the consultant's case. What was paid stays paid until two people confirm the fake."""
    case, referral = suspect(uow, referral_id, version=version, **body)
    return {
        "case_id": case.id,
        "referral_id": referral_id,
        "opened_at": case.opened_at,
        "referral_state": referral.state,
        "version": referral.version,
    }


@routes.post(
    "/v1/referrals/<uuid:referral_id>/narrative-reveals",
    summary="Read what was told in free words",
    roles=BENCH,
    body=shapes.NarrativeRevealIn,
    answer=shapes.NarrativeOut,
    keeps_answer=False,
    problems=("nothing_to_judge", "party_or_relative", "separation_of_duties"),
    example={},
)
def create_narrative_reveal(
    uow: UnitOfWork, referral_id: UUID, body: dict[str, Any]
) -> dict[str, Any]:
    """Open narratives, the consultant's statements, appeals; whoever reads is a judge from then."""
    found = open_narrative(uow, referral_id, **body)
    zh = spoken() == "zh-CN"
    told = [
        {
            "callback_id": each.callback_id,
            "party": each.party,
            "position": each.position,
            "question": each.text_zh if zh else each.text_en,
            "words": each.words,
        }
        for each in found.told
    ]
    return {"referral_id": referral_id, "told": told, "stated": list(found.stated)}


@routes.get(
    "/v1/referrals/<uuid:referral_id>/evidence",
    summary="The evidence pack of a referral",
    roles=(*BENCH, Role.PROGRAMME_ADMIN, Role.AUDITOR),
    answer=shapes.ReferralEvidenceOut,
    problems=("referral_not_found", "separation_of_duties"),
)
def get_evidence(uow: UnitOfWork, referral_id: UUID) -> dict[str, Any]:
    """Verdicts, marks and odds; never what was said, and nothing about what was expected."""
    pack = evidence_of(uow, referral_id)
    row = pack.referral
    return {
        "referral_id": row.id,
        **{name: getattr(row, name) for name in ("state", "reason", "due_at", "version", "review")},
        **{name: getattr(pack, name) for name in ("steps", "licence", "risk", "case")},
        "nomination_verdict": pack.nomination_verdict,
        "nominated_at": pack.nominated_at,
        "calls": [_call(each) for each in pack.calls],
        "judgements": pack.judgements,
        "round": pack.round,
        "voices": pack.voices,
    }


def _call(found: CallEvidence) -> dict[str, Any]:
    call = found.call
    score = call.score_bits
    return {
        **{
            name: getattr(call, name)
            for name in ("id", "party", "purpose", "narrative", "result", "reason")
        },
        "score_bits": None if score is None else round(score, 2),
        "odds": odds_shown(call, spoken()),
        "right": found.right,
        "wrong": found.wrong,
        "questions": found.questions,
        "attempts": found.attempts,
    }
