"""Facts that a score counts: the owner can check them, and what was wrong is withdrawn."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import migrations
from kernel.database import owner_session
from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.earning import day, line, paper
from tests.support.shop import Shop, hire
from tests.support.tiers import LEVELS, MARKS, ORDERS, publish_scheme, scheme, standing, tell, words

MIGRATION = Path(migrations.__file__).with_name("versions") / "0011_tiers.sql"


def facts(shop: Shop, member: uuid.UUID, **query: str) -> dict[str, Any]:
    path = f"/v1/members/{member}/value-facts"
    return story.ok(shop.get("owner", path, subject=member, **query), 200)


def withdraw(shop: Shop, fact: str, role: str = "crm", **who: Any) -> Any:
    body = {"reason": "登记到了他人名下"}
    return shop.post(role, f"/v1/value-facts/{fact}/withdrawals", body, **who)


def test_an_owner_reads_every_fact_behind_his_score_and_a_return_names_its_order(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    ordered = day(shop)
    document = story.ok(shop.post("crm", "/v1/documents", paper(shop, member, line(1_000))))
    clock.add(days=3)
    returned = earning.returned(shop, document, (0, 40_000))
    told = story.ok(tell(shop, member, "satisfaction", marks=92))
    found = facts(shop, member)["items"]
    assert [(each["id"], each["kind"], each["happened_on"]) for each in found] == [
        (told["id"], "satisfaction", day(shop)),
        (returned["id"], "service_order", ordered),
        (document["id"], "service_order", ordered),
    ]
    assert [(each["marks"], each["paid"], each["corrects"]) for each in found] == [
        (92, None, False),
        (None, {"amount_fen": -40_000, "currency": "CNY"}, True),
        (None, {"amount_fen": 100_000, "currency": "CNY"}, False),
    ]
    assert [each["external_ref"] for each in found[1:]] == [None, None]
    first = facts(shop, member, limit="2")
    rest = facts(shop, member, cursor=first["next_cursor"])
    assert first["items"] + rest["items"] == found


def test_a_return_leaves_the_window_of_the_score_with_its_order(
    shop: Shop, clock: TestClock
) -> None:
    """An order of day 0 is returned on day 60; from day 100 on neither counts."""
    bands = [{"at_least": 100_000, "points": 100}]
    spent = ORDERS | {"measure": "sum", "window_days": 100, "bands": bands}
    ladder = scheme(LEVELS[:2])["ladder"]
    publish_scheme(shop, {"components": [spent, MARKS], "ladder": ladder})
    member = story.member(shop)
    document = story.ok(shop.post("crm", "/v1/documents", paper(shop, member, line(1_000))))
    clock.add(days=60)
    earning.returned(shop, document, (0, 100_000))
    assert standing(shop, member)["components"][0]["value"] == 0
    clock.add(days=50)
    earning.earned(shop, member, line(1_000))
    assert standing(shop, member)["components"][0]["value"] == 100_000


def test_a_withdrawn_fact_counts_for_nothing_and_the_right_one_is_told_anew(shop: Shop) -> None:
    publish_scheme(shop, scheme())
    member = story.member(shop)
    for _ in range(2):
        earning.earned(shop, member, line(500))
    reference = {"external_ref": {"source": "crm", "id": "SV-1"}}
    wrong = story.ok(tell(shop, member, "satisfaction", marks=95, **reference))
    assert standing(shop, member)["tier"] == "gold"
    done = story.ok(withdraw(shop, wrong["id"]))
    assert (done["fact_id"], done["reason"]) == (wrong["id"], "登记到了他人名下")
    now = standing(shop, member)
    assert (now["score"], now["components"][1]["facts"]) == (7_600, 0)
    assert now["keep"]["below_since"] == day(shop)
    assert facts(shop, member)["items"][0]["withdrawn_at"] == done["withdrawn_at"]
    again = tell(shop, member, "satisfaction", marks=95, **reference)
    assert (again.status_code, again.json["withdrawn_at"]) == (200, done["withdrawn_at"])
    story.ok(tell(shop, member, "satisfaction", marks=90))
    assert (standing(shop, member)["score"], len(words(shop, member))) == (10_000, 2)


def test_a_grade_withdrawn_gives_way_to_the_one_before(shop: Shop) -> None:
    trade = {
        "code": "trade", "group": "potential", "measure": "grade", "kinds": ["trade"],
        "window_days": 365, "weight": 30, "grades": {"finance": 100, "retail": 50},
    }  # fmt: skip
    publish_scheme(shop, {"components": [ORDERS, trade], "ladder": scheme()["ladder"]})
    member = story.member(shop)
    story.ok(tell(shop, member, "trade", grade="retail"))
    wrong = story.ok(tell(shop, member, "trade", grade="finance"))
    assert standing(shop, member)["components"][1]["grade"] == "finance"
    story.ok(withdraw(shop, wrong["id"]))
    assert standing(shop, member)["components"][1]["grade"] == "retail"


def test_a_fact_is_withdrawn_once_and_not_by_whom_it_is_about(shop: Shop) -> None:
    member = story.member(shop)
    fact = story.ok(tell(shop, member, "complaint"))["id"]
    himself = hire(shop, "dealer_admin", phone=story.ZHANG_SAN["phone"])
    refused = withdraw(shop, fact, "dealer_admin", subject=himself)
    assert (refused.status_code, refused.json["code"]) == (403, "own_account")
    story.ok(withdraw(shop, fact, "dealer_admin"))
    again = withdraw(shop, fact)
    assert (again.status_code, again.json["code"]) == (409, "fact_withdrawn")


def test_what_a_document_says_is_corrected_by_a_return_alone(shop: Shop) -> None:
    document = earning.earned(shop, story.member(shop), line(500))
    refused = withdraw(shop, document["id"])
    assert (refused.status_code, refused.json["code"]) == (404, "fact_not_found")


@pytest.mark.parametrize("role", ["consultant", "service_desk", "callback_agent", "finance"])
def test_facts_of_a_member_are_not_for_everybody_of_the_staff(shop: Shop, role: str) -> None:
    answer = shop.get(role, f"/v1/members/{story.member(shop)}/value-facts")
    assert answer.status_code == 403


def test_facts_of_documents_older_than_the_score_are_those_that_are_seen_today(
    shop: Shop, clock: TestClock
) -> None:
    """What the migration makes of the documents that were there before it."""
    member = story.member(shop)
    lines = line(1_000), line(50, "warranty")
    document = story.ok(shop.post("crm", "/v1/documents", paper(shop, member, *lines)))
    clock.add(days=3)
    earning.returned(shop, document, (0, 40_000), (1, 5_000))
    backfill = re.search(r"INSERT INTO value_fact\n.*?;", MIGRATION.read_text("utf-8"), re.DOTALL)
    assert backfill is not None
    known = text(
        "SELECT id, happened_on, kind, amount, grade, corrects FROM value_fact"
        " WHERE member_id = :member ORDER BY id"
    )
    with owner_session(shop.service.settings.database_url) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        seen = session.execute(known, {"member": member}).all()
        session.execute(text("DELETE FROM value_fact"))
        session.connection().exec_driver_sql(backfill[0])
        made = session.execute(known, {"member": member}).all()
        session.rollback()
    assert [row.amount for row in seen] == [100_000, -40_000]
    assert made == seen
