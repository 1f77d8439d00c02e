"""The phone of record: who changes an owner's phone to speak for him must wait, and is noticed."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.commands.work import unit_of_work
from loyalty.dealers.roles import Role
from loyalty.members.change import MemberChange, change_member
from loyalty.members.phones import changed_lately, forget_former_phones, phone_of_record
from loyalty.members.queries import get_member
from tests.support import story
from tests.support.clock import TestClock
from tests.support.codes import rows
from tests.support.shop import Shop

FIRST, SECOND, THIRD = "+8613800138000", "+8613800138002", "+8613800138003"


def change(shop: Shop, member: uuid.UUID, phone: str) -> dict[str, Any]:
    """The duty manager enters another phone."""
    path = f"/v1/members/{member}"
    version = story.ok(shop.get("duty_manager", path), 200)["version"]
    return story.ok(shop.post("duty_manager", f"{path}/changes", {"phone": phone}, version=version))


def of_record(shop: Shop, member: uuid.UUID) -> tuple[str, bool]:
    """The number that counts, and whether it is the former one that still does."""
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        return phone_of_record(uow, member), changed_lately(uow, member)


def told(shop: Shop) -> list[str]:
    """The numbers the gateway is to tell of a change."""
    return sorted(each["phone"] for each in story.notices(shop) if each["kind"] == "phone_changed")


def test_a_member_enrolled_is_of_record_at_once(shop: Shop) -> None:
    assert of_record(shop, story.member(shop)) == (FIRST, False)


def test_a_new_number_counts_after_thirty_days_and_not_a_moment_before(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    shown = change(shop, member, SECOND)
    assert shown["phone"] == "138****8002"
    assert of_record(shop, member) == (FIRST, True)
    clock.add(days=30, seconds=-60)
    assert of_record(shop, member) == (FIRST, True)
    clock.add(seconds=61)
    assert of_record(shop, member) == (SECOND, False)


def test_changed_again_meanwhile_the_first_number_stays_of_record(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    change(shop, member, SECOND)
    clock.add(days=20)
    change(shop, member, THIRD)
    clock.add(days=15)
    assert of_record(shop, member) == (FIRST, True)
    clock.add(days=16)
    assert of_record(shop, member) == (THIRD, False)


def test_a_number_put_in_for_a_few_days_is_never_of_record(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    change(shop, member, SECOND)
    clock.add(days=10)
    change(shop, member, FIRST)
    for _ in range(10):
        assert of_record(shop, member)[0] == FIRST
        clock.add(days=5)
    assert of_record(shop, member) == (FIRST, False)


def test_the_former_number_is_told_that_it_was_changed_and_the_new_one_is_not(shop: Shop) -> None:
    member = story.member(shop)
    change(shop, member, SECOND)
    (message,) = story.notices(shop)
    assert (message["phone"], message["kind"]) == (FIRST, "phone_changed")
    assert "测试店" in message["text_zh"]
    assert not [each for each in ("8002", "张三") if each in message["text_zh"]]


def test_every_number_that_is_replaced_is_told_and_so_is_the_one_of_record(shop: Shop) -> None:
    member = story.member(shop)
    change(shop, member, SECOND)
    assert told(shop) == [FIRST]
    change(shop, member, THIRD)
    assert told(shop) == [FIRST, SECOND]
    change(shop, member, FIRST)
    assert told(shop) == [THIRD]


@pytest.mark.parametrize("typed", ["138 0013 8000", "+86 138-0013-8000", "１３８００１３８０００"])
def test_the_same_number_typed_otherwise_is_no_change(shop: Shop, typed: str) -> None:
    member = story.member(shop)
    change(shop, member, typed)
    assert of_record(shop, member) == (FIRST, False)
    assert story.notices(shop) == []


def test_a_change_of_the_name_alone_lets_no_number_cool_off(shop: Shop) -> None:
    member = story.member(shop)
    path = f"/v1/members/{member}/changes"
    story.ok(shop.post("duty_manager", path, {"name": "张三丰"}, version=1))
    assert of_record(shop, member) == (FIRST, False)
    assert story.notices(shop) == []


def test_the_night_erases_the_former_number_once_the_new_one_has_cooled_off(
    shop: Shop, clock: TestClock
) -> None:
    change(shop, story.member(shop), SECOND)
    asked = "SELECT FROM member_former_phone WHERE dealer_id = :d"

    def night() -> int:
        with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="n") as uow:
            return forget_former_phones(uow)

    clock.add(days=29)
    assert (night(), len(rows(shop, asked, d=shop.dealer_id))) == (0, 1)
    clock.add(days=1, seconds=1)
    assert (night(), len(rows(shop, asked, d=shop.dealer_id))) == (1, 0)


def test_no_number_stands_in_events_or_audit(shop: Shop) -> None:
    change(shop, story.member(shop), SECOND)
    found = [
        str(row)
        for table in ("outbox_event", "audit_event", "member_former_phone")
        for row in rows(
            shop, f"SELECT t::text FROM {table} t WHERE dealer_id = :d", d=shop.dealer_id
        )
    ]
    assert any("member.changed" in row for row in found)
    assert not [row for row in found if "1380013800" in row]


NUMBERS = st.sampled_from([FIRST, SECOND, THIRD])


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 45), NUMBERS), max_size=5),
    cooling=st.sampled_from([0, 1, 30]),
)
def test_of_record_is_the_last_number_that_was_in_use_for_the_whole_cooling(
    shop: Shop, changes: list[tuple[int, str]], cooling: int
) -> None:
    member, day = story.member(shop), datetime.now(UTC)
    record, current, since = FIRST, FIRST, day
    for days, number in [*changes, (0, "")]:
        day += timedelta(days=days, seconds=1)
        if day >= since + timedelta(days=cooling):
            record = current
        with unit_of_work(
            shop.service, shop.dealer_id, role=Role.SYSTEM, client="test", now=day
        ) as uow:
            assert phone_of_record(uow, member) == record
            if number:
                version = get_member(uow, member).version
                wanted = MemberChange(phone=number)
                change_member(uow, member, wanted, version=version, cooling_days=cooling)
        if number and number != current:
            current, since = number, day
