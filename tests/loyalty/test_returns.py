"""Returns over HTTP: never more than was earned, arrears that later credits settle, shortfalls."""

import uuid
from typing import Any

import pytest

from kernel.database import owner_session
from loyalty.finance.partners import make_partners
from loyalty.points.proof import prove
from tests.loyalty.test_races import at_once
from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.earning import account, earned, give_back, line, returned, rule, statement
from tests.support.shop import Shop

OUTCOME = ("reversed", "taken", "owed", "written_off", "expired")


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def outcome(answer: dict[str, Any]) -> tuple[int, ...]:
    return tuple(answer[name] for name in OUTCOME)


def send(shop: Shop, body: dict[str, Any]) -> Any:
    return shop.post("crm", "/v1/document-returns", body)


def spend(shop: Shop, member: uuid.UUID, points: int) -> None:
    reward = story.reward(shop, points=points)
    body = {"member_id": str(member), "reward_id": reward}
    story.ok(shop.post("owner", "/v1/redemptions", body, subject=member))


def no_proof_is_broken(shop: Shop) -> bool:
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        return [finding.says for finding in prove(session) if finding.count] == []


def test_partial_returns_take_back_what_is_no_longer_earned_and_no_point_more(shop: Shop) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(100), line(50, "warranty"))
    fens = [1, 3_333, 3_333, 3_333]
    got = [returned(shop, document, (0, fen))["reversed"] for fen in fens]
    assert got == [1, 33, 33, 33]
    assert account(shop, member)["available"] == 0
    assert returned(shop, document, (1, 5_000))["reversed"] == 0
    assert no_proof_is_broken(shop)


def test_a_return_takes_the_points_from_the_lot_of_its_own_document(shop: Shop) -> None:
    member = story.member(shop)
    other = earned(shop, member, line(70), occurred_on="2025-03-01")
    document = earned(shop, member, line(100))
    assert outcome(returned(shop, document, (0, 4_000))) == (40, 40, 0, 0, 0)
    entry = statement(shop, member)[0]
    assert (entry["kind"], entry["points"]) == ("clawback", -40)
    assert [each["lot_id"] for each in entry["lots"]] == [document["grants"][0]["lot_id"]]
    assert other["points"] == 70


def test_more_than_a_line_has_left_is_refused_whole(shop: Shop) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(100))
    returned(shop, document, (0, 6_000))
    for parts in ([(0, 4_001)], [(0, 2_001), (0, 2_000)], [(1, 1)]):
        answer = send(shop, give_back(shop, document, *parts))
        assert code(answer) == (422, "return_exceeds_line")
    assert account(shop, member)["available"] == 40


def test_a_repeated_return_is_answered_with_its_first_result_and_a_changed_one_refused(
    shop: Shop,
) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(100))
    body = give_back(shop, document, (0, 3_000))
    first = story.ok(send(shop, body))
    assert story.ok(send(shop, body), 200) == first
    changed = body | {"lines": [{"line": 0, "amount": earning.money(2_000)}]}
    assert code(send(shop, changed)) == (409, "document_changed")
    taken = body | {"external_ref": document["external_ref"]}
    assert code(send(shop, taken)) == (409, "document_changed")
    assert account(shop, member)["available"] == 70
    shown = story.ok(shop.get("finance", f"/v1/documents/{first['id']}"), 200)
    assert (shown["kind"], shown["points"], shown["returns_id"]) == ("return", -30, document["id"])


def test_points_already_spent_become_arrears_and_the_next_credit_settles_them(shop: Shop) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(100))
    spend(shop, member, 80)
    assert outcome(returned(shop, document, (0, 10_000))) == (100, 20, 80, 0, 0)
    owing = account(shop, member)
    assert (owing["available"], owing["arrears"]) == (0, 80)
    earned(shop, member, line(50))
    assert (account(shop, member)["available"], account(shop, member)["arrears"]) == (0, 30)
    earned(shop, member, line(50))
    assert (account(shop, member)["available"], account(shop, member)["arrears"]) == (20, 0)
    kinds = [each["kind"] for each in statement(shop, member)]
    assert kinds == [
        *("arrears", "accrual", "arrears", "accrual"),
        *("clawback", "redemption", "accrual"),
    ]
    assert no_proof_is_broken(shop)


def test_by_the_policy_clamp_the_shortfall_is_written_off(shop: Shop) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(100))
    spend(shop, member, 80)
    answer = returned(shop, document, (0, 10_000), policy="clamp")
    assert outcome(answer) == (100, 20, 0, 80, 0)
    assert account(shop, member)["arrears"] == 0
    earned(shop, member, line(50))
    assert account(shop, member)["available"] == 50
    assert no_proof_is_broken(shop)


