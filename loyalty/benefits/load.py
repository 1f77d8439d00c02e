"""What is known of members' units, read in a handful of statements for any number of members.

Rows of tables become plain values here; what they mean by now is `rules/settle.py`.
"""

from collections.abc import Collection
from datetime import date, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Executable, exists, or_, select
from sqlalchemy.orm import aliased

from kernel.clock import business_day, start_of_day
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.benefit_life import published
from loyalty.benefits.models import BenefitGrant, BenefitUsage
from loyalty.benefits.rules.benefit import MOST_DAYS
from loyalty.benefits.rules.books import Booking, Books, Lot, Origin, State
from loyalty.benefits.rules.period import Owned, Version
from loyalty.benefits.rules.quota import Timeline
from loyalty.benefits.rules.settle import Known, settle
from loyalty.members.models import Member, Ownership
from loyalty.tiers.models import MemberTier, ValueFact
from loyalty.tiers.rules.history import History, Kind, Word
from loyalty.tiers.rules.score import FactKind

FRESH: Final = {"populate_existing": True}


def settled(
    uow: UnitOfWork, members: Collection[UUID], *, usage_id: UUID | None = None
) -> dict[UUID, Books]:
    """The units of these members as they are now; what that changes is not written here.

    Of lots that are over only those are read that may still matter, and the one of `usage_id`.
    """
    versions = published(uow)
    books = _books(uow, members, versions, usage_id)
    known = _known(uow, members, versions)
    for member_id, each in books.items():
        settle(each, known[member_id])
    return books


def _books(
    uow: UnitOfWork,
    members: Collection[UUID],
    versions: dict[str, list[Version]],
    usage_id: UUID | None,
) -> dict[UUID, Books]:
    found = {member: Books(member, [], []) for member in members}
    recent = uow.today - timedelta(days=MOST_DAYS)
    asked = select(BenefitUsage.grant_id).where(BenefitUsage.id == usage_id)
    lots = select(BenefitGrant).where(
        BenefitGrant.member_id.in_(members),
        or_(
            BenefitGrant.open,
            BenefitGrant.period_until > recent,
            BenefitGrant.period_until.is_(None),
            BenefitGrant.id.in_(asked),
        ),
    )
    for row in uow.session.scalars(lots.order_by(BenefitGrant.id).execution_options(**FRESH)):
        found[row.member_id].lots.append(_lot(row, versions))
    usages = select(BenefitUsage).where(
        BenefitUsage.member_id.in_(members),
        or_(BenefitUsage.state == State.RESERVED, BenefitUsage.id == usage_id),
    )
    for use in uow.session.scalars(usages.order_by(BenefitUsage.id).execution_options(**FRESH)):
        found[use.member_id].bookings.append(_booking(uow, use))
    return found


def _known(
    uow: UnitOfWork, members: Collection[UUID], versions: dict[str, list[Version]]
) -> dict[UUID, Known]:
    joined = uow.session.execute(select(Member.id, Member.joined_on).where(Member.id.in_(members)))
    words = _by_member(uow, members, _words(members))
    owned = _by_member(uow, members, _ownerships(members))
    facts = _by_member(uow, members, _facts(uow.today, members, versions))
    return {
        row.id: Known(
            now=uow.now,
            today=uow.today,
            starts=partial(start_of_day, zone=uow.zone),
            versions=versions,
            tiers=_timeline(words[row.id]),
            joined_on=row.joined_on,
            owned=[Owned(*each[1:]) for each in owned[row.id]],
            events=[(FactKind(each.kind), each.happened_on) for each in facts[row.id]],
        )
        for row in joined
    }


def _by_member(
    uow: UnitOfWork, members: Collection[UUID], rows: Executable | None
) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {member: [] for member in members}
    for row in [] if rows is None else uow.session.execute(rows):
        found[row.member_id].append(row)
    return found


def _words(members: Collection[UUID]) -> Executable:
    return select(
        MemberTier.member_id,
        MemberTier.id,
        MemberTier.kind,
        MemberTier.tier,
        MemberTier.since_on,
        MemberTier.until_on,
    ).where(MemberTier.member_id.in_(members))


def _timeline(rows: list[Any]) -> Timeline:
    words = [
        Word(row.since_on, str(row.id), Kind(row.kind), row.tier, row.until_on) for row in rows
    ]
    ends = [word.until_on for word in words if word.until_on]
    return Timeline(History(words), [*(word.since_on for word in words), *ends])


def _ownerships(members: Collection[UUID]) -> Executable:
    """The periods of ownership, each with whether nobody had the car before."""
    earlier = aliased(Ownership)
    before = exists().where(
        earlier.vehicle_id == Ownership.vehicle_id,
        or_(
            earlier.owned_from < Ownership.owned_from,
            (earlier.owned_from == Ownership.owned_from) & (earlier.id < Ownership.id),
        ),
    )
    return (
        select(
            Ownership.member_id,
            Ownership.vehicle_id,
            Ownership.owned_from,
            Ownership.owned_until,
            (~before).label("first"),
        )
        .where(Ownership.member_id.in_(members))
        .order_by(Ownership.owned_from, Ownership.id)
    )


def _facts(
    today: date, members: Collection[UUID], versions: dict[str, list[Version]]
) -> Executable | None:
    """Facts that may still give units today; none is asked for without a benefit for them."""
    events = [each.benefit.event for known in versions.values() for each in known]
    kinds = sorted({str(event.kind) for event in events if event})
    if not kinds:
        return None
    longest = max(event.valid_days for event in events if event)
    return (
        select(ValueFact.member_id, ValueFact.kind, ValueFact.happened_on)
        .where(
            ValueFact.member_id.in_(members),
            ValueFact.kind.in_(kinds),
            ValueFact.happened_on > today - timedelta(days=longest),
            ValueFact.happened_on <= today,
            ~ValueFact.corrects,
        )
        .order_by(ValueFact.happened_on, ValueFact.id)
    )


def _lot(row: BenefitGrant, versions: dict[str, list[Version]]) -> Lot:
    numbered = {each.number: each.benefit for each in versions[row.benefit_code]}
    return Lot(
        id=row.id,
        code=row.benefit_code,
        version=row.benefit_version,
        benefit=numbered[row.benefit_version],
        vehicle_id=row.vehicle_id,
        origin=Origin(row.origin),
        period_from=row.period_from,
        period_until=row.period_until,
        valid_until=row.valid_until,
        granted=row.granted,
        reserved=row.reserved,
        used=row.used,
        lapsed=row.lapsed,
        open=row.open,
        carried_from=row.carried_from,
        was=(row.granted, row.valid_until, row.open),
    )


def _booking(uow: UnitOfWork, row: BenefitUsage) -> Booking:
    return Booking(
        id=row.id,
        lot_id=row.grant_id,
        state=State(row.state),
        dated_on=business_day(row.appointment_at or row.reserved_at, uow.zone),
        ends_at=row.ends_at,
        appointment_at=row.appointment_at,
        used_on=business_day(row.used_at, uow.zone) if row.used_at else None,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
    )
