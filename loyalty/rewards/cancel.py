"""Cancel a redemption, once and by the policy of its terms (F8, F38): points return to their lots
with their dates; stock and unrevealed codes return. Cash is noted and told, never moved.

A reader would break this by deciding before the member's account is locked.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from kernel.clock import business_day
from kernel.errors import Conflict, DomainError, Forbidden
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from loyalty.points.models import PostingSet
from loyalty.points.own_account import refuse_own_account
from loyalty.rewards.code_models import RewardCode
from loyalty.rewards.fulfil import Course, State, course_of
from loyalty.rewards.models import Redemption, RedemptionCancellation
from loyalty.rewards.rules.terms import Cancel, Until
from loyalty.rewards.stock import restock, write_off

VOIDERS: Final = frozenset({Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN})
"""Who may write off a code that was seen: it may have been used, and its points come back."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What came of a cancellation: points `restored` alive, the `cash_fen` that the dealer has to
    repay, and how many codes he has to have blocked by their issuer."""

    redemption_id: UUID
    member_id: UUID
    posting_set_id: UUID
    restored: int
    cash_fen: int
    codes_to_block: int
    reason: str
    cancelled_at: datetime
    cancelled_by: str


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
    last = last_day(policy, redeemed_on)
    late = last is not None and today > last
    return Conflict("cancellation_too_late", last_day=str(last)) if late else None


def last_day(policy: Cancel | None, redeemed_on: date) -> date | None:
    """The last business day on which a policy lets anybody cancel; None where no day ends it."""
    if policy is None or policy.until is not Until.DAYS:
        return None
    return redeemed_on + timedelta(days=policy.days or 0)


def refused(uow: UnitOfWork, course: Course, *, void_codes: bool = False) -> DomainError | None:
    """Why the caller may not cancel this redemption now, if he may not."""
    if course.has(State.CANCELLED):
        return Conflict("already_reversed")
    if course.has(State.HANDED_OVER):
        return Conflict("handed_over_already")
    by_owner = uow.actor.role == Role.OWNER
    if void_codes and by_owner:
        return Forbidden("void_codes_staff_only")
    against = refusal(
        course.terms.cancel if course.terms else None,
        by_owner=by_owner,
        redeemed_on=business_day(course.redemption.redeemed_at, uow.zone),
        today=uow.today,
    )
    return against or _refused_for_codes(uow, course, void_codes=void_codes)


def cancel(
    uow: UnitOfWork, redemption_id: UUID, *, reason: str, void_codes: bool = False
) -> Cancelled:
    """Undo a redemption. `restored` are the points that came back alive: those of a lot past its
    date expire at once. Staff may let its codes become void where they cannot come back; those
    past their own last day do so by themselves.

    Raises NotFound `redemption_not_found`, Forbidden `own_account`, `cancellation_by_staff_only`,
    `void_codes_staff_only`, `void_codes_by_manager_only`, `separation_of_duties`, Conflict
    `already_reversed`, `handed_over_already`, `cancellation_excluded`, `cancellation_too_late`,
    `code_revealed`, `code_lapsed`.
    """
    course = course_of(uow, redemption_id, locked=True)
    row = course.redemption
    refuse_own_account(uow, row.member_id)
    if against := refused(uow, course, void_codes=void_codes):
        raise against
    undone = _undo(uow, row, reason)
    voided = _give_back_codes(uow, redemption_id, every=void_codes)
    to_block = voided - course.lapsed
    facts = {"restored": undone.restored, "cash_fen": row.cash_fen, "codes_to_block": to_block}
    uow.emit("redemption.cancelled", redemption_id, **facts)
    uow.audit("reward.cancelled", redemption_id, points=row.points, codes_voided=voided, **facts)
    restock(uow, row.reward_id, row.quantity - voided)
    if voided:
        write_off(uow, row.reward_id, voided)
    return Cancelled(
        redemption_id=row.id,
        member_id=row.member_id,
        posting_set_id=undone.posting_set_id,
        reason=reason,
        cancelled_at=undone.cancelled_at,
        cancelled_by=undone.cancelled_by,
        **facts,
    )


def _refused_for_codes(uow: UnitOfWork, course: Course, *, void_codes: bool) -> DomainError | None:
    """A code that was seen may have been used: it is given up by a manager, not by who redeemed.
    One whose last day has passed is worth nothing, and its points are not the owner's any more."""
    if course.revealed and not void_codes:
        return Conflict("code_revealed")
    if course.lapsed and uow.actor.role == Role.OWNER:
        return Conflict("code_lapsed")
    if not course.revealed:
        return None
    if uow.actor.role not in VOIDERS:
        return Forbidden("void_codes_by_manager_only")
    himself = course.redemption.redeemed_by == uow.actor.id
    return Forbidden("separation_of_duties") if himself else None


def _undo(uow: UnitOfWork, row: Redemption, reason: str) -> RedemptionCancellation:
    """The row that ends the redemption: the database writes its step with it."""
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


def _give_back_codes(uow: UnitOfWork, redemption_id: UUID, *, every: bool) -> int:
    """Every code, or each past its last day, becomes void, how many; the others go back."""
    issued = (RewardCode.redemption_id == redemption_id, RewardCode.state == "issued")
    gone = () if every else (RewardCode.ends_on < uow.today,)
    voided = uow.session.scalars(
        update(RewardCode)
        .where(*issued, *gone)
        .values(state="void", voided_at=uow.now)
        .returning(RewardCode.id)
        .execution_options(synchronize_session=False)
    ).all()
    uow.session.execute(
        update(RewardCode)
        .where(*issued)
        .values(state="available", member_id=None, hold_id=None, redemption_id=None)
        .execution_options(synchronize_session=False)
    )
    return len(voided)
