"""What an owner sees: the summary in one trip, and everything of his page in one request."""

from dataclasses import replace
from uuid import UUID

from api.routes import Look, Routes
from api.schemas import home as shapes
from loyalty.benefits.queries import BenefitLeft, benefits_left
from loyalty.dealers.roles import Role
from loyalty.overview.summary import Reader, summary

routes = Routes("home")
READERS = (
    Role.OWNER,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.AUDITOR,
    Role.CRM,
)


@routes.get(
    "/v1/members/<uuid:member_id>/summary",
    summary="Points, tier and what ends next, at a glance",
    roles=READERS,
    answer=shapes.SummaryOut,
    in_one_trip=True,
    problems=("member_not_found",),
)
def get_member_summary(look: Look, member_id: UUID) -> tuple[Role, bytes]:
    """Shows every write that was answered before; `missing` counts by the score of the last fact
    or the last night."""
    reader = Reader(look.dealer_id, look.kind, look.subject, look.token_id, look.mfa, look.roles)

    def left() -> list[BenefitLeft]:
        with look.work() as uow:
            return benefits_left(replace(uow, now=look.now), member_id)

    return summary(look.database, look.cache, reader, member_id, now=look.now, benefits=left)
