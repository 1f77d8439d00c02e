"""Tiers: schemes with their preview, who stands where, and tiers by hand."""

from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import tiers as shapes
from api.schemas.paging import page_of
from api.v1.access import for_owner, own
from api.v1.version_routes import AUTHORS, ending, publication
from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.dealers.roles import Role
from loyalty.tiers import queries as tiers
from loyalty.tiers.assign import assign_tier
from loyalty.tiers.explain import StandingView, standing_of
from loyalty.tiers.models import TierScheme
from loyalty.tiers.preview import Preview, preview
from loyalty.tiers.scheme_life import draft_scheme, end_scheme, publish_scheme

routes = Routes("tiers")
SCHEME_READERS = (*AUTHORS, Role.FINANCE, Role.AUDITOR)
READERS = (
    Role.OWNER,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.AUDITOR,
    Role.CRM,
)
_SCHEME: dict[str, Any] = {
    "components": [
        {
            "code": "service_orders",
            "group": "life_cycle",
            "measure": "count",
            "kinds": ["service_order"],
            "window_days": 365,
            "weight": 60,
            "bands": [{"at_least": 1, "points": 40}, {"at_least": 4, "points": 100}],
        },
        {
            "code": "satisfaction",
            "group": "loyalty",
            "measure": "average",
            "kinds": ["satisfaction"],
            "window_days": 730,
            "weight": 40,
            "bands": [{"at_least": 60, "points": 50}, {"at_least": 90, "points": 100}],
            "otherwise": 30,
        },
    ],
    "ladder": {
        "levels": [
            {"code": "base", "name_zh": "普通会员", "name_en": "Member", "at_least": 0},
            {
                "code": "gold",
                "name_zh": "金卡会员",
                "name_en": "Gold",
                "at_least": 6000,
                "by_model": {"辉昂": 5000},
            },
        ],
        "grace_days": 30,
        "step": "one",
    },
}


@routes.post(
    "/v1/tier-schemes",
    summary="Draft the next version of the tier scheme",
    roles=AUTHORS,
    body=shapes.SchemeIn,
    answer=shapes.SchemeOut,
    problems=("rule_invalid", "effective_until_not_after_from"),
    example={"body": _SCHEME, "effective_from": "2030-01-01", "effective_until": None},
)
def create_tier_scheme(uow: UnitOfWork, body: dict[str, Any]) -> TierScheme:
    """How members are valued, and which levels that gives. It counts for nothing until another
    person publishes it; its preview shows who would move."""
    return draft_scheme(uow, **body)


@routes.get(
    "/v1/tier-schemes",
    summary="Every version of the tier scheme",
    roles=SCHEME_READERS,
    answer=page_of(shapes.SchemeOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_tier_schemes(uow: UnitOfWork, page: Page) -> list[TierScheme]:
    """In the order in which they were drafted."""
    return versions.every(uow, TierScheme, after=page.position, limit=page.fetch)


@routes.get(
    "/v1/tier-schemes/<uuid:scheme_id>",
    summary="One version of the tier scheme",
    roles=SCHEME_READERS,
    answer=shapes.SchemeOut,
    problems=("rule_not_found",),
)
def get_tier_scheme(uow: UnitOfWork, scheme_id: UUID) -> TierScheme:
    """What it says with every default, who wrote and who published it."""
    return versions.get(uow, TierScheme, scheme_id)


@routes.get(
    "/v1/tier-schemes/<uuid:scheme_id>/preview",
    summary="How many members a version would move, from where to where",
    roles=SCHEME_READERS,
    answer=shapes.PreviewOut,
    problems=("rule_not_found",),
)
def get_tier_scheme_preview(uow: UnitOfWork, scheme_id: UUID) -> Preview:
    """As if it were in force today: the tier that counts goes at once, after the grace, or not at
    all. Members below a tier by hand stay where they are; who of them would move is counted."""
    return preview(uow, scheme_id)


@publication(
    routes, "/v1/tier-schemes/<uuid:scheme_id>", answer=shapes.SchemeOut, problems=("rule_invalid",)
)
def create_tier_scheme_publication(
    uow: UnitOfWork, scheme_id: UUID, body: dict[str, Any]
) -> TierScheme:
    """The night after its first day moves all members; a document moves its own at once."""
    return publish_scheme(uow, scheme_id, **body)


@ending(routes, "/v1/tier-schemes/<uuid:scheme_id>", answer=shapes.SchemeOut)
def create_tier_scheme_end(uow: UnitOfWork, scheme_id: UUID, body: dict[str, Any]) -> TierScheme:
    """Members keep the tiers they have; nobody moves until another version begins."""
    return end_scheme(uow, scheme_id, **body)


@routes.get(
    "/v1/members/<uuid:member_id>/tier",
    summary="Where a member stands, why, and what is missing",
    roles=READERS,
    answer=shapes.StandingOut,
    problems=("member_not_found",),
)
def get_member_tier(uow: UnitOfWork, member_id: UUID) -> StandingView:
    """The tier that counts, the score part by part, the next level and what keeps this one."""
    return standing_of(uow, own(uow, member_id))


@routes.post(
    "/v1/tier-assignments",
    summary="Give a member a tier from a day on",
    roles=(Role.PROGRAMME_ADMIN, Role.DEALER_ADMIN, Role.CRM),
    body=shapes.TierAssignmentIn,
    answer=shapes.TierOut,
    problems=(
        "member_not_found",
        "own_account",
        "tier_invalid",
        "tier_unknown",
        "until_not_after_since",
        "since_on_too_early",
    ),
    example={
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "tier": "gold",
        "since_on": "2026-11-01",
        "until_on": None,
        "reason": "年度评定",
    },
)
def create_tier_assignment(uow: UnitOfWork, body: dict[str, Any]) -> tiers.TierView:
    """Documents meet the tier of their own business day, however late they come. Staff may go
    back by a month; a tier of no published scheme is refused."""
    member_id = UUID(body.pop("member_id"))
    return tiers.get_tier(uow, member_id, assign_tier(uow, member_id, **body))


@routes.get(
    "/v1/members/<uuid:member_id>/tiers",
    summary="What was said about a member's tier",
    roles=READERS,
    answer=page_of(shapes.TierOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_member_tiers(uow: UnitOfWork, member_id: UUID, page: Page) -> list[tiers.TierView]:
    """The latest word first; of one day the latest word counts. An owner sees nothing of staff."""
    found = tiers.list_tiers(uow, own(uow, member_id), before=page.position, limit=page.fetch)
    return [tiers.without_staff(each) for each in found] if for_owner(uow) else found
