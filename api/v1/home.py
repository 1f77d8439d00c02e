"""What an owner sees: the summary in one trip, and everything of his page in one request."""

from dataclasses import asdict, replace
from typing import Any, Final
from uuid import UUID

from api.routes import Look, Routes
from api.schemas import home as shapes
from api.v1.access import own
from api.v1.members import list_vehicles
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits import queries as benefits
from loyalty.dealers.roles import Role
from loyalty.overview.summary import Reader, summary, summary_in
from loyalty.points import queries as points
from loyalty.rewards import queries as rewards
from loyalty.rewards.fulfil import state_of
from loyalty.tiers import queries as tiers
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
LATEST: Final = 10
LATEST_TIERS: Final = 5
FIRST_OFFERS: Final = 20


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
    problems=("member_not_found",),
)
def get_member_home(uow: UnitOfWork, member_id: UUID) -> dict[str, Any]:
    """One request in place of ten. Nobody of the staff is named, and nothing of a buyer."""
    mine = own(uow, member_id)
    first, left = summary_in(uow, mine)
    return {
        "summary": first,
        "benefits": left,
        "vehicles": list_vehicles(uow, mine)["items"],
        "expiry_schedule": points.expiry_schedule(uow, mine),
        "statement": points.statement(uow, mine, before=None, limit=LATEST),
        **_tiers_and_benefits(uow, mine),
        "offers": rewards.offers(uow, mine, after=None, limit=FIRST_OFFERS),
        "redemptions": _redeemed(uow, mine),
        "referrals": [_without_buyer(each) for each in _recommended(uow, mine)],
    }


def _tiers_and_benefits(uow: UnitOfWork, member_id: UUID) -> dict[str, Any]:
    said = tiers.list_tiers(uow, member_id, before=None, limit=LATEST_TIERS)
    reserved = benefits.open_reservations(uow, member_id)
    return {
        "tiers": [replace(each, set_by=None) for each in said],
        "reservations": [
            replace(each, reserved_by=None, used_by=None, ended_by=None) for each in reserved
        ],
    }


def _redeemed(uow: UnitOfWork, member_id: UUID) -> list[dict[str, Any]]:
    found = rewards.list_redemptions(uow, member_id, before=None, limit=LATEST)
    return [
        {**{name: getattr(each, name) for name in each.__slots__}, "state": state_of(uow, each.id)}
        for each in found
    ]


def _recommended(uow: UnitOfWork, member_id: UUID) -> list[ReferralView]:
    return list_referrals(uow, Filter(owner_id=member_id), before=None, limit=LATEST)


def _without_buyer(view: ReferralView) -> dict[str, Any]:
    shown = {name: each for name, each in asdict(view).items() if not name.startswith("buyer_")}
    paid = {
        "points": view.reward_points,
        "state": view.reward_state,
        "release_at": view.reward_release_at,
        "paid_at": view.reward_paid_at,
    }
    return {**shown, "reward": paid if view.reward_points is not None else None}
