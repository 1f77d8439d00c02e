"""A suspected fake (涉嫌造假): the case, the consultant's say, and how it ends.

A reader would break this by confirming a case whose consultant was not heard first.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.members import queries as members
from referral.duties import Duty, take_duty
from referral.justice.deadlines import judge_by
from referral.justice.models import Appeal, CaseStatement, PartyExclusion
from referral.justice.penalties import propose_penalty, void_penalty
from referral.lifecycle import Event, State
from referral.models import ConsultantCase, Referral
from referral.moves import locked, move, over
from referral.policy import policy_on
from referral.reasons import Reason
from referral.rules.penalty import months_later

STATEMENT = "case_statement.words"


def open_case(uow: UnitOfWork, referral: Referral, reason: Reason) -> ConsultantCase:
    """The open case against the consultant of a locked referral; he may state his side from now on.

    There is one case per referral: an open one stays as it is. Raises Conflict `case_settled`.
    """
    case = refuse_settled(uow, referral.id)
    if case is None:
        case = ConsultantCase(
            id=new_id(),
            dealer_id=uow.dealer_id,
            referral_id=referral.id,
            consultant_id=referral.consultant_id,
            reason=reason,
            state="open",
            opened_at=uow.now,
        )
        uow.session.add(case)
        uow.session.flush()
        uow.emit("consultant_case.opened", case.id, reason=reason)
        uow.audit("consultant_case.opened", case.id, reason=reason)
    return case


def suspect(
    uow: UnitOfWork, referral_id: UUID, *, version: int, reason: str
) -> tuple[ConsultantCase, Referral]:
    """A judge doubts what seemed over: a paid referral stays paid until two people agree; one that
    failed for good is suspected.

    Raises NotFound, Conflict `version_changed`, `nothing_to_suspect`, `appeal_open`,
    `case_settled`, Forbidden as `take_duty`.
    """
    referral = locked(uow, referral_id, version=version)
    failed = referral.state == State.FAILED and over(referral)
    if not failed and referral.state != State.REWARDED:
        raise Conflict("nothing_to_suspect", state=referral.state)
    _refuse_appealed(uow, referral_id)
    take_duty(uow, referral_id, Duty.JUDGE)
    why = Reason.CALLBACK_TWO_WRONG if failed else Reason.JUDGED_FAKE
    case = open_case(uow, referral, why)
    uow.audit("referral.doubted", referral_id, reason=reason)
    if failed:
        move(uow, referral, Event.SUSPECT, reason=why, due_at=judge_by(uow))
    return case, referral


def make_statement(uow: UnitOfWork, case_id: UUID, *, words: str) -> CaseStatement:
    """The consultant (销售顾问) says his side, sealed; before the case is settled, as often as he
    likes. Raises NotFound `case_not_found` (also for another's case), Conflict `case_settled`.
    """
    case = uow.session.scalar(
        select(ConsultantCase).where(ConsultantCase.id == case_id).with_for_update()
    )
    if case is None or case.consultant_id != UUID(uow.actor.id):
        raise NotFound("case_not_found")
    if case.state != "open":
        raise Conflict("case_settled")
    key = new_id()
    said = CaseStatement(
        id=key,
        dealer_id=uow.dealer_id,
        case_id=case_id,
        words=uow.seal(words, column=STATEMENT, row=key),
        made_by=case.consultant_id,
        made_at=uow.now,
    )
    uow.session.add(said)
    uow.session.flush()
    uow.emit("consultant_case.stated", case_id)
    uow.audit("consultant_case.stated", case_id)
    return said


def heard_case(uow: UnitOfWork, referral_id: UUID) -> ConsultantCase:
    """The open case, its consultant heard: he stated his side, or had the days of the appeal for it
    since the case was opened.

    Raises Conflict `no_open_case`, `consultant_not_heard`.
    """
    case = case_of(uow, referral_id)
    if case is None or case.state != "open":
        raise Conflict("no_open_case")
    spoke = select(CaseStatement.id).where(CaseStatement.case_id == case.id).limit(1)
    had = timedelta(days=policy_on(uow).policy.appeal_within_days)
    if uow.session.scalar(spoke) is None and uow.now < case.opened_at + had:
        raise Conflict("consultant_not_heard")
    return case


def confirm_case(uow: UnitOfWork, referral: Referral, case: ConsultantCase) -> None:
    """Two people confirmed the fake: a penalty is proposed, buyer and owner are out for a while."""
    _settle(uow, case, "confirmed")
    propose_penalty(uow, case)
    until = months_later(uow.today, policy_on(uow).policy.excluded_customer_months)
    if until == uow.today:
        return
    for phone_index in _parties(uow, referral):
        uow.session.add(
            PartyExclusion(
                referral_id=referral.id,
                phone_index=phone_index,
                dealer_id=uow.dealer_id,
                excluded_at=uow.now,
                until_on=until,
            )
        )
    uow.audit("parties.excluded", referral.id, until_on=until.isoformat())


def clear_case(uow: UnitOfWork, referral_id: UUID) -> None:
    """End the open case of a referral in the consultant's favour; none open is no harm."""
    case = case_of(uow, referral_id)
    if case is not None and case.state == "open":
        _settle(uow, case, "cleared")


def lift_case(uow: UnitOfWork, referral_id: UUID) -> None:
    """An appeal was upheld: the case is cleared, its penalty void, nobody is out any longer."""
    case = case_of(uow, referral_id)
    if case is not None and case.state != "cleared":
        _settle(uow, case, "cleared")
        void_penalty(uow, case.id)
    uow.session.execute(
        update(PartyExclusion)
        .where(PartyExclusion.referral_id == referral_id, PartyExclusion.lifted_at.is_(None))
        .values(lifted_at=uow.now)
    )


def refuse_settled(uow: UnitOfWork, referral_id: UUID) -> ConsultantCase | None:
    """The case of a referral, locked, if one is open: a settled one is not opened again.

    Raises Conflict `case_settled`.
    """
    case = case_of(uow, referral_id)
    if case is not None and case.state != "open":
        raise Conflict("case_settled")
    return case


def case_of(uow: UnitOfWork, referral_id: UUID) -> ConsultantCase | None:
    """The one case of a referral, locked."""
    return uow.session.scalar(
        select(ConsultantCase).where(ConsultantCase.referral_id == referral_id).with_for_update()
    )


def _refuse_appealed(uow: UnitOfWork, referral_id: UUID) -> None:
    """Nobody is suspected behind the back of who decides the appeal. Raises Conflict."""
    waiting = select(Appeal.id).where(
        Appeal.referral_id == referral_id, Appeal.state == "open", Appeal.due_at > uow.now
    )
    if uow.session.scalar(waiting.limit(1)) is not None:
        raise Conflict("appeal_open")


def _settle(uow: UnitOfWork, case: ConsultantCase, state: str) -> None:
    case.state, case.decided_at = state, uow.now
    uow.session.flush()
    uow.emit(f"consultant_case.{state}", case.id)
    uow.audit(f"consultant_case.{state}", case.id)


def _parties(uow: UnitOfWork, referral: Referral) -> set[bytes]:
    assert referral.owner_id is not None
    return {
        referral.buyer_phone_index,
        members.get_member(uow, referral.owner_id).phone_index,
    }
