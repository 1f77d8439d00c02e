"""Referrals: report, confirm or refuse, licence check, reward; read by those concerned."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from api.masking import name_for, phone_shown
from api.routes import Page, Routes
from api.schemas import referrals as shapes
from api.schemas.paging import page_of
from api.v1.access import referrals_seen_by
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.formats.address import masked
from referral import queries, register
from referral.check_licence import check_licence
from referral.lifecycle import State
from referral.models import Referral
from referral.nominate import nominated_among
from referral.queries import Filter, ReferralView
from referral.reward import pay_reward
from referral.rules.licence import LicenceFields
from referral.slip import Slip
from referral.states import JUDGES
from referral.withdraw import withdraw

routes = Routes("referrals")
HIDDEN = "*"
_UNDER_WAY = {State.INCONCLUSIVE, State.UNREACHABLE, State.ADJUDICATION}
READERS = (
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.FINANCE,
    Role.AUDITOR,
    Role.CONSULTANT,
    Role.OWNER,
    Role.CRM,
)
REVIEWERS = (*JUDGES, Role.AUDITOR)


@routes.post(
    "/v1/referrals",
    summary="Report that an owner recommended this buyer",
    roles=(Role.CONSULTANT,),
    body=shapes.ReferralIn,
    answer=shapes.ReferralOut,
    problems=(
        "buyer_already_referred",
        "mobile_invalid",
        "name_invalid",
        "in_the_future",
        "party_or_relative",
    ),
    example={
        "buyer": {
            "name": "李四",
            "phone": "13900139000",
            "occupation": "教师",
            "first_visit_on": "2026-11-20",
        },
        "slip": {
            "owner_name": "张三",
            "owner_phone": "13800138000",
            "owner_model": "速腾",
            "owner_colour": "白色",
            "mentioned_at": "2026-11-20T10:00:00+08:00",
            "how_helped": "推荐到店试驾",
            "relation": "同事",
        },
        "consent_version": "2026-01",
    },
)
def create_referral(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """The report is frozen. One that may not stand is kept with state `refused` and a reason."""
    buyer, slip = body["buyer"], body["slip"]
    report = register.Report(
        buyer_name=buyer["name"],
        buyer_phone=buyer["phone"],
        buyer_first_visit_on=buyer["first_visit_on"],
        consent_version=body["consent_version"],
        buyer_household_ref=buyer["household_ref"],
        slip=Slip(**slip, buyer_occupation=buyer["occupation"]),
    )
    return _answer(uow, register.submit(uow, report))


@routes.post(
    "/v1/referrals/<uuid:referral_id>/confirmations",
    summary="The duty manager confirms the report before the sale",
    roles=(Role.DUTY_MANAGER,),
    body=shapes.ConfirmationIn,
    answer=shapes.ReferralOut,
    decision=True,
    problems=("separation_of_duties", "transition_not_allowed", "version_changed"),
    example={},
)
def create_confirmation(
    uow: UnitOfWork, referral_id: UUID, version: int, body: dict[str, Any]
) -> dict[str, Any]:
    """Not eligible it becomes `refused`, too late `expired`: the state is the answer."""
    return _answer(uow, register.confirm(uow, referral_id, version=version, **body))


@routes.post(
    "/v1/referrals/<uuid:referral_id>/refusals",
    summary="The duty manager refuses the report with a reason",
    roles=(Role.DUTY_MANAGER,),
    body=shapes.RefusalIn,
    answer=shapes.ReferralOut,
    decision=True,
    problems=("reason_not_allowed", "separation_of_duties", "transition_not_allowed"),
    example={"reason": "refused_by_manager"},
)
def create_refusal(
    uow: UnitOfWork, referral_id: UUID, version: int, body: dict[str, Any]
) -> dict[str, Any]:
    """Only typed reasons; the consultant and the owner can read them."""
    return _answer(uow, register.refuse(uow, referral_id, version=version, **body))


@routes.post(
    "/v1/referrals/<uuid:referral_id>/licence-checks",
    summary="The showroom manager compares the vehicle licence",
    roles=(Role.SHOWROOM_MANAGER,),
    body=shapes.LicenceCheckIn,
    answer=shapes.LicenceCheckOut,
    decision=True,
    problems=(
        "another_manager_must_check",
        "licence_checks_used_up",
        "licence_photo_not_found",
        "no_callback_agent",
        "nomination_missing",
        "separation_of_duties",
        "transition_not_allowed",
    ),
    example={"plate_no": "京A12345", "owner_name": "张三", "vin": "LFV2A21K8A3000001"},
)
def create_licence_check(
    uow: UnitOfWork, referral_id: UUID, version: int, body: dict[str, Any]
) -> dict[str, Any]:
    """Field by field. A passed check draws the party to call at once."""
    photo = body.pop("photo_id")
    seen, photo_id = LicenceFields(**body), UUID(photo) if photo else None
    check = check_licence(uow, referral_id, version=version, seen=seen, photo_id=photo_id)
    now = queries.get_referral(uow, referral_id, Filter())
    return {
        "referral_id": referral_id,
        "attempt": check.attempt,
        "passed": check.passed,
        "reason": check.reason,
        "verdicts": check.verdicts,
        "photo_id": check.photo_id,
        "typed": check.typed,
        "flags": check.flags,
        "referral_state": now.state,
        "version": now.version,
    }


@routes.post(
    "/v1/referrals/<uuid:referral_id>/reward-payments",
    summary="Finance releases the held reward as points",
    roles=(Role.FINANCE,),
    body=shapes.RewardPaymentIn,
    answer=shapes.ReferralOut,
    decision=True,
    problems=("reward_on_hold", "separation_of_duties", "transition_not_allowed"),
    example={},
)
def create_reward_payment(
    uow: UnitOfWork, referral_id: UUID, version: int, body: dict[str, Any]
) -> dict[str, Any]:
    """Once per referral and beneficiary, in one transaction with the points. A sale undone
    meanwhile cancels it, a risk that has grown brings it before two people: the state tells."""
    return _answer(uow, pay_reward(uow, referral_id, version=version, **body))


@routes.post(
    "/v1/referrals/<uuid:referral_id>/withdrawals",
    summary="Owner or buyer takes his consent back",
    roles=(Role.OWNER, Role.CRM),
    body=shapes.ReferralWithdrawalIn,
    answer=shapes.ReferralOut,
    problems=("consent_of_another", "referral_not_found", "transition_not_allowed"),
    example={"party": "owner"},
)
def create_consent_withdrawal(
    uow: UnitOfWork, referral_id: UUID, body: dict[str, Any]
) -> dict[str, Any]:
    """Nothing is paid and nobody is called any more; what was reported stays on record. Not once
    it is over, nor while a fake is suspected."""
    return _answer(uow, withdraw(uow, referral_id, **body))


@routes.get(
    "/v1/referrals",
    summary="Referrals, newest first",
    roles=READERS,
    answer=page_of(shapes.ReferralOut),
    query=shapes.ReferralQuery,
    paged=True,
    problems=("cursor_invalid",),
)
def list_referrals(uow: UnitOfWork, page: Page, query: dict[str, Any]) -> list[Any]:
    """An owner sees those that name him, a consultant his own, managers the dealer's."""
    seen_by = replace(referrals_seen_by(uow), state=query["state"])
    rows = queries.list_referrals(uow, seen_by, before=page.position, limit=page.fetch)
    return _all_shown(uow, rows)


