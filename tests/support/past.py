"""Referrals of the past, put straight into the database: what would take weeks over HTTP."""

import itertools
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from api.commands.work import unit_of_work
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.formats import mobile, vin
from loyalty.members.enroll import Enrolment, enroll
from loyalty.members.vehicles import OwnedVehicle, add_ownership
from referral.models import Referral
from referral.slip import Slip, freeze
from tests.support.shop import Shop

_numbers = itertools.count(1)


def at_work(shop: Shop) -> AbstractContextManager[UnitOfWork]:
    """A transaction of the service for this dealer."""
    return unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test")


def phone() -> str:
    """A number nobody else has."""
    return f"138{next(_numbers):08}"


def person(uow: UnitOfWork, number: str | None = None) -> UUID:
    """A member, with a number of his own unless one is given."""
    told = Enrolment("crm", f"P-{next(_numbers)}", "赵六", number or phone(), date(2024, 5, 1))
    return enroll(uow, told)


def car(uow: UnitOfWork, member: UUID, number: str, since: date) -> UUID:
    """The member owns the car with this VIN from a day on."""
    return add_ownership(
        uow,
        member,
        OwnedVehicle(
            vin=number,
            plate=None,
            model="高尔夫",
            colour="红色",
            transmission="manual",
            use_nature="非营运",
            owned_from=since,
            owned_until=None,
        ),
    )


def some_vin() -> str:
    plain = f"LSVWY418.KN{next(_numbers):06}"
    return plain.replace(".", vin.check_digit(plain.replace(".", "0")))


def referred(
    uow: UnitOfWork,
    shop: Shop,
    owner: UUID,
    buyer: str | None = None,
    *,
    days_ago: float = 0,
    mentioned_before: timedelta = timedelta(hours=1),
    ordered_after: timedelta = timedelta(days=3),
    bought: str | None = None,
    **columns: Any,
) -> Referral:
    """A referral whose car was handed over, unless `columns` say otherwise."""
    key, number = new_id(), mobile.canonical(buyer or phone())
    submitted = uow.now - timedelta(days=days_ago)
    slip = Slip(
        owner_name="赵六",
        owner_phone="13800138000",
        owner_model="速腾",
        owner_colour="白色",
        mentioned_at=submitted - mentioned_before,
        how_helped="推荐到店试驾",
        relation="同事",
        buyer_occupation="教师",
    )
    sealed, hashed = freeze(uow, slip, key)
    registered = submitted + timedelta(hours=1)
    row = Referral(
        **{
            "id": key,
            "dealer_id": uow.dealer_id,
            "state": "delivered",
            "version": 1,
            "consultant_id": shop.people["consultant"],
            "team": "sales-a",
            "consent_version": "2026-01",
            "buyer_name": uow.seal("钱七", column="referral.buyer_name", row=key),
            "buyer_phone": uow.seal(number, column="referral.buyer_phone", row=key),
            "buyer_phone_index": uow.blind(number, column="phone"),
            "buyer_first_visit_on": submitted.date(),
            "slip": sealed,
            "slip_hash": hashed,
            "submitted_at": submitted,
            "owner_id": owner,
            "confirmed_by": shop.people["duty_manager"],
            "registered_at": registered,
            "ordered_at": registered + ordered_after,
            "delivered_at": registered + ordered_after + timedelta(days=7),
            "bought_vin_index": uow.blind(bought, column="vin") if bought else None,
            "review": [],
        }
        | columns
    )
    uow.session.add(row)
    uow.session.flush()
    return row
