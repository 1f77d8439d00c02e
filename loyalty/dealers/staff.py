"""Verbs on the staff directory. Nobody changes his own entry (api.md: separation of duties)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.models import Staff, WithdrawnToken
from loyalty.dealers.roles import GRANTABLE, Role
from loyalty.formats import mobile, reference

LONGEST_TOKEN = timedelta(hours=12)


def add_staff(
    uow: UnitOfWork,
    *,
    staff_no: str,
    name: str,
    phone: str | None,
    roles: Collection[Role],
    team: str,
) -> UUID:
    """Enter a person. Raises Conflict `staff_no_taken`, Forbidden `role_not_grantable`,
    RuleViolation `reference_invalid`, `mobile_invalid`."""
    _grantable(uow, roles)
    key = new_id()
    row = Staff(
        id=key,
        dealer_id=uow.dealer_id,
        staff_no=reference.canonical(staff_no),
        name=uow.seal(name, column="staff.name", row=key),
        phone_index=uow.blind(mobile.canonical(phone), column="phone") if phone else None,
        roles=sorted(roles),
        team=team,
        active=True,
        version=1,
        created_at=uow.now,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        if violated(error) != "uq_staff_staff_no":
            raise
        raise Conflict("staff_no_taken", pointer="/staff_no") from error
    uow.audit("staff.added", key, roles=sorted(roles), team=team)
    return key


def change_staff(
    uow: UnitOfWork,
    staff_id: UUID,
    *,
    roles: Collection[Role],
    team: str,
    active: bool,
    version: int,
) -> None:
    """Replace roles, team and standing of a person whose entry the caller has looked at.

    Raises NotFound `staff_not_found`, Conflict `version_changed`, Forbidden `not_on_yourself`,
    and `role_not_grantable` for a role given or taken that is not the caller's to grant.
    """
    if uow.actor.id == str(staff_id):
        raise Forbidden("not_on_yourself")
    row = uow.session.scalar(select(Staff).where(Staff.id == staff_id).with_for_update())
    if row is None:
        raise NotFound("staff_not_found")
    if row.version != version:
        raise Conflict("version_changed")
    _grantable(uow, {Role(role) for role in row.roles}.symmetric_difference(roles))
    row.roles, row.team, row.active, row.version = sorted(roles), team, active, version + 1
    uow.session.flush()
    uow.audit("staff.changed", staff_id, roles=sorted(roles), team=team, active=active)


def withdraw_token(uow: UnitOfWork, token_id: str, *, until: datetime) -> None:
    """Refuse this token from now on; `until` is when it would have ended by itself.

    Kept for the longest life of any token at least, whatever `until` says.
    """
    uow.session.execute(
        insert(WithdrawnToken)
        .values(
            dealer_id=uow.dealer_id, token_id=token_id, until=max(until, uow.now + LONGEST_TOKEN)
        )
        .on_conflict_do_nothing()
    )
    uow.audit("token.withdrawn", uow.dealer_id, token_id=token_id)


def _grantable(uow: UnitOfWork, roles: Collection[Role]) -> None:
    if not GRANTABLE[Role(uow.actor.role)].issuperset(roles):
        raise Forbidden("role_not_grantable")
