"""Cancel a redemption, once and by the policy of its terms (F8, F38): points return to their lots
with their dates; stock and unrevealed codes return.

A reader would break this by deciding before the member's account is locked.
"""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select, update

from kernel.clock import business_day
from kernel.errors import Conflict, DomainError, Forbidden, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from loyalty.points.models import PostingSet
from loyalty.points.own_account import refuse_own_account
from loyalty.rewards.code_models import RewardCode
from loyalty.rewards.fulfil import Course, State, course_of, keep_step
from loyalty.rewards.models import Redemption, RedemptionCancellation
from loyalty.rewards.rules.terms import Cancel, Until
from loyalty.rewards.stock import restock, write_off


def refusal(
    policy: Cancel | None, *, by_owner: bool, redeemed_on: date, today: date
) -> DomainError | None:
    """What a policy has against a cancellation; without terms staff may, and no owner. `days` after
    the business day of the redemption is the last one (F38)."""
    if by_owner and not (policy and policy.by_owner):
        return Forbidden("cancellation_by_staff_only")
    if policy is None or policy.until is Until.HANDED_OVER:
        return None
    if policy.until is Until.NEVER:
        return Conflict("cancellation_excluded")
    last = redeemed_on + timedelta(days=policy.days or 0)
    return Conflict("cancellation_too_late", last_day=last.isoformat()) if today > last else None


def refused(uow: UnitOfWork, course: Course, *, void_codes: bool = False) -> DomainError | None:
    """Why the caller may not cancel this redemption now, if he may not."""
    if course.has(State.CANCELLED):
        return Conflict("already_reversed")
    if course.has(State.HANDED_OVER):
        return Conflict("handed_over_already")
    by_owner = uow.actor.role == Role.OWNER
    if void_codes and by_owner:
        return RuleViolation("void_codes_staff_only", pointer="/void_codes")
    against = refusal(
        course.terms.cancel if course.terms else None,
        by_owner=by_owner,
        redeemed_on=business_day(course.redemption.redeemed_at, uow.zone),
        today=uow.today,
    )
    return against or (Conflict("code_revealed") if course.revealed and not void_codes else None)


def cancel(
    uow: UnitOfWork, redemption_id: UUID, *, reason: str, void_codes: bool = False
) -> RedemptionCancellation:
    """Undo a redemption. `restored` are the points that came back alive: those of a lot past its
    date expire at once. Staff may let its codes become void where they cannot come back.

    Raises NotFound `redemption_not_found`, Forbidden `own_account`, `cancellation_by_staff_only`,
    Conflict `already_reversed`, `handed_over_already`, `cancellation_excluded`,
    `cancellation_too_late`, `code_revealed`, RuleViolation `void_codes_staff_only`.
    """
    course = course_of(uow, redemption_id, locked=True)
    row = course.redemption
    refuse_own_account(uow, row.member_id)
    if against := refused(uow, course, void_codes=void_codes):
        raise against
    cancellation = _undo(uow, row, reason)
    keep_step(uow, row, State.CANCELLED)
    voided = _give_back_codes(uow, redemption_id, void=void_codes)
    uow.audit(
        "reward.cancelled",
        redemption_id,
        points=row.points,
        restored=cancellation.restored,
        codes_voided=voided,
    )
    restock(uow, row.reward_id, row.quantity - voided)
    if voided:
        write_off(uow, row.reward_id, voided)
    return cancellation


def _undo(uow: UnitOfWork, row: Redemption, reason: str) -> RedemptionCancellation:
    posted = ledger.restore(uow, row.member_id, row.posting_set_id, reason=reason)
    restored = uow.session.scalars(
        select(PostingSet.points).where(
            PostingSet.member_id == row.member_id, PostingSet.id == posted.posting_set_id
        )
    ).one()
    cancellation = RedemptionCancellation(
        redemption_id=row.id,
        dealer_id=uow.dealer_id,
        member_id=row.member_id,
        posting_set_id=posted.posting_set_id,
        restored=restored,
        reason=reason,
        cancelled_at=uow.now,
        cancelled_by=uow.actor.id,
    )
    uow.session.add(cancellation)
    uow.session.flush()
    return cancellation


def _give_back_codes(uow: UnitOfWork, redemption_id: UUID, *, void: bool) -> int:
    """Codes go back to the pool, or become void; how many became void."""
    nobodys = {"state": "available", "member_id": None, "hold_id": None, "redemption_id": None}
    moved = uow.session.scalars(
        update(RewardCode)
        .where(RewardCode.redemption_id == redemption_id, RewardCode.state == "issued")
        .values({"state": "void"} if void else nobodys)
        .returning(RewardCode.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(moved) if void else 0
