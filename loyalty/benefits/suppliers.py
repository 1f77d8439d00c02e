"""Suppliers of benefits (合作商): lounges, chauffeurs, golf clubs (F33)."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.models import Supplier
from loyalty.formats.reading import code as code_shape


def add_supplier(uow: UnitOfWork, *, code: str, name_zh: str, name_en: str) -> Supplier:
    """Enter a supplier under a code of its own.

    Raises RuleViolation `rule_invalid` for the code, Conflict `supplier_code_taken`.
    """
    row = Supplier(
        dealer_id=uow.dealer_id,
        id=new_id(),
        code=code_shape(code, "/code"),
        name_zh=name_zh,
        name_en=name_en,
        created_at=uow.now,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        if violated(error) != "uq_supplier_code":
            raise
        raise Conflict("supplier_code_taken", pointer="/code") from error
    uow.audit("supplier.added", row.id, code=code)
    return row


def is_supplier(uow: UnitOfWork, code: str) -> bool:
    """Whether the dealer has a supplier with this code."""
    return uow.session.scalar(select(Supplier.id).where(Supplier.code == code)) is not None


def list_suppliers(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[Supplier]:
    """In the order in which they were entered."""
    rows = select(Supplier) if after is None else select(Supplier).where(Supplier.id > after)
    return list(uow.session.scalars(rows.order_by(Supplier.id).limit(limit)))
