"""Draft, publish and end benefits (F21, F31), and read those that were ever published."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from json import loads
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, select

from kernel.errors import RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.benefits.models import BenefitVersion
from loyalty.benefits.rules.benefit import Benefit, dump, parse
from loyalty.benefits.rules.period import Version
from loyalty.benefits.suppliers import is_supplier
from loyalty.formats.reading import code as code_shape


def draft_benefit(
    uow: UnitOfWork,
    *,
    code: str,
    body: Mapping[str, Any],
    effective_from: date,
    effective_until: date | None,
) -> BenefitVersion:
    """Write down the next version of a benefit; it grants nothing until it is published.

    Raises RuleViolation `rule_invalid`, `supplier_unknown`, `effective_until_not_after_from`.
    """
    benefit = parse(body)
    if benefit.supplier is not None and not is_supplier(uow, benefit.supplier):
        raise RuleViolation("supplier_unknown", pointer="/body/supplier")
    return versions.draft(
        uow,
        BenefitVersion,
        code=code_shape(code, "/code"),
        body=dump(benefit),
        effective_from=effective_from,
        effective_until=effective_until,
    )


def publish_benefit(uow: UnitOfWork, benefit_id: UUID) -> BenefitVersion:
    """Periods that begin while it is in force are its own. Raises as `versions.publish`."""
    return versions.publish(uow, BenefitVersion, benefit_id)


def end_benefit(uow: UnitOfWork, benefit_id: UUID, *, effective_until: date) -> BenefitVersion:
    """From that day on no period begins; those that run stay. Raises as `versions.end`."""
    return versions.end(uow, BenefitVersion, benefit_id, effective_until=effective_until)


def published(uow: UnitOfWork) -> dict[str, list[Version]]:
    """Every published version of the dealer, by the benefit's code."""
    rows = uow.session.execute(
        select(
            BenefitVersion.code,
            BenefitVersion.version,
            cast(BenefitVersion.body, Text),
            BenefitVersion.effective_from,
            BenefitVersion.effective_until,
        )
        .where(BenefitVersion.dealer_id == uow.dealer_id, BenefitVersion.state == "published")
        .order_by(BenefitVersion.code, BenefitVersion.version)
    )
    found: dict[str, list[Version]] = {}
    for code, number, body, since, until in rows:
        version = Version(number, _read(body), since, until)
        found.setdefault(code, []).append(version)
    return found


def version_read(number: int, body: str, since: str, until: str | None) -> Version:
    """A published version from what JSON says of it; `body` is the text of its own JSON."""
    ends = None if until is None else date.fromisoformat(until)
    return Version(number, _read(body), date.fromisoformat(since), ends)


@lru_cache(maxsize=512)
def _read(said: str) -> Benefit:
    """Bodies never change, and reading one costs more than fetching it."""
    return parse(loads(said))
