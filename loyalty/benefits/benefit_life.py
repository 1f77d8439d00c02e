"""Draft, publish and end benefits (F21, F31), and read those that were ever published."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import select, text

from kernel.errors import RuleViolation
from kernel.recent import Recent
from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.benefits.models import BenefitVersion
from loyalty.benefits.rules.benefit import Benefit, dump, parse
from loyalty.benefits.rules.period import Version
from loyalty.benefits.suppliers import is_supplier
from loyalty.formats.reading import code as code_shape
from loyalty.formats.reading import refuse
from loyalty.tiers.known import refuse_unknown_tiers


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
    """Periods that begin while it is in force are its own. Whose the units are never changes: those
    of two kinds would be counted beside each other.

    Raises as `versions.publish`, RuleViolation `tier_unknown` and `rule_invalid`.
    """
    row = versions.get(uow, BenefitVersion, benefit_id)
    benefit = parse(row.body)
    refuse_unknown_tiers(uow, benefit.quota, "/body/quota")
    if any(
        each.benefit.bound_to is not benefit.bound_to for each in published(uow).get(row.code, [])
    ):
        refuse("/body/bound_to", "cannot_change")
    return versions.publish(uow, BenefitVersion, benefit_id)


def end_benefit(uow: UnitOfWork, benefit_id: UUID, *, effective_until: date) -> BenefitVersion:
    """From that day on no period begins; those that run stay. Raises as `versions.end`."""
    return versions.end(uow, BenefitVersion, benefit_id, effective_until=effective_until)


def published(uow: UnitOfWork) -> dict[str, list[Version]]:
    """Every published version of the dealer, by the benefit's code."""
    rows = uow.session.execute(
        select(
            BenefitVersion.id,
            BenefitVersion.code,
            BenefitVersion.version,
            BenefitVersion.effective_from,
            BenefitVersion.effective_until,
        )
        .where(BenefitVersion.dealer_id == uow.dealer_id, BenefitVersion.state == "published")
        .order_by(BenefitVersion.code, BenefitVersion.version)
    )
    told = [(key, code, number, since, until) for key, code, number, since, until in rows]
    return versions_read(told, partial(bodies, uow))


def bodies(uow: UnitOfWork, ids: Sequence[UUID]) -> str:
    """What versions say, as JSON by their ids."""
    told: str = uow.session.scalar(_BODIES, {"dealer": uow.dealer_id, "ids": list(ids)})
    return told


def versions_read(
    rows: Sequence[tuple[UUID, str, int, date, date | None]], ask: Callable[[list[UUID]], str]
) -> dict[str, list[Version]]:
    """Published versions by code, from (id, code, number, from, until); `ask` tells as JSON what
    those say that this process has not read yet."""
    said = {row[0]: _READ.get(row[0]) for row in rows}
    unread = [version_id for version_id, benefit in said.items() if benefit is None]
    for name, body in orjson.loads(ask(unread)).items() if unread else ():
        said[UUID(name)] = parse(body)
        _READ.put(UUID(name), parse(body))
    found: dict[str, list[Version]] = {}
    for version_id, code, number, since, until in rows:
        benefit = said[version_id]
        assert benefit is not None
        found.setdefault(code, []).append(Version(number, benefit, since, until))
    return found


_BODIES: Final = text("SELECT benefit_bodies(:dealer, :ids)::text")
_READ: Final[Recent[UUID, Benefit]] = Recent(2_000)
"""What was published never changes, and reading it costs more than fetching it."""