@routes.get(
    "/v1/referrals/<uuid:referral_id>",
    summary="One referral",
    roles=READERS,
    answer=shapes.ReferralOut,
    problems=("referral_not_found",),
)
def get_referral(uow: UnitOfWork, referral_id: UUID) -> dict[str, Any]:
    """Its version is the ETag that decisions need in If-Match."""
    return _shown(uow, queries.get_referral(uow, referral_id, referrals_seen_by(uow)))


@routes.get(
    "/v1/referrals/<uuid:referral_id>/history",
    summary="Every step of a referral",
    roles=READERS,
    answer=shapes.HistoryOut,
    problems=("referral_not_found",),
)
def get_referral_history(uow: UnitOfWork, referral_id: UUID) -> dict[str, Any]:
    """Who moved it, in which role, why; each step carries the hash of the one before."""
    queries.get_referral(uow, referral_id, referrals_seen_by(uow))
    steps = [
        {
            **{name: getattr(step, name) for name in shapes.TransitionOut().fields},
            "reason": _told(uow.actor.role, step.to_state, step.reason),
            "previous_hash": step.previous_hash.hex(),
            "hash": step.hash.hex(),
        }
        for step in queries.history(uow, referral_id)
    ]
    return {"referral_id": referral_id, "items": steps}


def _told(role: str, state: str, reason: str | None) -> str | None:
    """Why it stands there; those it concerns learn why it ended, not how it is going."""
    return None if role in (Role.OWNER, Role.CONSULTANT) and state in _UNDER_WAY else reason


def _answer(uow: UnitOfWork, referral: Referral) -> dict[str, Any]:
    uow.session.flush()
    return _shown(uow, queries.get_referral(uow, referral.id, Filter()))


def _shown(uow: UnitOfWork, view: ReferralView) -> dict[str, Any]:
    return _all_shown(uow, [view])[0]


def _all_shown(uow: UnitOfWork, views: Sequence[ReferralView]) -> list[dict[str, Any]]:
    """An owner learns nothing of the buyer before he has named his friend himself (F49)."""
    role = uow.actor.role
    if role != Role.OWNER:
        return [_view(role, view, name_for(role, view.buyer_name)) for view in views]
    named = nominated_among(uow, [view.id for view in views])
    return [
        _view(role, view, masked(view.buyer_name))
        if view.id in named
        else _view(role, view, HIDDEN, HIDDEN)
        for view in views
    ]


def _view(role: str, view: ReferralView, buyer: str, phone: str | None = None) -> dict[str, Any]:
    reward = {
        "points": view.reward_points,
        "state": view.reward_state,
        "release_at": view.reward_release_at,
        "paid_at": view.reward_paid_at,
    }
    thanked = view.buyer_reward if role != Role.OWNER else None
    return {
        **asdict(view),
        "reason": _told(role, view.state, view.reason),
        "buyer_name": buyer,
        "buyer_phone": phone or phone_shown(view.buyer_phone),
        "reward": reward if view.reward_points is not None else None,
        "buyer_reward": asdict(thanked) if thanked else None,
        "review": view.review if role in REVIEWERS else None,
    }
