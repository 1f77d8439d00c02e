"""Messages to be sent: the gateway gets each of them once, and nothing of them stays."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.commands.work import unit_of_work
from loyalty.dealers.roles import Role
from loyalty.notices.collect import MOST, forget_notices
from loyalty.notices.send import NoticeKind, send_notice
from tests.support import story
from tests.support.clock import TestClock
from tests.support.codes import rows
from tests.support.race import at_once
from tests.support.shop import Shop

PHONE, WORDS = "13800138000", "您的验证码为 407182"


def send(shop: Shop, words: str = WORDS, *, minutes: int = 10) -> uuid.UUID:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        until = uow.now + timedelta(minutes=minutes)
        kind = NoticeKind.NOMINATION_CODE
        return send_notice(uow, PHONE, kind, words, "407182 is your code", expires_at=until)


def forget(shop: Shop) -> int:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="nightly") as uow:
        return forget_notices(uow)


def kept(shop: Shop) -> list[tuple[Any, ...]]:
    """Of each message of this dealer: whether anything of it is left, and who took it."""
    found = rows(
        shop,
        "SELECT num_nonnulls(phone, text_zh, text_en), taken_by IS NOT NULL FROM notice"
        " WHERE dealer_id = :dealer ORDER BY id",
        dealer=shop.dealer_id,
    )
    return [tuple(row) for row in found]


def test_the_gateway_is_given_a_message_once_and_it_is_erased_with_that(shop: Shop) -> None:
    key = send(shop)
    assert kept(shop) == [(3, False)]
    (message,) = story.notices(shop)
    assert message["id"] == str(key)
    assert (message["phone"], message["text_zh"]) == ("+8613800138000", WORDS)
    assert (message["kind"], message["text_en"]) == ("nomination_code", "407182 is your code")
    assert story.notices(shop) == []
    assert kept(shop) == [(0, True)]


def test_messages_are_given_out_oldest_first_and_no_more_than_asked_for(shop: Shop) -> None:
    for number in range(5):
        send(shop, f"第{number}条")
    given = [
        [each["text_zh"] for each in story.ok(answer)["items"]]
        for limit in (2, 2, 2)
        for answer in [shop.post("crm", "/v1/notice-collections", {"limit": limit})]
    ]
    assert given == [["第0条", "第1条"], ["第2条", "第3条"], ["第4条"]]


@pytest.mark.parametrize("limit", [0, MOST + 1])
def test_a_collection_has_bounds(shop: Shop, limit: int) -> None:
    answer = shop.post("crm", "/v1/notice-collections", {"limit": limit})
    assert (answer.status_code, answer.json and answer.json["errors"][0]["code"]) == (
        422,
        "field_range",
    )


def test_a_message_past_its_time_is_never_sent_and_the_night_erases_it(
    shop: Shop, clock: TestClock
) -> None:
    send(shop)
    assert forget(shop) == 0
    clock.add(minutes=10)
    assert story.notices(shop) == []
    assert kept(shop) == [(3, False)]
    assert (forget(shop), forget(shop)) == (1, 0)
    assert kept(shop) == [(0, False)]


def test_gateways_that_collect_at_the_same_moment_never_get_the_same_message(shop: Shop) -> None:
    for _ in range(12):
        send(shop)
    got: list[str] = []

    def collect(_: int) -> int:
        answer = shop.post("crm", "/v1/notice-collections", {"limit": 3})
        got.extend(each["id"] for each in story.ok(answer)["items"])
        return answer.status_code

    at_once(8, collect)
    got.extend(each["id"] for each in story.notices(shop))
    assert (len(got), len(set(got))) == (12, 12)


def test_a_gateway_of_another_dealer_gets_nothing(shop: Shop, other_shop: Shop) -> None:
    send(shop)
    assert story.notices(other_shop) == []
    assert len(story.notices(shop)) == 1


@pytest.mark.parametrize(
    "change",
    [
        "phone = 'x', text_zh = 'x', text_en = 'x'",
        "taken_at = NULL, taken_by = NULL",
        "phone = 'x'",
    ],
)
def test_the_database_gives_no_message_out_again(shop: Shop, change: str) -> None:
    send(shop)
    story.notices(shop)
    with (
        pytest.raises(DBAPIError, match="given out once"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text(f"UPDATE notice SET {change}"))


def test_neither_number_nor_words_stand_in_events_or_audit(shop: Shop) -> None:
    send(shop)
    story.notices(shop)
    found = [
        str(row)
        for table in ("outbox_event", "audit_event", "notice")
        for row in rows(
            shop, f"SELECT t::text FROM {table} t WHERE dealer_id = :d", d=shop.dealer_id
        )
    ]
    assert any("notice.waiting" in row for row in found)
    assert any("notices.collected" in row for row in found)
    assert not [row for row in found if "138001380" in row or "407182" in row]


def test_an_empty_collection_leaves_no_trace(shop: Shop) -> None:
    story.notices(shop)
    asked = "SELECT FROM audit_event WHERE dealer_id = :d AND action = 'notices.collected'"
    assert rows(shop, asked, d=shop.dealer_id) == []
