"""What is noticed about a referral in the database, what it leads to, and who may read it."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.members.change import MemberChange, change_member
from referral.call_models import Callback, Draw
from referral.evidence.models import LicencePhoto
from referral.models import ConsultantCase, LicenceCheck, Referral, ReferralReward
from referral.risk.assess import Assessment, assess
from referral.risk.queries import assessments
from referral.rules.risk import DUAL_FROM, Choice
from tests.support.past import at_work, car, person, phone, referred, some_vin
from tests.support.shop import Shop, hire


def facts_of(found: Assessment) -> dict[str, dict[str, int]]:
    return {signal.code: dict(signal.facts) for signal in found.signals}


def codes(found: Assessment) -> list[str]:
    return [signal.code for signal in found.signals]


def looked_at(uow: UnitOfWork, shop: Shop, **columns: Any) -> list[str]:
    """What an otherwise ordinary referral shows."""
    return codes(assess(uow, referred(uow, shop, person(uow), **columns)))


def test_an_ordinary_referral_shows_nothing(shop: Shop) -> None:
    with at_work(shop) as uow:
        found = assess(uow, referred(uow, shop, person(uow)))
    assert found == Assessment(0, Choice.NONE, ())


def test_a_consultant_who_reports_far_more_than_his_team_is_noticed(shop: Shop) -> None:
    """But not the colleagues, and not when all report as much as he does."""
    team = [hire(shop, "consultant") for _ in range(3)]
    with at_work(shop) as uow:
        for colleague in team:
            referred(uow, shop, person(uow), days_ago=1, consultant_id=colleague)
        many = [referred(uow, shop, person(uow), days_ago=2 + n / 10) for n in range(6)]
        assert facts_of(assess(uow, many[0])) == {
            "consultant_busy_week": {
                "consultant_reports_7d": 6,
                "usual_reports_7d": 1,
                "limit": 6,
            }
        }
        quiet = referred(uow, shop, person(uow), consultant_id=team[0])
        assert codes(assess(uow, quiet)) == []
        for colleague in team:
            for _ in range(4):
                referred(uow, shop, person(uow), days_ago=1.5, consultant_id=colleague)
        assert codes(assess(uow, many[0])) == []


def test_an_owner_named_again_and_again_within_a_month_is_noticed(shop: Shop) -> None:
    with at_work(shop) as uow:
        owner = person(uow)
        made = [
            referred(uow, shop, owner, days_ago=9 - 3 * n, consultant_id=hire(shop, "consultant"))
            for n in range(3)
        ]
        assert codes(assess(uow, made[-1])) == []
        fourth = referred(uow, shop, owner, consultant_id=hire(shop, "consultant"))
        assert codes(assess(uow, fourth)) == ["owner_busy_month"]


def test_one_number_behind_many_members_calls_both_parties(shop: Shop) -> None:
    with at_work(shop) as uow:
        shared = phone()
        owner, _ = person(uow, shared), person(uow, shared)
        referral = referred(uow, shop, owner)
        family = assess(uow, referral)
        assert (codes(family), family.choice) == (["owner_phone_shared"], Choice.NONE)
        person(uow, shared)
        many = assess(uow, referral)
        assert codes(many) == ["owner_phone_shared", "owner_phone_of_many"]
        assert (many.points, many.choice) == (DUAL_FROM, Choice.DUAL)


def test_a_buyer_whose_number_was_an_owners_before_is_looked_at_closely(shop: Shop) -> None:
    with at_work(shop) as uow:
        number = phone()
        former = person(uow, number)
        referred(uow, shop, former, days_ago=60)
        found = assess(uow, referred(uow, shop, person(uow), number))
        assert (codes(found), found.choice) == (["buyer_phone_of_owner"], Choice.DUAL)


def test_a_buyer_who_became_an_owner_and_recommends_in_turn_is_welcome(shop: Shop) -> None:
    """The best customer there is: referred, satisfied, and now referring others."""
    with at_work(shop) as uow:
        number = phone()
        first = referred(uow, shop, person(uow), number, days_ago=60)
        became = person(uow, number)
        onward = [referred(uow, shop, became, days_ago=days) for days in (20, 0)]
        assert [codes(assess(uow, each)) for each in (first, *onward)] == [[], [], []]


def test_a_number_reported_for_buyer_after_buyer_is_noticed(shop: Shop) -> None:
    with at_work(shop) as uow:
        number = phone()
        for days in (90, 60):
            found = looked_at(uow, shop, buyer=number, days_ago=days, state="expired")
            assert "buyer_phone_repeated" not in found
        assert looked_at(uow, shop, buyer=number) == ["buyer_phone_repeated"]


def test_two_owners_who_refer_each_other_are_a_ring(shop: Shop) -> None:
    """The way back hides behind another number; the car bought tells whose it is."""
    with at_work(shop) as uow:
        zhang, number, way_back = person(uow), phone(), some_vin()
        there = referred(uow, shop, zhang, number, days_ago=200)
        li = person(uow, number)
        assert codes(assess(uow, there)) == []
        back = referred(uow, shop, li, bought=way_back)
        assert codes(assess(uow, back)) == []
        car(uow, zhang, way_back, uow.today)
        for each in (there, back):
            found = assess(uow, each)
            assert (codes(found), found.choice) == (["circle"], Choice.ADJUDICATE)
            assert facts_of(found)["circle"]["circle_people"] == 2


def test_a_circle_of_three_is_found_and_a_bystander_is_not_in_it(shop: Shop) -> None:
    with at_work(shop) as uow:
        first, (second_phone, third_phone), last_car = person(uow), (phone(), phone()), some_vin()
        made = [referred(uow, shop, first, second_phone, days_ago=500)]
        second = person(uow, second_phone)
        made.append(referred(uow, shop, second, third_phone, days_ago=300))
        third = person(uow, third_phone)
        made.append(referred(uow, shop, third, days_ago=10, bought=last_car))
        bystander = referred(uow, shop, second, days_ago=50)
        assert {code for each in made for code in codes(assess(uow, each))} == set()
        car(uow, first, last_car, uow.today)
        assert [codes(assess(uow, each)) for each in made] == [["circle"]] * 3
        found = assess(uow, bystander)
        assert (codes(found), found.choice) == (["circle_nearby"], Choice.NONE)


@pytest.mark.parametrize(
    ("days_ago", "state", "rings"),
    [(200, "delivered", True), (800, "delivered", False), (200, "cancelled", False)],
)
def test_circles_of_long_ago_and_sales_that_never_were_close_no_ring(
    shop: Shop, days_ago: int, state: str, rings: bool
) -> None:
    with at_work(shop) as uow:
        owner, number, way_back = person(uow), phone(), some_vin()
        referred(uow, shop, owner, number, days_ago=days_ago, state=state)
        back = referred(uow, shop, person(uow, number), bought=way_back)
        car(uow, owner, way_back, uow.today)
        assert ("circle" in codes(assess(uow, back))) is rings


def test_who_buys_the_car_used_years_later_is_no_party_of_the_sale(shop: Shop) -> None:
    with at_work(shop) as uow:
        owner, vin = person(uow), some_vin()
        sold = referred(uow, shop, owner, days_ago=300, bought=vin)
        car(uow, owner, vin, uow.today)
        assert codes(assess(uow, sold)) == []


def test_an_honest_dealer_is_rarely_troubled(shop: Shop) -> None:
    """Thirty ordinary referrals of a quarter: four consultants, owners with one to three friends,
    two families with one number, somebody new with a virtual number, one late report."""
    team = [shop.people["consultant"], *(hire(shop, "consultant") for _ in range(3))]
    with at_work(shop) as uow:
        home = [phone(), phone()]
        owners = [person(uow, home[n % 2] if n < 4 else None) for n in range(18)]
        made = [
            referred(
                uow,
                shop,
                owners[n % 18],
                f"170{n:08}" if n == 7 else None,
                days_ago=3 * n,
                consultant_id=team[n % 4],
                mentioned_before=timedelta(hours=80 if n == 11 else 2),
                state="rewarded" if n > 5 else "delivered",
                verified_at=uow.now if n > 5 else None,
                checked_by=shop.people["showroom_manager"] if n > 5 else None,
                callback_agent_id=shop.people["callback_agent"] if n > 5 else None,
                paid_by=shop.people["finance"] if n > 5 else None,
            )
            for n in range(30)
        ]
        found = [assess(uow, each) for each in made]
    assert Counter(each.choice for each in found) == {Choice.NONE: 30}
    assert max(each.points for each in found) < DUAL_FROM
    assert any(each.points for each in found)


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ({"ordered_after": timedelta(minutes=29, seconds=59)}, ["order_at_once"]),
        ({"ordered_after": timedelta(minutes=30)}, []),
        ({"mentioned_before": timedelta(hours=72)}, ["reported_late"]),
        ({"mentioned_before": timedelta(hours=71, minutes=59)}, []),
        ({"buyer": "16212345678"}, ["virtual_number"]),
        ({"review": ["buyer_existing_lead"]}, ["review_flagged"]),
        ({"review": ["nomination_mismatch"]}, ["nomination_doubtful"]),
        ({"review": ["risk_high", "ring_suspected"]}, []),
    ],
)
def test_times_numbers_and_flags_are_noticed(
    shop: Shop, columns: dict[str, Any], shown: list[str]
) -> None:
    with at_work(shop) as uow:
        assert looked_at(uow, shop, **columns) == shown


def test_an_owner_whose_number_was_changed_lately_is_not_asked_alone(shop: Shop) -> None:
    with at_work(shop) as uow:
        owner = person(uow)
        referral = referred(uow, shop, owner)
        change_member(uow, owner, MemberChange(phone=phone()), version=1, cooling_days=30)
        found = assess(uow, referral)
    assert (codes(found), found.choice) == (["owner_phone_new"], Choice.DUAL)


def check(uow: UnitOfWork, shop: Shop, referral: Referral, vehicle: UUID, *flags: str) -> None:
    uow.session.add(
        LicenceCheck(
            referral_id=referral.id,
            attempt=1,
            dealer_id=uow.dealer_id,
            checked_by=shop.people["showroom_manager"],
            checked_at=uow.now,
            verdicts={},
            passed=True,
            vehicle_id=vehicle,
            typed=[],
            flags=list(flags),
        )
    )


def test_one_car_behind_two_owners_calls_both_parties_but_not_behind_two_friends(
    shop: Shop,
) -> None:
    with at_work(shop) as uow:
        first, second, vin = person(uow), person(uow), some_vin()
        vehicle = new_id()
        car(uow, first, vin, uow.today)
        own = [referred(uow, shop, first, days_ago=days) for days in (40, 20)]
        for each in own:
            check(uow, shop, each, vehicle)
        assert codes(assess(uow, own[1])) == []
        strange = referred(uow, shop, second)
        check(uow, shop, strange, vehicle, "issued_after_report")
        found = assess(uow, strange)
        assert codes(found) == ["licence_elsewhere", "licence_remarks"]
        assert found.choice is Choice.DUAL


def photo(uow: UnitOfWork, referral: Referral, number: int, **columns: Any) -> UUID:
    row = LicencePhoto(
        **{
            "id": new_id(),
            "dealer_id": uow.dealer_id,
            "referral_id": referral.id,
            "uploaded_by": "somebody",
            "uploaded_as": "owner",
            "received_at": uow.now,
            "upload_hash": number.to_bytes(32, "big"),
            "pixel_hash": number.to_bytes(32, "big"),
            "gradient_hash": number,
            "frequency_hash": number,
            "outcome": "read",
            "fields": {},
            "flags": [],
            "sealed": b"",
        }
        | columns
    )
    uow.session.add(row)
    uow.session.flush()
    return row.id


def test_a_photo_seen_for_another_owner_is_noticed_and_ones_own_is_not(shop: Shop) -> None:
    with at_work(shop) as uow:
        first, second = person(uow), person(uow)
        seen = referred(uow, shop, first, days_ago=40)
        key = photo(uow, seen, 1, vin_index=b"one")
        again, strange, same_car = (
            referred(uow, shop, owner) for owner in (first, second, person(uow))
        )
        photo(uow, again, 1, outcome="reused", reuse_of=key, vin_index=b"one")
        photo(uow, strange, 2, near_duplicate_of=key)
        photo(uow, same_car, 3, vin_index=b"one")
        assert codes(assess(uow, again)) == ["licence_elsewhere"]
        assert codes(assess(uow, strange)) == ["photo_seen_before"]
        assert codes(assess(uow, same_car)) == ["licence_elsewhere"]


def test_the_next_reward_decides_whether_both_are_called(shop: Shop) -> None:
    """The sixth one is 500 points, which this dealer calls large."""
    with at_work(shop) as uow:
        owner = person(uow)
        for nth in range(1, 6):
            before = referred(uow, shop, owner, days_ago=100 * nth)
            uow.session.add(
                ReferralReward(
                    id=new_id(),
                    dealer_id=uow.dealer_id,
                    referral_id=before.id,
                    member_id=owner,
                    rule_id="referral_reward_ladder",
                    rule_version=1,
                    nth=nth,
                    points=400,
                    state="held",
                    held_at=uow.now,
                    release_at=uow.now,
                )
            )
            uow.session.flush()
            referral = referred(uow, shop, owner, state="registered", ordered_at=None,
                                delivered_at=None)  # fmt: skip
            found = assess(uow, referral)
            referral.state = "expired"
            if nth == 4:
                assert "large_reward" not in codes(found)
        assert "large_reward" in codes(found)
        assert facts_of(found)["large_reward"]["reward_points"] == 500
        assert found.choice is Choice.DUAL
        assert "large_reward" not in codes(assess(uow, before))


def test_a_consultant_with_an_open_case_has_both_parties_called(shop: Shop) -> None:
    with at_work(shop) as uow:
        before = referred(uow, shop, person(uow), days_ago=50)
        case = ConsultantCase(
            id=new_id(),
            dealer_id=uow.dealer_id,
            referral_id=before.id,
            consultant_id=before.consultant_id,
            reason="callback_two_wrong",
            state="open",
            opened_at=uow.now,
        )
        uow.session.add(case)
        found = assess(uow, referred(uow, shop, person(uow)))
    assert (codes(found), found.points, found.choice) == (["consultant_on_watch"], 10, Choice.DUAL)


def decided(uow: UnitOfWork, shop: Shop, number: int, state: str, **columns: Any) -> Referral:
    """A referral of some weeks ago that ended in this state."""
    done = {
        "verified_at": uow.now,
        "checked_by": shop.people["showroom_manager"],
        "callback_agent_id": shop.people["callback_agent"],
    }
    return referred(
        uow, shop, person(uow), days_ago=40 + 4 * (number % 30), state=state, **done | columns
    )


def test_a_consultant_whose_referrals_fail_far_more_often_is_noticed(shop: Shop) -> None:
    other = hire(shop, "consultant")
    with at_work(shop) as uow:
        for number in range(20):
            decided(uow, shop, number, "verified", consultant_id=other)
        for number in range(2):
            decided(uow, shop, number, "verified")
        for number in range(4):
            decided(uow, shop, number, "failed", reason="callback_two_wrong")
        found = assess(uow, referred(uow, shop, person(uow)))
        assert codes(found) == ["consultant_often_fails"]
        assert facts_of(found)["consultant_often_fails"]["consultant_judged"] == 6
        assert looked_at(uow, shop, consultant_id=other) == []


def call(uow: UnitOfWork, referral: Referral, agent: UUID, result: str) -> None:
    draw = Draw(
        referral_id=referral.id,
        purpose="callback",
        dealer_id=uow.dealer_id,
        party="buyer",
        commitment=b"",
        catalogue_hash="",
        selector_version="1",
        entropy_on=uow.today,
        seed=b"",
        drawn_at=uow.now,
    )
    uow.session.add(draw)
    uow.session.flush()
    row = Callback(
        id=new_id(),
        dealer_id=uow.dealer_id,
        referral_id=referral.id,
        purpose="callback",
        party="buyer",
        agent_id=agent,
        state="closed",
        created_at=uow.now - timedelta(seconds=1),
        closed_at=uow.now,
        result=result,
    )
    uow.session.add(row)


def test_an_agent_whose_calls_all_pass_is_noticed_on_the_referrals_he_called(shop: Shop) -> None:
    lucky, plain = shop.people["callback_agent"], hire(shop, "callback_agent")
    with at_work(shop) as uow:
        for number in range(24):
            call(uow, decided(uow, shop, number, "verified"), lucky, "passed")
        for number in range(24):
            result = "passed" if number % 2 else "inconclusive"
            last = decided(uow, shop, number, "verified")
            call(uow, last, plain, result)
        mine = decided(uow, shop, 0, "verified")
        call(uow, mine, lucky, "passed")
        found = assess(uow, mine)
        assert "agent_passes_all" in codes(found)
        assert facts_of(found)["agent_passes_all"]["agent_calls"] == 25
        assert "agent_passes_all" not in codes(assess(uow, last))
    shown = statistics(shop)
    assert [(each["total"], each["passed"], each["flagged"]) for each in shown["agents"]] == sorted(
        [(25, 25, True), (24, 12, False)],
        key=lambda row: str(lucky if row[0] == 25 else plain),
    )


def statistics(shop: Shop, **query: str) -> dict[str, Any]:
    answer = shop.get("auditor", "/v1/risk-statistics", **query)
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_the_statistics_of_a_month_are_by_consultant_with_fair_bounds(shop: Shop) -> None:
    with at_work(shop) as uow:
        for number in range(4):
            decided(uow, shop, number, "verified", submitted_at=uow.now - timedelta(days=300))
        decided(uow, shop, 5, "failed", submitted_at=uow.now - timedelta(days=300))
        month = f"{uow.now.astimezone(uow.zone) - timedelta(days=300):%Y-%m}"
    shown = statistics(shop, month=month)
    assert shown == {
        "month": month,
        "consultants": [
            {
                "person_id": str(shop.people["consultant"]),
                "total": 5,
                "passed": 4,
                "failed": 1,
                "undecided": 0,
                "share_permille": 200,
                "low_permille": 36,
                "high_permille": 624,
                "flagged": False,
            }
        ],
        "agents": [],
    }
    assert statistics(shop)["consultants"] == []
    assert shop.get("auditor", "/v1/risk-statistics", month="2026-13").status_code in (400, 422)


def test_every_assessment_is_kept_with_its_breakdown_and_no_word_about_anybody(shop: Shop) -> None:
    """Looked at twice at one instant the same is found twice; nothing but numbers is kept."""
    with at_work(shop) as uow:
        referral = referred(uow, shop, person(uow), "17012345678", mentioned_before=timedelta(9))
        first, second = assess(uow, referral), assess(uow, referral)
        assert first == second
        kept = assessments(uow, referral.id)
        assert [(row.seq, row.points, row.choice) for row in kept] == [(1, 20, "none"),
                                                                      (2, 20, "none")]  # fmt: skip
        assert kept[0].signals == kept[1].signals
        for signal in kept[0].signals:
            assert all(type(value) is int for value in signal["facts"].values())
    answer = shop.get("dealer_admin", f"/v1/referrals/{referral.id}/risk")
    assert answer.status_code == 200
    assert [each["seq"] for each in answer.json["items"]] == [1, 2]
    late = answer.json["items"][0]["signals"][0]
    assert late["facts"] == {"hours_unreported": 216, "limit": 72}
    assert (late["title"], "216" in late["detail"]) == ("提及后很久才报备", True)
    english = shop.client().get(
        f"/v1/referrals/{referral.id}/risk",
        headers={"Authorization": f"Bearer {shop.token('auditor')}", "Accept-Language": "en"},
    )
    assert english.json["items"][0]["signals"][0]["title"] == "Reported long after it was mentioned"


@pytest.mark.parametrize(
    "role", ["consultant", "duty_manager", "callback_agent", "finance", "owner", "crm"]
)
def test_the_score_is_no_business_of_those_it_may_be_about(shop: Shop, role: str) -> None:
    with at_work(shop) as uow:
        owner = person(uow)
        referral = referred(uow, shop, owner)
        assess(uow, referral)
    subject = owner if role == "owner" else None
    answer = shop.get(role, f"/v1/referrals/{referral.id}/risk", subject=subject)
    assert answer.status_code == 403