def test_no_debt_arises_from_points_that_had_expired(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(100))
    clock.add(days=800)
    assert outcome(returned(shop, document, (0, 10_000))) == (100, 0, 0, 0, 100)
    assert account(shop, member)["arrears"] == 0
    assert no_proof_is_broken(shop)


def test_pending_points_are_taken_back_before_they_begin(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    earning.spend_rule(shop, pending={"days": 14})
    document = earned(shop, member, line(100))
    assert outcome(returned(shop, document, (0, 4_000))) == (40, 40, 0, 0, 0)
    assert account(shop, member)["pending"] == 60
    clock.add(days=14)
    assert account(shop, member)["available"] == 60


@pytest.mark.parametrize(("days", "reversed_"), [(30, 500), (61, 0)])
def test_points_whose_event_never_came_leave_nothing_to_take_back(
    shop: Shop, clock: TestClock, days: int, reversed_: int
) -> None:
    member = story.member(shop)
    pending = {"event": "car_delivered", "cancel_after_days": 60}
    award = {"kinds": ["car_purchase"], "payers": ["warranty"], "award": {"flat": 500}}
    earning.rule(shop, "deposit", award | {"pending": pending})
    document = earned(shop, member, line(10_000, "warranty"), kind="car_purchase")
    clock.add(days=days)
    assert returned(shop, document, (0, 1_000_000))["reversed"] == reversed_
    assert account(shop, member)["arrears"] == 0
    assert no_proof_is_broken(shop)


def test_what_a_multiplier_added_goes_back_with_what_it_multiplied(shop: Shop) -> None:
    member = story.member(shop)
    double = {"kinds": ["service_order"], "award": {"multiplier_percent": 200}}
    earning.rule(shop, "double", double | {"caps": {"per_document": 80}})
    document = earned(shop, member, line(100))
    assert document["points"] == 180
    assert returned(shop, document, (0, 1_000))["reversed"] == 10
    assert returned(shop, document, (0, 5_000))["reversed"] == 90
    assert returned(shop, document, (0, 4_000))["reversed"] == 80
    assert account(shop, member)["available"] == 0


def test_a_rule_changed_meanwhile_does_not_change_what_a_return_takes(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    earning.spend_rule(shop, award={"per_yuan": {"points": 3, "per_fen": 100}})
    document = earned(shop, member, line(100))
    clock.add(days=1)
    earning.spend_rule(shop)
    assert returned(shop, document, (0, 5_000))["reversed"] == 150


def test_16_partial_returns_at_once_never_undo_more_than_was_earned(shop: Shop) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(100))
    bodies = [give_back(shop, document, (0, 1_500)) for _ in range(16)]
    seen = at_once(16, lambda number: int(send(shop, bodies[number]).status_code))
    assert seen == {201: 6, 422: 10}
    assert account(shop, member)["available"] == 10
    assert no_proof_is_broken(shop)


@pytest.mark.parametrize(
    ("facts", "refused"),
    [
        ({"document": {"source": "dms", "id": "nowhere"}}, (404, "document_not_found")),
        ({"occurred_on": "2020-01-01"}, (422, "return_before_document")),
        ({"occurred_on": "2199-01-01"}, (422, "occurred_in_the_future")),
        ({"external_ref": {"source": "clawback", "id": "1"}}, (422, "source_reserved")),
    ],
)
def test_a_return_that_makes_no_sense_is_refused(
    shop: Shop, facts: dict[str, Any], refused: tuple[int, str]
) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(100))
    assert code(send(shop, give_back(shop, document, (0, 100)) | facts)) == refused


def test_a_return_is_not_itself_returned(shop: Shop) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(100))
    back = returned(shop, document, (0, 100))
    assert code(send(shop, give_back(shop, back, (0, 100)))) == (404, "document_not_found")


def test_a_return_is_borne_by_each_issuer_for_what_he_gave(shop: Shop, other_shop: Shop) -> None:
    joined(shop, other_shop)
    flat_partner = {
        "kinds": ["service_order"],
        "award": {"per_yuan": {"points": 1, "per_fen": 100}},
        "issuer": str(other_shop.dealer_id),
    }
    rule(shop, "partner_bonus", flat_partner)
    member = story.member(shop)
    document = earned(shop, member, line(100))
    assert document["points"] == 200
    spend(shop, member, 200)
    assert returned(shop, document, (0, 3_000))["owed"] == 60
    path = f"/v1/members/{member}/statement"
    lines = story.ok(shop.get("owner", path, subject=member, kind="clawback"), 200)["items"]
    assert sorted(each["points"] for each in lines) == [-30, -30]
    assert no_proof_is_broken(shop)


def joined(shop: Shop, other: Shop) -> None:
    with owner_session(shop.service.settings.database_url) as session:
        make_partners(session, f"t-{shop.dealer_id.hex}", f"t-{other.dealer_id.hex}")
