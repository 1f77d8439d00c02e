"""The evidence pack (证据包) of a referral: what was done and how it was marked, not what was said.

A reader would break this by adding an answer, an expected value, a name or a number.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel.errors import Forbidden, NotFound
from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback, CallRecord
from referral.duties import Duty, duty_of
from referral.justice.judge import round_of
from referral.justice.models import Judgement
from referral.justice.queries import CaseView, find_case
from referral.models import LicenceCheck, Referral, ReferralTransition
from referral.nomination_models import OwnerNomination
from referral.progress import progress_of
from referral.queries import history
from referral.questions.marking import Mark
from referral.risk.models import ReferralRisk


@dataclass(frozen=True, slots=True)
class AskedView:
    """One question by its name, how it counted, and whether its time was odd."""

    position: int
    key: str
    part: str
    knock_out: bool
    mark: str | None
    attempts: int
    flag: str | None


@dataclass(frozen=True, slots=True)
class CallEvidence:
    """One call: its verdict, its odds as chances from 0 to 1, its marks, its attempts."""

    call: Callback
    right: int
    wrong: int
    questions: tuple[AskedView, ...]
    attempts: Sequence[CallRecord]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything two people need to decide. `judgements` are of rounds that are over: who judges
    now is told how many spoke, not what they said."""

    referral: Referral
    steps: Sequence[ReferralTransition]
    licence: Sequence[LicenceCheck]
    nomination_verdict: str | None
    nominated_at: datetime | None
    risk: ReferralRisk | None
    calls: tuple[CallEvidence, ...]
    case: CaseView | None
    judgements: Sequence[Judgement]
    round: int
    voices: int


def evidence_of(uow: UnitOfWork, referral_id: UUID) -> Evidence:
    """The pack of one referral; who looked is kept.

    Who read an answer does not learn here how it was marked. Raises NotFound `referral_not_found`,
    Forbidden `separation_of_duties`.
    """
    referral = uow.session.get(Referral, referral_id)
    if referral is None:
        raise NotFound("referral_not_found")
    if duty_of(uow, referral_id, UUID(uow.actor.id)) is Duty.READER:
        raise Forbidden("separation_of_duties")
    uow.audit("evidence.shown", referral_id)
    stay = round_of(uow, referral_id)
    nomination = uow.session.get(OwnerNomination, referral_id)
    return Evidence(
        referral=referral,
        steps=history(uow, referral_id),
        licence=_licence(uow, referral_id),
        nomination_verdict=nomination.verdict if nomination else None,
        nominated_at=nomination.nominated_at if nomination else None,
        risk=_risk(uow, referral_id),
        calls=_calls(uow, referral_id),
        case=find_case(uow, referral_id),
        judgements=_judgements(uow, referral_id, stay),
        round=stay,
        voices=_voices(uow, referral_id, stay),
    )


def _licence(uow: UnitOfWork, referral_id: UUID) -> Sequence[LicenceCheck]:
    rows = select(LicenceCheck).where(LicenceCheck.referral_id == referral_id)
    return uow.session.scalars(rows.order_by(LicenceCheck.attempt)).all()


def _risk(uow: UnitOfWork, referral_id: UUID) -> ReferralRisk | None:
    rows = select(ReferralRisk).where(ReferralRisk.referral_id == referral_id)
    return uow.session.scalar(rows.order_by(ReferralRisk.seq.desc()).limit(1))


def _judgements(uow: UnitOfWork, referral_id: UUID, stay: int) -> Sequence[Judgement]:
    rows = select(Judgement).where(Judgement.referral_id == referral_id, Judgement.round < stay)
    return uow.session.scalars(rows.order_by(Judgement.round, Judgement.at)).all()


def _voices(uow: UnitOfWork, referral_id: UUID, stay: int) -> int:
    spoken = select(func.count()).where(
        Judgement.referral_id == referral_id, Judgement.round == stay
    )
    return uow.session.scalar(spoken) or 0


def _calls(uow: UnitOfWork, referral_id: UUID) -> tuple[CallEvidence, ...]:
    """Calls, once all are over: while one is under way nobody learns how any of them went."""
    rows = select(Callback).where(Callback.referral_id == referral_id).order_by(Callback.id)
    calls = uow.session.scalars(rows).all()
    if any(call.state != "closed" for call in calls):
        return ()
    records: dict[UUID, list[CallRecord]] = defaultdict(list)
    tried = select(CallRecord).where(CallRecord.callback_id.in_([call.id for call in calls]))
    for record in uow.session.scalars(tried.order_by(CallRecord.started_at, CallRecord.id)):
        records[record.callback_id].append(record)
    return tuple(_call(uow, call, records[call.id]) for call in calls)


def _call(uow: UnitOfWork, call: Callback, records: list[CallRecord]) -> CallEvidence:
    steps = progress_of(uow, call.id).steps
    marks = [step.mark for step in steps]
    return CallEvidence(
        call=call,
        right=marks.count(Mark.RIGHT),
        wrong=marks.count(Mark.WRONG),
        questions=tuple(
            AskedView(
                position=step.question.position,
                key=step.question.key,
                part=step.question.part,
                knock_out=step.question.knock_out,
                mark=step.mark,
                attempts=len(step.answers),
                flag=next((each.flag for each in step.answers if each.flag), None),
            )
            for step in steps
        ),
        attempts=records,
    )
