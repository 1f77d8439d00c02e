"""Rules as versions over HTTP: two people, effective days, late documents, what stands for ever."""

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations_with_replacement
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, text
from sqlalchemy.exc import DBAPIError

from loyalty.earning import rule_book
from loyalty.earning.models import EarningRule
from loyalty.earning.rules.body import dump, parse
from loyalty.earning.rules.rule import STANDARD_RULE, Rule, in_force
from tests.loyalty.test_races import at_once
from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.earning import day, draft, earned, line, publish, why
from tests.support.finance import work
from tests.support.shop import Shop, hire

ONE_A_YUAN = {"kinds": ["service_order"], "award": {"per_yuan": {"points": 1, "per_fen": 100}}}
TWO_A_YUAN = {"kinds": ["service_order"], "award": {"per_yuan": {"points": 2, "per_fen": 100}}}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def publication(shop: Shop, rule: dict[str, Any], **who: Any) -> Any:
    path = f"/v1/earning-rules/{rule['id']}/publications"
    return shop.post("programme_admin", path, **who)


def end(shop: Shop, rule: dict[str, Any], on: str) -> Any:
    path = f"/v1/earning-rules/{rule['id']}/ends"
    return shop.post("programme_admin", path, {"effective_until": on})


def test_a_draft_counts_for_nothing_until_another_person_publishes_it(shop: Shop) -> None:
    member = story.member(shop)
    rule = draft(shop, "extra", ONE_A_YUAN)
    assert (rule["state"], rule["version"], rule["publisher_id"]) == ("draft", 1, None)
    assert rule["body"]["expiry"] == {"mode": "rolling", "months": 24, "round": "month"}
    assert earned(shop, member, line(10))["points"] == 10
    published = publish(shop, rule)
    assert published["state"] == "published"
    assert published["author_id"] == str(shop.people["dealer_admin"])
    assert published["publisher_id"] == str(shop.people["programme_admin"])
    assert earned(shop, member, line(10))["points"] == 20


def test_the_author_cannot_publish_his_own_rule(shop: Shop) -> None:
    body = {"code": "mine", "body": ONE_A_YUAN, "effective_from": day(shop)}
    rule = story.ok(shop.post("programme_admin", "/v1/earning-rules", body))
    assert code(publication(shop, rule)) == (403, "separation_of_duties")
    other = hire(shop, "programme_admin")
    assert publication(shop, rule, subject=other).status_code == 201


def test_the_database_itself_refuses_an_author_who_publishes(shop: Shop) -> None:
    rule = draft(shop, "mine", ONE_A_YUAN)
    engine = create_engine(shop.service.settings.database_url)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="two_people"):
        connection.execute(
            text(
                "UPDATE earning_rule SET state = 'published', publisher_id = author_id,"
                " published_at = now() WHERE id = :id"
            ),
            {"id": rule["id"]},
        )
    engine.dispose()


@pytest.mark.parametrize("change", ["body = '{}'", "effective_from = effective_from - 1"])
def test_what_was_published_stands_whoever_asks(shop: Shop, change: str) -> None:
    rule = earning.rule(shop, "stands", ONE_A_YUAN)
    engine = create_engine(shop.service.settings.database_url)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="stands"):
        connection.execute(
            text(f"UPDATE earning_rule SET {change} WHERE id = :id"),
            {"id": rule["id"]},
        )
    engine.dispose()


def test_a_rule_cannot_begin_on_a_day_that_has_passed(shop: Shop, clock: TestClock) -> None:
    rule = draft(shop, "late", ONE_A_YUAN)
    clock.add(days=1)
    assert code(publication(shop, rule)) == (422, "effective_in_the_past")
    assert publication(shop, draft(shop, "late", ONE_A_YUAN)).status_code == 201


