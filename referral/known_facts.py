"""What we know of a party, who told us, and whether the consultant has looked: facts with taint.

A reader would break this by giving a fact a better origin than the person who typed it.
"""

from uuid import UUID

from sqlalchemy import select

from kernel.audit import AuditEvent
from kernel.unit_of_work import UnitOfWork
from loyalty.members import queries as members
from loyalty.members.queries import VehicleView
from referral.call_models import Callback, CallbackQuestion
from referral.models import LicenceCheck, Referral
from referral.nominate import nomination_of
from referral.parties import name_of
from referral.questions.decoys import Car
from referral.questions.facts import Facts, Origin, Record, gather
from referral.shares import store_counts
from referral.slip import thaw

LOOKED: tuple[str, ...] = ("member.found", "member.viewed")
RECENT_CALLS = 2


def facts_about(uow: UnitOfWork, referral: Referral, party: str) -> tuple[Facts, list[Car]]:
    """The facts about a party, and every car he had, for the questions to the other one."""
    if party == "owner":
        return _about_owner(uow, referral)
    return _about_buyer(uow, referral)


def recently_asked(uow: UnitOfWork, referral: Referral) -> frozenset[str]:
    """The keys asked in the last two sessions of this owner and buyer (referral.md, section 4).

    The open name is asked in every session: without it no set is admissible.
    """
    sessions = (
        select(Callback.id)
        .join(Referral, Referral.id == Callback.referral_id)
        .where(
            Referral.owner_id == referral.owner_id,
            Referral.buyer_phone_index == referral.buyer_phone_index,
        )
        .order_by(Callback.id.desc())
        .limit(RECENT_CALLS)
    )
    keys = select(CallbackQuestion.key).where(
        CallbackQuestion.callback_id.in_(sessions), ~CallbackQuestion.knock_out
    )
    return frozenset(uow.session.scalars(keys))


def _about_owner(uow: UnitOfWork, referral: Referral) -> tuple[Facts, list[Car]]:
    assert referral.owner_id is not None
    owner = members.get_member(uow, referral.owner_id)
    cars = members.vehicles_of(uow, owner.id)
    car, slip = _checked_car(uow, referral, cars), thaw(uow, referral)
    named = nomination_of(uow, referral.id)
    seen = _looked_at(uow, referral.consultant_id, owner.id)
    told = Record(named.relation, Origin.NOMINATION) if named else None
    records = {
        "name": Record(owner.name, Origin.SLIP),
        "model": Record(car.model, Origin.SLIP),
        "colour": Record(car.colour, Origin.SLIP),
        "transmission": Record(car.transmission, Origin.RECORD, seen),
        "plate_province": Record(car.plate, Origin.RECORD, seen),
        "purchase_year": Record(str(car.owned_from.year), Origin.RECORD, seen),
        "trade": Record(owner.occupation, Origin.RECORD, seen),
        "relation": told or Record(slip.relation, Origin.CONSULTANT),
        "known_for": Record(named.known_for if named else None, Origin.NOMINATION),
    }
    return gather(records, store_counts(uow)), [(each.model, each.colour) for each in cars]


def _about_buyer(uow: UnitOfWork, referral: Referral) -> tuple[Facts, list[Car]]:
    assert referral.bought_model is not None
    assert referral.bought_colour is not None
    slip = thaw(uow, referral)
    records = {
        "name": Record(name_of(uow, referral, "buyer"), Origin.SLIP),
        "model": Record(referral.bought_model, Origin.SALE),
        "colour": Record(referral.bought_colour, Origin.SALE),
        "transmission": Record(referral.bought_transmission, Origin.SALE),
        "trade": Record(slip.buyer_occupation, Origin.CONSULTANT),
        "relation": Record(slip.relation, Origin.CONSULTANT),
    }
    bought = (referral.bought_model, referral.bought_colour)
    return gather(records, store_counts(uow)), [bought]


def _checked_car(uow: UnitOfWork, referral: Referral, cars: list[VehicleView]) -> VehicleView:
    """The owner's car with which the licence agreed."""
    checked = uow.session.scalars(
        select(LicenceCheck.vehicle_id)
        .where(LicenceCheck.referral_id == referral.id, LicenceCheck.passed)
        .order_by(LicenceCheck.attempt.desc())
        .limit(1)
    ).one()
    return next(car for car in cars if car.id == checked)


def _looked_at(uow: UnitOfWork, consultant: UUID, owner: UUID) -> bool:
    """Whether the access log says that the consultant opened the owner's record."""
    looked = select(AuditEvent.id).where(
        AuditEvent.dealer_id == uow.dealer_id,
        AuditEvent.subject_id == owner,
        AuditEvent.actor_id == str(consultant),
        AuditEvent.action.in_(LOOKED),
    )
    return uow.session.scalar(looked.limit(1)) is not None
