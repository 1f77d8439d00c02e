"""Nobody decides about himself or a relative he declared (referral.md, section 6.16)."""

import uuid

import pytest
from sqlalchemy import text

from tests.support import story
from tests.support.justice import bench, doubted, said
from tests.support.past import at_work
from tests.support.shop import Shop, hire
from tests.support.story import ok

BUYER, OWNER = "13900139000", "13800138000"


def declared(shop: Shop, person: uuid.UUID, phone: str, role: str = "dealer_admin") -> None:
    ok(shop.post(role, f"/v1/staff/{person}/relatives", {"phone": phone}))


@pytest.mark.parametrize("phone", [BUYER, OWNER], ids=["the buyer", "the owner"])
@pytest.mark.parametrize("role", ["dealer_admin", "crm"])
def test_a_duty_manager_does_not_confirm_the_referral_of_his_relative(
    shop: Shop, phone: str, role: str
) -> None:
    story.owner(shop)
    referral = story.submitted(shop)
    declared(shop, shop.people["duty_manager"], phone, role)
    path = f"/v1/referrals/{referral['id']}/confirmations"
    answer = shop.post("duty_manager", path, version=referral["version"])
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (403, "party_or_relative")
    other = hire(shop, "duty_manager")
    done = shop.post("duty_manager", path, version=referral["version"], subject=other)
    assert ok(done)["state"] == "registered"


def test_a_judge_stands_aside_for_his_relative(shop: Shop) -> None:
    referral = doubted(shop)
    (judge,) = bench(shop, 1)
    declared(shop, judge, BUYER)
    answer = said(shop, referral, "accept", judge)
    assert (answer.status_code, answer.json["code"]) == (403, "party_or_relative")


def test_a_declaration_keeps_no_number_and_is_made_once(shop: Shop) -> None:
    person = shop.people["duty_manager"]
    for phone in (BUYER, f"+86{BUYER}"):
        declared(shop, person, phone)
    with at_work(shop) as uow:
        kept = uow.session.scalars(text("SELECT t::text FROM staff_relative t")).all()
        trail = uow.session.scalars(text("SELECT details::text FROM audit_event")).all()
    assert len(kept) == 1
    assert not [row for row in (*kept, *trail) if BUYER in row]


@pytest.mark.parametrize(("phone", "code"), [("12345", "mobile_invalid")])
def test_what_is_no_mobile_number_is_refused(shop: Shop, phone: str, code: str) -> None:
    path = f"/v1/staff/{shop.people['consultant']}/relatives"
    answer = shop.post("dealer_admin", path, {"phone": phone})
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (422, code)
