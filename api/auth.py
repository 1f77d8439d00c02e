"""Who calls, and in which role: the token says who, our own directory says what he may.

Deny by default: no row in the directory, no role, no operation.
"""

from uuid import UUID

from flask import g, request
from sqlalchemy.orm import Session

from api.problems import Unauthorized
from api.routes import Operation
from api.service import Service
from api.tokens import Claims
from kernel.errors import DomainError, Forbidden
from kernel.unit_of_work import Actor, UnitOfWork
from loyalty.dealers import directory
from loyalty.dealers.roles import MFA_ROLES, Role
from loyalty.members import queries as members

CRM_CLIENT = "crm"


def authenticate(service: Service) -> Claims:
    """The caller's verified claims. Raises Unauthorized."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("token_missing")
    claims = service.verifier.verify(token.strip())
    try:
        UUID(claims.dealer)
        if claims.kind != "client" and claims.sub != str(UUID(claims.sub)):
            raise Unauthorized("token_claims")
    except ValueError as error:
        raise Unauthorized("token_claims") from error
    return claims


def enter(service: Service, session: Session, claims: Claims, operation: Operation) -> UnitOfWork:
    """The unit of work of this caller, acting in the first declared role he has.

    Raises Unauthorized `token_withdrawn`, `token_subject_unknown` or `token_mfa_required`,
    Forbidden `role_lacks`.
    """
    dealer_id = UUID(claims.dealer)
    try:
        zone = directory.zone_of(session, dealer_id)
    except DomainError as error:
        raise Unauthorized("token_subject_unknown") from error
    if directory.is_withdrawn(session, claims.jti):
        raise Unauthorized("token_withdrawn")
    held = _roles(session, claims)
    if not held:
        raise Unauthorized("token_subject_unknown")
    role = next((role for role in operation.roles if role in held), None)
    if role is None:
        raise Forbidden("role_lacks")
    if role in MFA_ROLES and not claims.mfa:
        raise Unauthorized("token_mfa_required")
    g.actor, g.role = claims.sub, role.value
    return UnitOfWork(
        session=session,
        now=service.clock(),
        actor=Actor(claims.sub, role, claims.client or claims.kind),
        dealer_id=dealer_id,
        zone=zone,
        request_id=g.request_id,
        vault=service.vault,
    )


def _roles(session: Session, claims: Claims) -> frozenset[Role]:
    if claims.kind == "client":
        return frozenset({Role.CRM}) if claims.sub == CRM_CLIENT else frozenset()
    if claims.kind == "staff":
        return directory.roles_of_staff(session, UUID(claims.sub))
    known = members.exists(session, UUID(claims.sub))
    return frozenset({Role.OWNER}) if known else frozenset()
