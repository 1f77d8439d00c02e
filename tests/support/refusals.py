"""What a refused attempt leaves: a typed answer, no points, the trace; attempts made at once."""

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from werkzeug.test import TestResponse

from kernel.database import violated
from tests.support import story
from tests.support.past import at_work
from tests.support.race import at_once
from tests.support.shop import Shop

BUYER, OWNER = "13900139000", "13800138000"
PAID = frozenset({"verified", "reward_held", "rewarded"})


def turned_away(answer: TestResponse, status: int, code: str) -> None:
    """The answer is this typed refusal."""
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json


def stands(shop: Shop, referral: dict[str, Any]) -> tuple[str, str | None]:
    """State and reason now."""
    now = story.read(shop, referral["id"])
    return now["state"], now["reason"]


def steps(shop: Shop, referral: dict[str, Any]) -> list[dict[str, Any]]:
    """The history as the auditor reads it."""
    path = f"/v1/referrals/{referral['id']}/history"
    found: list[dict[str, Any]] = story.ok(shop.get("auditor", path), 200)["items"]
    return found


def decide(
    shop: Shop, role: str, referral: dict[str, Any], what: str, body: Any = None, **facts: Any
) -> TestResponse:
    """A decision on the referral as it stands now, unless `version` says otherwise."""
    seen = {"version": story.read(shop, referral["id"])["version"]} | facts
    return shop.post(role, f"/v1/referrals/{referral['id']}/{what}", body, **seen)


def postings(shop: Shop) -> dict[str, int]:
    """How often points were ever posted for a referral at this dealer, by what for."""
    asked = "SELECT source, count(*) FROM posting_set WHERE source LIKE 'referral%' GROUP BY source"
    with at_work(shop) as uow:
        return {row[0]: row[1] for row in uow.session.execute(text(asked))}


def audited(shop: Shop, action: str) -> list[dict[str, Any]]:
    """Who did this, to what and with which details, oldest first."""
    asked = (
        "SELECT actor_id, actor_role, subject_id, details FROM audit_event"
        " WHERE action = :action ORDER BY id"
    )
    with at_work(shop) as uow:
        rows = uow.session.execute(text(asked), {"action": action}).mappings()
        return [dict(row) for row in rows]


def refused_in_sql(shop: Shop, statement: str, **values: Any) -> str | None:
    """The constraint by which the database refuses this to the service itself, or what it says."""
    try:
        with at_work(shop) as uow:
            uow.session.execute(text(statement), values)
    except DBAPIError as error:
        named = violated(error) if isinstance(error, IntegrityError) else None
        return named or str(error.orig)
    return None


def eight_at_once(send: Callable[[str], TestResponse], *refusals: str, one_key: bool) -> Any:
    """What eight parallel requests got: with one key all the one answer, else one of them it.

    `refusals` are the codes the seven others may get.
    """
    answers: list[Any] = [None] * 8
    key = uuid.uuid4().hex

    def act(number: int) -> int:
        answer = send(key if one_key else uuid.uuid4().hex)
        answers[number] = answer.json
        return answer.status_code

    statuses = at_once(8, act)
    if one_key:
        assert statuses == {201: 8}, answers
        assert all(each == answers[0] for each in answers)
        return answers[0]
    refused = [each for each in answers if each and each.get("code")]
    assert (statuses[201], len(refused)) == (1, 7), answers
    assert {each["code"] for each in refused} <= set(refusals), answers
    return next(each for each in answers if each not in refused)
