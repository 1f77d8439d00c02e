"""Counter codes (核销码): the owner asks for one, a desk verifies it and gives what it is for."""

from typing import Any
from uuid import UUID

from api.counter_subjects import SUBJECTS
from api.routes import Routes
from api.schemas import counter as shapes
from api.v1.access import for_owner
from kernel.errors import DomainError, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.counter.issue import IssuedCode, issue
from loyalty.counter.subjects import Purpose
from loyalty.counter.verify import Verification, verify
from loyalty.dealers.roles import Role

routes = Routes("counter")
DESKS = (Role.SERVICE_DESK, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER)


@routes.post(
    "/v1/counter-codes",
    summary="Ask for a code to show at the desk",
    roles=(Role.OWNER, Role.CRM),
    body=shapes.CounterCodeIn,
    answer=shapes.CounterCodeOut,
    keeps_answer=False,
    problems=(
        "account_frozen",
        "handed_over_already",
        "redemption_cancelled",
        "redemption_not_for_counter",
        "reservation_ended",
        "subject_not_found",
    ),
    example={"purpose": "reward", "subject_id": "01939d5e-7c00-7000-8000-000000000003"},
)
def create_counter_code(uow: UnitOfWork, body: dict[str, Any]) -> IssuedCode:
    """Eight digits, good once within 15 minutes. Each call makes new ones, which end those before
    them; the answer is kept nowhere."""
    purpose, subject_id = body["purpose"], UUID(body["subject_id"])
    member_id = _owner_of(uow, purpose, subject_id)
    SUBJECTS[purpose].check(uow, subject_id)
    return issue(uow, member_id, purpose, subject_id)


@routes.post(
    "/v1/counter-verifications",
    summary="Verify a code an owner shows, and give what it is for",
    roles=DESKS,
    body=shapes.CounterVerificationIn,
    answer=shapes.CounterVerificationOut,
    problems=(
        "account_frozen",
        "benefit_partner_unknown",
        "counter_locked",
        "handed_over_already",
        "honoured_elsewhere",
        "own_account",
        "redemption_cancelled",
        "redemption_not_for_counter",
        "reservation_ended",
    ),
    example={"code": "40718236", "issued_by": None},
)
def create_counter_verification(
    uow: UnitOfWork, body: dict[str, Any]
) -> Verification | DomainError:
    """Accepted: it is used or handed over with this answer. A code that is not accepted is told as
    an outcome; when the act itself is refused, that is the answer, the attempt counts as one that
    failed, and the code stays good."""
    issued_by = UUID(body["issued_by"]) if body["issued_by"] else None
    tried = verify(uow, body["code"], issued_by=issued_by, subjects=SUBJECTS)
    return tried.refusal or tried


def _owner_of(uow: UnitOfWork, purpose: Purpose, subject_id: UUID) -> UUID:
    """An owner asks for what is his own; of the rest he learns nothing (api.md, 404)."""
    member_id = SUBJECTS[purpose].owner_of(uow, subject_id)
    if for_owner(uow) and uow.actor.id != str(member_id):
        raise NotFound("subject_not_found")
    return member_id
