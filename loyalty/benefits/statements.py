"""What a month's uses cost: to suppliers, and to partner dealers who honoured them (F33).

By the day of posting: a use reversed later is taken off in the month of the reversal, so that a
month that is over stays as it was. Who honours is paid: at a partner, no supplier is.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.models import BenefitEntry, BenefitUsage, Supplier
from loyalty.benefits.rules.books import Kind
from loyalty.finance.days import Month
from loyalty.points.models import DealerPartner


@dataclass(frozen=True, slots=True)
class SupplierLine:
    """Units of a benefit that a supplier provided in a month, and what that costs in fen."""

    supplier: str
    name_zh: str
    name_en: str
    benefit_code: str
    units: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class PartnerLine:
    """Units of a benefit that a partner honoured in a month, and what we owe him, in fen."""

    partner_id: UUID
    partner_name: str | None
    benefit_code: str
    units: int
    amount_fen: int


def supplier_statement(uow: UnitOfWork, month: Month) -> list[SupplierLine]:
    """One line for each supplier and benefit with a use or a reversal in the month."""
    columns = (Supplier.code, Supplier.name_zh, Supplier.name_en, BenefitUsage.benefit_code)
    rows = (
        _moved(uow, month)
        .join(
            Supplier,
            (Supplier.dealer_id == BenefitUsage.dealer_id)
            & (Supplier.code == BenefitUsage.supplier),
        )
        .where(BenefitUsage.honoured_by == BenefitUsage.dealer_id)
        .with_only_columns(*columns, *_sums(BenefitUsage.cost_fen), maintain_column_froms=True)
        .group_by(*columns)
        .order_by(Supplier.code, BenefitUsage.benefit_code)
    )
    found = uow.session.execute(rows).all()
    return [
        SupplierLine(code, zh, en, benefit, int(units), int(fen))
        for code, zh, en, benefit, units, fen in found
    ]


def partner_statement(uow: UnitOfWork, month: Month) -> list[PartnerLine]:
    """One line for each partner dealer and benefit with a use or a reversal in the month."""
    columns = (BenefitUsage.honoured_by, DealerPartner.name, BenefitUsage.benefit_code)
    rows = (
        _moved(uow, month)
        .outerjoin(
            DealerPartner,
            (DealerPartner.dealer_id == BenefitUsage.dealer_id)
            & (DealerPartner.partner_id == BenefitUsage.honoured_by),
        )
        .where(BenefitUsage.honoured_by != BenefitUsage.dealer_id)
        .with_only_columns(*columns, *_sums(BenefitUsage.partner_fen), maintain_column_froms=True)
        .group_by(*columns)
        .order_by(BenefitUsage.honoured_by, BenefitUsage.benefit_code)
    )
    found = uow.session.execute(rows).all()
    return [
        PartnerLine(partner, name, benefit, int(units), int(fen))
        for partner, name, benefit, units, fen in found
    ]


def _moved(uow: UnitOfWork, month: Month) -> Select[Any]:
    entries: Select[Any] = select(BenefitEntry).join(
        BenefitUsage,
        (BenefitUsage.member_id == BenefitEntry.member_id)
        & (BenefitUsage.id == BenefitEntry.usage_id),
    )
    return entries.where(
        BenefitEntry.dealer_id == uow.dealer_id,
        BenefitEntry.kind.in_([Kind.USE, Kind.REVERSE]),
        BenefitEntry.at >= month.starts_at(uow.zone),
        BenefitEntry.at < month.ends_at(uow.zone),
    )


def _sums(fen: Any) -> tuple[Any, Any]:
    return func.sum(BenefitEntry.used), func.sum(BenefitEntry.used * fen)
