"""Points: the balance, the statement, what expires when, and what explains each number."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import explanations as explained
from api.schemas import points as shapes
from api.schemas.paging import page_of
from api.v1.access import own
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import queries

routes = Routes("points")
READERS = (
    Role.OWNER,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.FINANCE,
    Role.AUDITOR,
    Role.CRM,
)


@routes.get(
    "/v1/members/<uuid:member_id>/balance",
    summary="What a member can spend, now or at a moment past",
    roles=READERS,
    query=explained.AsOfQuery,
    answer=shapes.BalanceOut,
    problems=("member_not_found", "as_of_in_the_future"),
)
def get_balance(uow: UnitOfWork, member_id: UUID, query: dict[str, Any]) -> queries.Balance:
    """Counted from the lots at this instant; no job need have run. `as_of` is an instant, or a day
    of the dealer's calendar and then its end; dates kept alive by visits are those of today."""
    return queries.balance(uow, own(uow, member_id), query["as_of"])


@routes.get(
    "/v1/members/<uuid:member_id>/balance-explanation",
    summary="The lots that make a balance, each with its document and history",
    roles=READERS,
    query=explained.ExplanationQuery,
    answer=explained.BalanceExplanationOut,
    problems=("member_not_found", "as_of_in_the_future"),
)
def get_balance_explanation(
    uow: UnitOfWork, member_id: UUID, query: dict[str, Any]
) -> dict[str, Any]:
    """The lots are counted forwards from the first entry, the balance backwards from what is
    stored: `adds_up` says that both agree. More than 200 lots: ask again `after` the last, with
    the same `as_of`."""
    after = UUID(query["after"]) if query["after"] else None
    found = queries.explain_balance(uow, own(uow, member_id), as_of=query["as_of"], after=after)
    lots = [_flat(lot.facts, lot.left, lot, without=("facts", "left")) for lot in found.lots]
    return {**_flat(found.balance, found, without=("balance",)), "lots": lots}


@routes.get(
    "/v1/members/<uuid:member_id>/spendability",
    summary="Whether so many points can be spent now, and what stands in the way",
    roles=READERS,
    query=explained.SpendabilityQuery,
    answer=explained.SpendabilityOut,
    problems=("member_not_found",),
)
def get_spendability(uow: UnitOfWork, member_id: UUID, query: dict[str, Any]) -> dict[str, Any]:
    """By the same numbers that a redemption decides with, so that its refusal can be explained."""
    found = queries.spendability(uow, own(uow, member_id), query["points"])
    return _flat(found.balance, found, without=("balance",))


@routes.get(
    "/v1/members/<uuid:member_id>/expiry-schedule",
    summary="Every date on which points end",
    roles=READERS,
    answer=shapes.ExpiryScheduleOut,
    problems=("member_not_found",),
)
def get_expiry_schedule(uow: UnitOfWork, member_id: UUID) -> dict[str, Any]:
    """Soonest first; points that never expire come last with `expires_on` null. `expires_on` is
    the first day on which they cannot be spent."""
    return {"member_id": member_id, "items": queries.expiry_schedule(uow, own(uow, member_id))}


@routes.get(
    "/v1/members/<uuid:member_id>/statement",
    summary="Everything that moved a member's points",
    roles=READERS,
    query=explained.StatementQuery,
    answer=page_of(shapes.StatementLineOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid", "as_of_in_the_future"),
)
def list_statement(
    uow: UnitOfWork, member_id: UUID, page: Page, query: dict[str, Any]
) -> list[queries.StatementLine]:
    """Newest first, with document, rule, version, accounts and lots of every line."""
    return queries.statement(
        uow,
        own(uow, member_id),
        before=page.position,
        limit=page.fetch,
        only=queries.Filter(**query),
    )


@routes.get(
    "/v1/members/<uuid:member_id>/postings/<uuid:posting_set_id>",
    summary="One act on a member's points, entry by entry",
    roles=READERS,
    answer=explained.PostingOut,
    problems=("member_not_found", "posting_not_found"),
)
def get_posting(uow: UnitOfWork, member_id: UUID, posting_set_id: UUID) -> dict[str, Any]:
    """Both sides of the double entry, the rules of its lots, what it undid and what undid it. An
    owner is told the role of who acted, not the person."""
    found = queries.posting(uow, own(uow, member_id), posting_set_id)
    person = None if uow.actor.role == Role.OWNER else found.actor_id
    return {**_flat(found.line, found, without=("line",)), "actor_id": person}


def _flat(*parts: Any, without: tuple[str, ...]) -> dict[str, Any]:
    """The fields of several dataclasses side by side."""
    named = {field.name: getattr(part, field.name) for part in parts for field in fields(part)}
    return {name: value for name, value in named.items() if name not in without}
