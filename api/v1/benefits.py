"""Benefits as the dealer sets them up: suppliers, versions, units by hand, what a month costs."""

from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import benefits as shapes
from api.schemas.paging import page_of
from api.v1.version_routes import AUTHORS, ending, publication
from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.benefits import statements, suppliers
from loyalty.benefits.benefit_life import draft_benefit, end_benefit, publish_benefit
from loyalty.benefits.by_hand import grant_by_hand
from loyalty.benefits.models import BenefitVersion, Supplier
from loyalty.benefits.queries import BenefitLeft, grant_of
from loyalty.dealers.roles import Role
from loyalty.finance.days import month_of

routes = Routes("benefits")
BENEFIT_READERS = (*AUTHORS, Role.SERVICE_DESK, Role.FINANCE, Role.AUDITOR)
ACCOUNTANTS = (Role.FINANCE, Role.DEALER_ADMIN, Role.AUDITOR)
_BENEFIT: dict[str, Any] = {
    "name_zh": "免费洗车",
    "name_en": "Free wash",
    "bound_to": "member",
    "period": "calendar_year",
    "quota": {"gold": 12, "silver": 6},
    "on_change": "by_month",
    "carry_over": {"most": 2, "valid_days": 90},
    "no_show": "returns",
    "reverse_days": 7,
}


@routes.post(
    "/v1/suppliers",
    summary="Enter a supplier of benefits",
    roles=(Role.DEALER_ADMIN, Role.PROGRAMME_ADMIN),
    body=shapes.SupplierIn,
    answer=shapes.SupplierOut,
    problems=("rule_invalid", "supplier_code_taken"),
    example={"code": "airport_lounge", "name_zh": "机场贵宾厅", "name_en": "Airport lounge"},
)
def create_supplier(uow: UnitOfWork, body: dict[str, Any]) -> Supplier:
    """A lounge, a chauffeur service, a golf club: benefits name it by its code."""
    return suppliers.add_supplier(uow, **body)


@routes.get(
    "/v1/suppliers",
    summary="The suppliers of benefits",
    roles=BENEFIT_READERS,
    answer=page_of(shapes.SupplierOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_suppliers(uow: UnitOfWork, page: Page) -> list[Supplier]:
    """In the order in which they were entered."""
    return suppliers.list_suppliers(uow, after=page.position, limit=page.fetch)


@routes.post(
    "/v1/benefits",
    summary="Draft the next version of a benefit",
    roles=AUTHORS,
    body=shapes.BenefitIn,
    answer=shapes.BenefitOut,
    problems=("rule_invalid", "supplier_unknown", "effective_until_not_after_from"),
    example={
        "code": "wash",
        "body": _BENEFIT,
        "effective_from": "2030-01-01",
        "effective_until": None,
    },
)
def create_benefit(uow: UnitOfWork, body: dict[str, Any]) -> BenefitVersion:
    """Who gets how much of what, and how often. It grants nothing until another person
    publishes it."""
    return draft_benefit(uow, **body)


@routes.get(
    "/v1/benefits",
    summary="Every version of every benefit",
    roles=BENEFIT_READERS,
    answer=page_of(shapes.BenefitOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_benefits(uow: UnitOfWork, page: Page) -> list[BenefitVersion]:
    """In the order in which they were drafted."""
    return versions.every(uow, BenefitVersion, after=page.position, limit=page.fetch)


@routes.get(
    "/v1/benefits/<uuid:benefit_id>",
    summary="One version of a benefit",
    roles=BENEFIT_READERS,
    answer=shapes.BenefitOut,
    problems=("rule_not_found",),
)
def get_benefit(uow: UnitOfWork, benefit_id: UUID) -> BenefitVersion:
    """What it says with every default, who wrote and who published it."""
    return versions.get(uow, BenefitVersion, benefit_id)


@publication(
    routes,
    "/v1/benefits/<uuid:benefit_id>",
    answer=shapes.BenefitOut,
    problems=("rule_invalid", "tier_unknown"),
)
def create_benefit_publication(
    uow: UnitOfWork, benefit_id: UUID, body: dict[str, Any]
) -> BenefitVersion:
    """Periods that begin while it is in force are its own; one that runs keeps its version."""
    return publish_benefit(uow, benefit_id, **body)


@ending(routes, "/v1/benefits/<uuid:benefit_id>", answer=shapes.BenefitOut)
def create_benefit_end(uow: UnitOfWork, benefit_id: UUID, body: dict[str, Any]) -> BenefitVersion:
    """From that day on no period begins; those that run stay to their end."""
    return end_benefit(uow, benefit_id, **body)


@routes.post(
    "/v1/benefit-grants",
    summary="Give a member units by hand",
    roles=(Role.DEALER_ADMIN,),
    body=shapes.GrantIn,
    answer=shapes.BenefitLeftOut,
    problems=(
        "benefit_not_found",
        "member_not_found",
        "own_account",
        "valid_until_not_ahead",
        "vehicle_needed",
        "vehicle_unfit",
    ),
    example={
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "benefit": "wash",
        "vehicle_id": None,
        "units": 2,
        "valid_until": "2031-01-01",
        "reason": "投诉补偿",
    },
)
def create_benefit_grant(uow: UnitOfWork, body: dict[str, Any]) -> BenefitLeft:
    """Beside what the tier brings, from today until a day; kept with the reason and its author."""
    member_id, vehicle = UUID(body.pop("member_id")), body.pop("vehicle_id")
    key = grant_by_hand(uow, member_id, vehicle_id=UUID(vehicle) if vehicle else None, **body)
    return grant_of(uow, member_id, key)


@routes.get(
    "/v1/supplier-statements",
    summary="What a month's benefits cost, by supplier",
    roles=ACCOUNTANTS,
    answer=shapes.SupplierStatementOut,
    query=shapes.MonthQuery,
)
def get_supplier_statement(uow: UnitOfWork, query: dict[str, Any]) -> dict[str, Any]:
    """Uses honoured here; one reversed later is taken off in the month of the reversal."""
    month = query["month"] or month_of(uow.now, uow.zone)
    lines = statements.supplier_statement(uow, month)
    items = [
        {
            "supplier": line.supplier,
            "name_zh": line.name_zh,
            "name_en": line.name_en,
            "benefit": line.benefit_code,
            "units": line.units,
            "amount": _money(line.amount_fen),
        }
        for line in lines
    ]
    return _of_month(month.name, items, sum(line.amount_fen for line in lines))


@routes.get(
    "/v1/partner-benefit-statements",
    summary="What is owed to partner dealers for benefits they honoured in a month",
    roles=ACCOUNTANTS,
    answer=shapes.PartnerStatementOut,
    query=shapes.MonthQuery,
)
def get_partner_benefit_statement(uow: UnitOfWork, query: dict[str, Any]) -> dict[str, Any]:
    """By partner and benefit; one reversed later is taken off in the month of the reversal."""
    month = query["month"] or month_of(uow.now, uow.zone)
    lines = statements.partner_statement(uow, month)
    items = [
        {
            "partner_id": line.partner_id,
            "partner_name": line.partner_name,
            "benefit": line.benefit_code,
            "units": line.units,
            "amount": _money(line.amount_fen),
        }
        for line in lines
    ]
    return _of_month(month.name, items, sum(line.amount_fen for line in lines))


def _of_month(month: str, items: list[dict[str, Any]], fen: int) -> dict[str, Any]:
    return {"month": month, "items": items, "amount": _money(fen)}


def _money(fen: int) -> dict[str, Any]:
    return {"amount_fen": fen, "currency": "CNY"}