def test_a_late_document_meets_the_version_of_its_own_day(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    first = earning.rule(shop, "standard_spend", ONE_A_YUAN)
    today, tomorrow = day(shop), day(shop, 1)
    second = earning.rule(shop, "standard_spend", TWO_A_YUAN, effective_from=tomorrow)
    assert (first["version"], second["version"]) == (2, 3)
    taken = earned(shop, member, line(10))
    clock.add(days=3)
    late = earned(shop, member, line(10), occurred_on=today)
    new = earned(shop, member, line(10), occurred_on=tomorrow)
    oldest = earned(shop, member, line(10), occurred_on="2025-03-01")
    shown = [(each["points"], each["rule_version"]) for each in (taken, late, new, oldest)]
    assert shown == [(10, 2), (10, 2), (20, 3), (10, 1)]
    again = shop.get("crm", f"/v1/documents/{taken['id']}")
    assert story.ok(again, 200) == taken


def test_late_points_last_from_their_own_day(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    body = ONE_A_YUAN | {"expiry": {"mode": "rolling", "months": 12, "round": "day"}}
    earning.rule(shop, "standard_spend", body)
    today = day(shop)
    clock.add(days=30)
    earned(shop, member, line(10), occurred_on=today)
    entry = earning.statement(shop, member)[0]
    assert entry["business_on"] == today
    assert entry["lots"][0]["expires_on"][:4] == str(int(today[:4]) + 1)


def test_a_published_rule_is_ended_once_and_from_tomorrow_at_the_earliest(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    rule = earning.rule(shop, "standard_spend", TWO_A_YUAN)
    assert code(end(shop, rule, day(shop))) == (422, "effective_in_the_past")
    tomorrow = day(shop, 1)
    assert story.ok(end(shop, rule, tomorrow))["effective_until"] == tomorrow
    assert code(end(shop, rule, day(shop, 9))) == (409, "rule_end_set")
    assert earned(shop, member, line(10))["points"] == 20
    today = day(shop)
    clock.add(days=1)
    after = earned(shop, member, line(10))
    assert (after["points"], after["rule_version"]) == (10, 1)
    assert earned(shop, member, line(10), occurred_on=today)["points"] == 20


def test_only_what_is_published_is_ended_and_never_before_it_begins(shop: Shop) -> None:
    rule = draft(shop, "later", ONE_A_YUAN, effective_from=day(shop, 10))
    assert code(end(shop, rule, day(shop, 20))) == (409, "rule_not_published")
    publish(shop, rule)
    assert code(publication(shop, rule)) == (409, "rule_not_draft")
    assert code(end(shop, rule, day(shop, 10))) == (422, "effective_until_not_after_from")
    assert end(shop, rule, day(shop, 11)).status_code == 201


@pytest.mark.parametrize(
    ("facts", "refused", "pointer"),
    [
        ({"body": {"kinds": ["service_order"]}}, "rule_invalid", "/body/award"),
        ({"body": ONE_A_YUAN | {"tier": ["gold"]}}, "rule_invalid", "/body/tier"),
        ({"body": ONE_A_YUAN | {"minimum_fen": True}}, "rule_invalid", "/body/minimum_fen"),
        ({"body": ONE_A_YUAN | {"issuer": str(uuid.uuid4())}}, "issuer_unknown", "/body/issuer"),
        ({"code": "opening_balance"}, "rule_code_reserved", "/code"),
        ({"effective_until": "2030-01-01"}, "effective_until_not_after_from", "/effective_until"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_where_it_does_not(
    shop: Shop, facts: dict[str, Any], refused: str, pointer: str
) -> None:
    told = {"code": "new", "body": ONE_A_YUAN, "effective_from": "2030-01-01"} | facts
    answer = shop.post("showroom_manager", "/v1/earning-rules", told)
    assert code(answer) == (422, refused)
    assert answer.json is not None
    assert answer.json["errors"][0]["pointer"] == pointer


def test_the_points_of_a_partner_are_issued_by_the_partner(shop: Shop, other_shop: Shop) -> None:
    engine = create_engine(shop.service.settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO dealer_partner VALUES (:us, :them, 'oem', '总部')"),
            {"us": shop.dealer_id, "them": other_shop.dealer_id},
        )
    member = story.member(shop)
    earning.spend_rule(shop, "oem", issuer=str(other_shop.dealer_id), unit_cost_fen="0.5000")
    earned(shop, member, line(10))
    with engine.connect() as connection:
        lots = connection.execute(
            text(
                "SELECT issuer_id, unit_cost_fen FROM point_lot"
                " WHERE member_id = :member AND rule_id = 'oem'"
            ),
            {"member": member},
        ).one()
    engine.dispose()
    assert (lots.issuer_id, str(lots.unit_cost_fen)) == (other_shop.dealer_id, "0.5000")


def test_drafts_of_one_rule_at_once_get_versions_of_their_own(shop: Shop) -> None:
    seen = at_once(8, lambda _: int(draft(shop, "many", ONE_A_YUAN)["version"]))
    assert seen == dict.fromkeys(range(1, 9), 1)


def test_a_version_is_published_once_though_two_press_at_once(shop: Shop) -> None:
    budget = ONE_A_YUAN | {"caps": {"budget": 10}}
    rule = draft(shop, "twice", budget)
    assert at_once(2, lambda _: publication(shop, rule).status_code) == {201: 1, 409: 1}


def test_every_version_is_listed_in_the_order_of_drafting(shop: Shop) -> None:
    for name in ("b", "a", "b"):
        draft(shop, name, ONE_A_YUAN)
    first = story.ok(shop.get("auditor", "/v1/earning-rules", limit="2"), 200)
    rest = story.ok(
        shop.get("auditor", "/v1/earning-rules", limit="2", cursor=first["next_cursor"]), 200
    )
    listed = [(each["code"], each["version"]) for each in first["items"] + rest["items"]]
    assert listed == [("b", 1), ("a", 1), ("b", 2)]


def test_exclusion_is_explained(shop: Shop) -> None:
    member = story.member(shop)
    earning.flat_rule(shop, "small", 10, group="survey")
    earning.flat_rule(shop, "big", 20, group="survey")
    document = earning.survey(shop, member)
    assert document["points"] == 20
    assert why(document) == {"big": None, "small": "excluded_by_group", "standard_spend": "kind"}


FIRST = date(2026, 3, 1)
SPANS: dict[str, list[tuple[int, int | None]]] = {
    "standard_spend": [(0, 2), (4, None), (4, None), (9, None)],
    "often": [(2, None), (5, 7), (5, 6), (3, None), (8, None)],
    "ended": [(1, 3)],
    "to_come": [(40, None)],
}
"""Versions by code, in their order: first day and first day without, counted from FIRST."""


def on(days: int) -> date:
    return FIRST + timedelta(days=days)


def versions() -> Iterator[Rule]:
    for code, spans in SPANS.items():
        for version, (first, until) in enumerate(spans, start=2):
            body = parse(ONE_A_YUAN)
            yield Rule(code, version, on(first), None if until is None else on(until), body)


def keep(shop: Shop, rules: list[Rule], **facts: Any) -> None:
    told = {"state": "published", "publisher_id": shop.people["programme_admin"]} | facts
    with work(shop) as uow:
        for rule in rules:
            row = {
                "dealer_id": shop.dealer_id,
                "code": rule.code,
                "version": rule.version,
                "id": uuid.uuid4(),
                "body": dump(rule.body),
                "effective_from": rule.effective_from,
                "effective_until": rule.effective_until,
                "author_id": shop.people["dealer_admin"],
                "created_at": uow.now,
                "published_at": uow.now if told["publisher_id"] else None,
            }
            uow.session.execute(insert(EarningRule).values(row | told))


def test_the_rules_of_any_days_are_chosen_from_every_version_published(shop: Shop) -> None:
    rules = list(versions())
    keep(shop, rules)
    unpublished = Rule("often", 90, on(0), None, parse(TWO_A_YUAN))
    keep(shop, [unpublished], state="draft", publisher_id=None)
    with work(shop) as uow:
        for first, last in combinations_with_replacement(range(-1, 11), 2):
            days = {on(first), on(last)}
            for each, chosen in rule_book.rules_of_days(uow, days).items():
                counted = {rule.code: rule for rule in [STANDARD_RULE, *in_force(rules, each)]}
                assert chosen == [rule for _, rule in sorted(counted.items())]
        assert rule_book.rules_of_days(uow, set()) == {}


def test_a_day_reads_one_version_of_each_rule_however_many_there_were(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(shop, list(versions()))
    read: list[list[Rule]] = []

    def seen(rules: list[Rule], day: date) -> list[Rule]:
        read.append(list(rules))
        return in_force(rules, day)

    monkeypatch.setattr(rule_book, "in_force", seen)
    with work(shop) as uow:
        rule_book.rules_on(uow, on(9))
    found = sorted((rule.code, rule.version) for rule in read[0])
    assert found == [("ended", 2), ("often", 6), ("standard_spend", 5)]
