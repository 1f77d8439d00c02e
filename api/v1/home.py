"""What an owner sees: the summary in one trip, and everything of his page in one request."""

from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from api.masking import vehicle_for
from api.routes import Look, Routes
from api.schemas import home as shapes
from api.v1.access import own
from kernel.clock import business_day
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.queries import left_in, open_reservations
from loyalty.dealers.roles import Role
from loyalty.members.queries import vehicles_of
from loyalty.overview.summary import Reader, Seen, summary, summary_in
from loyalty.points import queries as points
from loyalty.rewards.cancel import last_day, refused
from loyalty.rewards.fulfil import Course, courses_of
from loyalty.rewards.hold_queries import HoldView, open_holds
from loyalty.rewards.queries import RedemptionView, list_redemptions
from loyalty.rewards.terms_offers import Saver, newest_offers
from loyalty.tiers.explain import parts_of
from loyalty.tiers.queries import list_tiers, without_staff
from loyalty.tiers.rules.scheme import Scheme
from referral.queries import Filter, ReferralView, list_referrals

routes = Routes("home")
READERS = (
    Role.OWNER,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.AUDITOR,
    Role.CRM,
)
MOST: Final = shapes.MOST_SHOWN


@routes.get(
    "/v1/members/<uuid:member_id>/summary",
    summary="Points, tier, benefits and what ends next, at a glance",
    roles=READERS,
    answer=shapes.SummaryOut,
    in_one_trip=True,
    problems=("member_not_found",),
)
def get_member_summary(look: Look, member_id: UUID) -> tuple[Role, bytes]:
    """Shows every write that was answered before; what is missing to the next level counts by the
    score of the last fact or the last night."""
    reader = Reader(look.dealer_id, look.kind, look.subject, look.token_id, look.mfa, look.roles)
    return summary(look.database, look.cache, reader, member_id, now=look.now)


@routes.get(
    "/v1/members/<uuid:member_id>/home",
    summary="Everything an owner sees on his page",
    roles=(Role.OWNER,),
    answer=shapes.HomeOut,
    one_moment=True,
    problems=("member_not_found",),
)
def get_member_home(uow: UnitOfWork, member_id: UUID) -> dict[str, Any]:
    """One request in place of ten, told of one moment. Nobody of the staff is named, and nothing of
    a buyer."""
    mine = own(uow, member_id)
    seen = summary_in(uow, mine)
    found = _lists(uow, mine, seen)
    levels = seen.scheme.ladder.levels if seen.scheme else ()
    shown = {name: rows[: MOST[name]] for name, rows in found.items()}
    return {
        "summary": seen.summary,
        "levels": levels,
        "score": _score(uow, mine, seen.scheme),
        "benefits": left_in(seen.books),
        "reservations": open_reservations(uow, seen.books),
        "vehicles": [vehicle_for(uow.actor.role, car) for car in vehicles_of(uow, mine)],
        "expiry_schedule": points.expiry_schedule(uow, mine),
        **shown,
        "tiers": [without_staff(each) for each in shown["tiers"]],
        "holds": [_held(each) for each in shown["holds"]],
        "redemptions": _redeemed(uow, mine, shown["redemptions"]),
        "referrals": [_recommended(each) for each in shown["referrals"]],
        "has_more": {name: len(rows) > MOST[name] for name, rows in found.items()},
    }


def _lists(uow: UnitOfWork, mine: UUID, seen: Seen) -> dict[str, list[Any]]:
    """Of each list one row more than is shown."""
    tier, has = seen.summary.tier.tier, seen.summary.balance
    saver, by_him = Saver(mine, tier, has.available, has.frozen), Filter(owner_id=mine)
    fetch = {name: most + 1 for name, most in MOST.items()}
    return {
        "statement": points.statement(uow, mine, before=None, limit=fetch["statement"]),
        "tiers": list_tiers(uow, mine, before=None, limit=fetch["tiers"]),
        "holds": open_holds(uow, mine, limit=fetch["holds"]),
        "offers": newest_offers(uow, saver, limit=fetch["offers"]),
        "redemptions": list_redemptions(uow, mine, before=None, limit=fetch["redemptions"]),
        "referrals": list_referrals(uow, by_him, before=None, limit=fetch["referrals"]),
    }


def _score(uow: UnitOfWork, mine: UUID, scheme: Scheme | None) -> dict[str, Any] | None:
    if scheme is None:
        return None
    parts = parts_of(uow, scheme, mine)
    return {"score": sum(part.hundredths for part in parts), "components": parts}


def _held(view: HoldView) -> dict[str, Any]:
    order = {"source": view.order_source, "id": view.order_key} if view.order_source else None
    return {
        **asdict(view),
        "order_ref": order,
        "cash": {"amount_fen": view.cash_fen, "currency": "CNY"},
    }


def _redeemed(uow: UnitOfWork, mine: UUID, shown: list[RedemptionView]) -> list[dict[str, Any]]:
    courses = courses_of(uow, mine, [each.id for each in shown])
    return [{**asdict(each), **_course(uow, courses[each.id])} for each in shown]


def _course(uow: UnitOfWork, course: Course) -> dict[str, Any]:
    """Where a redemption stands, and until when the owner may cancel it if he may."""
    against = refused(uow, course)
    policy = course.terms.cancel if course.terms else None
    redeemed_on = business_day(course.redemption.redeemed_at, uow.zone)
    return {
        "fulfilment": course.fulfilment,
        "state": course.state,
        "codes": course.codes,
        "codes_revealed": course.revealed,
        "may_cancel": against is None,
        "cancel_refused": against.code if against else None,
        "cancel_until": None if against else last_day(policy, redeemed_on),
    }


def _recommended(view: ReferralView) -> dict[str, Any]:
    reward = {
        "points": view.reward_points,
        "state": view.reward_state,
        "release_at": view.reward_release_at,
        "paid_at": view.reward_paid_at,
    }
    return {**asdict(view), "reward": reward if view.reward_points is not None else None}
