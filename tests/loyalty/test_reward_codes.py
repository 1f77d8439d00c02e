"""Pools of voucher codes: uploaded once, handed out once, shown to nobody but their owner."""

import json
import logging
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from api.commands.reward import reward as command
from api.commands.reward import upload_file
from api.commands.work import unit_of_work
from kernel.errors import NotFound
from kernel.model import Base
from loyalty.dealers.roles import Role
from loyalty.rewards.codes import Fault, NewCode, fault_of
from loyalty.rewards.stock import lapse_codes, return_overdue_stock
from tests.support import codes as pools
from tests.support import ledger_rows as books
from tests.support import rewards, story
from tests.support.clock import TestClock
from tests.support.codes import coded, codes_of, pool, redeemed, saver, stock, upload
from tests.support.shop import Shop

TODAY = date(2026, 11, 22)
SECRET = "SECRET-9F3K-77Q1"


@pytest.mark.parametrize(
    ("code", "ends_on", "expected"),
    [
        ("WASH-0001", None, None),
        ("  WASH-0001 ", None, None),
        ("https://example.com/v?c=1", None, None),
        ("x" * 100, None, None),
        ("WASH", TODAY, None),
        ("WASH", date(2026, 11, 21), Fault.ENDED),
        ("abc", None, Fault.MALFORMED),
        ("x" * 101, None, Fault.MALFORMED),
        ("WASH 0001", None, Fault.MALFORMED),
        ("WASH-\u0660001", None, Fault.MALFORMED),
        ("\uff37ASH-0001", None, Fault.MALFORMED),
        ("WASH\u200b-0001", None, Fault.MALFORMED),
        ("WASH\n0001", None, Fault.MALFORMED),
        ("", None, Fault.MALFORMED),
    ],
)
def test_a_code_is_visible_ascii_whose_last_day_is_not_past(
    code: str, ends_on: date | None, expected: Fault | None
) -> None:
    assert fault_of(NewCode(code, ends_on), today=TODAY) == expected


def test_an_upload_tells_of_each_code_whether_it_is_new_known_or_invalid(shop: Shop) -> None:
    gift = coded(shop, "OLD-0001")
    ended = ("GONE-0001", pools.day(shop, -1))
    answer = story.ok(
        upload(shop, gift, "NEW-0001", "OLD-0001", "N", ended, "NEW-0001", ("NEW-0002", None))
    )
    assert [(each["outcome"], each["reason"]) for each in answer["results"]] == [
        ("new", None),
        ("known", None),
        ("invalid", "code_malformed"),
        ("invalid", "code_ended"),
        ("known", None),
        ("new", None),
    ]
    assert (answer["new"], answer["known"], answer["invalid"]) == (2, 2, 2)
    assert pool(shop, gift) == (3, 0, 0, 0)
    assert stock(shop, gift) == (3, 3)


def test_a_code_belongs_to_one_reward_of_the_dealer_and_another_dealer_may_have_the_same(
    shop: Shop, other_shop: Shop
) -> None:
    coded(shop, "SAME-0001")
    second = rewards.termed(shop, stock=0, fulfilment="code")
    assert story.ok(upload(shop, second, "SAME-0001"))["known"] == 1
    assert stock(shop, second) == (0, 0)
    assert pool(other_shop, coded(other_shop, "SAME-0001")) == (1, 0, 0, 0)


def test_a_reward_with_stock_of_its_own_takes_no_codes(shop: Shop) -> None:
    gift = story.reward(shop, stock=3)
    assert rewards.refusal(upload(shop, gift, "WASH-0001")) == (409, "reward_has_stock")
    assert (pool(shop, gift), stock(shop, gift)) == ((0, 0, 0, 0), (3, 3))


def test_codes_are_handed_out_soonest_end_first_and_shown_to_their_owner_alone(shop: Shop) -> None:
    late, soon = ("LATE-0001", pools.day(shop, 30)), ("SOON-0001", pools.day(shop, 0))
    gift, member = coded(shop, "ENDLESS-0001", late, soon), saver(shop)
    first, second = redeemed(shop, member, gift), redeemed(shop, member, gift, quantity=2)
    assert codes_of(shop, member, first) == ["SOON-0001"]
    assert sorted(codes_of(shop, member, second)) == ["ENDLESS-0001", "LATE-0001"]
    assert codes_of(shop, member, first) == ["SOON-0001"]
    stranger = saver(shop, phone="13800130009")
    answer = pools.reveal(shop, stranger, first)
    assert rewards.refusal(answer) == (404, "redemption_not_found")
    for role in ("crm", "dealer_admin", "showroom_manager"):
        assert pools.act(shop, first, "code-reveals", role).status_code == 403
    assert pool(shop, gift) == (0, 0, 3, 0)
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "out_of_stock")
    assert pools.broken(shop) == []


def test_more_pieces_than_codes_are_refused_whole(shop: Shop) -> None:
    gift, member = coded(shop, "WASH-0001", "WASH-0002"), saver(shop)
    answer = rewards.redeem(shop, member, gift, quantity=3)
    assert rewards.refusal(answer) == (409, "out_of_stock")
    assert (pool(shop, gift), story.balance(shop, member)) == ((2, 0, 0, 0), 1000)


def test_a_code_whose_day_has_passed_is_never_handed_out_and_lapses_at_night(
    shop: Shop, clock: TestClock
) -> None:
    gift, member = coded(shop, ("SOON-0001", pools.day(shop, 0)), "WASH-0001"), saver(shop)
    clock.add(days=1)
    assert codes_of(shop, member, redeemed(shop, member, gift)) == ["WASH-0001"]
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "out_of_stock")
    assert stock(shop, gift) == (2, 1)
    assert (night(shop), night(shop)) == (1, 0)
    assert (pool(shop, gift), stock(shop, gift)) == ((0, 0, 1, 1), (1, 0))
    assert pools.broken(shop) == []


def night(shop: Shop) -> int:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        return lapse_codes(uow, 200)


def held(shop: Shop, member: uuid.UUID, gift: str, **facts: Any) -> str:
    found: str = story.ok(rewards.hold(shop, member, gift, **facts))["id"]
    return found


def test_a_hold_keeps_a_code_that_its_capture_hands_out(shop: Shop) -> None:
    gift, member = coded(shop, "WASH-0001", "WASH-0002"), saver(shop)
    hold = held(shop, member, gift)
    assert (pool(shop, gift), stock(shop, gift)) == ((1, 1, 0, 0), (2, 1))
    done = story.ok(shop.post("service_desk", f"/v1/point-holds/{hold}/captures"))
    (code,) = codes_of(shop, member, done["redemption_id"])
    assert code in ("WASH-0001", "WASH-0002")
    assert pools.standing(shop, done["redemption_id"])["state"] == "issued"
    assert pool(shop, gift) == (1, 0, 1, 0)
    assert pools.broken(shop) == []


def test_a_hold_keeps_a_code_that_is_good_as_long_as_the_hold(shop: Shop) -> None:
    gift, member = coded(shop, ("SOON-0001", pools.day(shop, 1)), "WASH-0001"), saver(shop)
    hold = held(shop, member, gift, minutes=5 * 24 * 60)
    done = story.ok(shop.post("service_desk", f"/v1/point-holds/{hold}/captures"))
    assert codes_of(shop, member, done["redemption_id"]) == ["WASH-0001"]
    answer = rewards.hold(shop, member, gift, minutes=5 * 24 * 60)
    assert rewards.refusal(answer) == (409, "out_of_stock")
    assert codes_of(shop, member, redeemed(shop, member, gift)) == ["SOON-0001"]


def test_a_hold_released_gives_its_codes_back(shop: Shop) -> None:
    gift, member = coded(shop, "WASH-0001", "WASH-0002"), saver(shop)
    hold = held(shop, member, gift, quantity=2, points=200)
    assert pool(shop, gift) == (0, 2, 0, 0)
    story.ok(shop.post("service_desk", f"/v1/point-holds/{hold}/releases"))
    assert (pool(shop, gift), stock(shop, gift)) == ((2, 0, 0, 0), (2, 2))
    assert pools.broken(shop) == []


@pytest.mark.parametrize("by", ["the night", "the next redemption"])
def test_a_hold_that_ran_out_gives_its_codes_back(shop: Shop, clock: TestClock, by: str) -> None:
    gift, member = coded(shop, "WASH-0001"), saver(shop)
    held(shop, member, gift, minutes=1)
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "out_of_stock")
    clock.add(seconds=61)
    if by == "the night":
        with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
            assert return_overdue_stock(uow, 10) == 1
        assert (pool(shop, gift), stock(shop, gift)) == ((1, 0, 0, 0), (1, 1))
    assert codes_of(shop, member, redeemed(shop, member, gift)) == ["WASH-0001"]
    assert pools.broken(shop) == []


def test_a_piece_of_a_pool_never_goes_without_a_code_though_no_terms_ask_for_one(
    shop: Shop,
) -> None:
    gift, member = story.reward(shop, stock=0), saver(shop)
    story.ok(upload(shop, gift, "WASH-0001"))
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "out_of_stock")
    assert (pool(shop, gift), stock(shop, gift)) == ((1, 0, 0, 0), (1, 1))
    assert story.balance(shop, member) == 1000


@pytest.fixture
def connection(shop: Shop) -> Iterator[Connection]:
    """The service's own rights, bound to the dealer; everything is rolled back."""
    engine = create_engine(shop.service.settings.database_url)
    with engine.connect() as opened:
        bound = text("SELECT set_config('app.dealer_id', :d, true)")
        opened.execute(bound, {"d": str(shop.dealer_id)})
        yield opened
        opened.rollback()
    engine.dispose()


@pytest.mark.parametrize(
    "change",
    [
        "redemption_id = (SELECT id FROM redemption WHERE id <> :one LIMIT 1)",
        "state = 'available', member_id = NULL, redemption_id = NULL",
        "state = 'void'",
        "state = 'held', redemption_id = NULL, hold_id = gen_random_uuid()",
        "revealed_at = now(), revealed_by = 'someone else'",
        "revealed_at = NULL, revealed_by = NULL",
    ],
)
def test_the_database_itself_keeps_a_code_with_its_redemption(
    shop: Shop, connection: Connection, change: str
) -> None:
    gift, member = coded(shop, "WASH-0001", "WASH-0002"), saver(shop)
    one, _ = redeemed(shop, member, gift), redeemed(shop, member, gift)
    codes_of(shop, member, one)
    with pytest.raises(DBAPIError, match="reward_code stands"):
        connection.execute(
            text(f"UPDATE reward_code SET {change} WHERE redemption_id = :one"), {"one": one}
        )


@pytest.mark.parametrize("column", ["sealed", "code_index"])
def test_the_service_has_no_right_to_change_a_code(
    shop: Shop, connection: Connection, column: str
) -> None:
    connection.execute(text("SET LOCAL ROLE loyalty_app"))
    with pytest.raises(ProgrammingError, match="permission denied"):
        connection.execute(text(f"UPDATE reward_code SET {column} = ''"))


@pytest.mark.parametrize(
    "state",
    ["'held', NULL, NULL, NULL", "'issued', NULL, NULL, NULL", "'available', :m, NULL, NULL"],
)
def test_a_state_fits_whose_code_it_is(shop: Shop, connection: Connection, state: str) -> None:
    gift = coded(shop, "WASH-0001")
    put = (
        "INSERT INTO reward_code (id, dealer_id, reward_id, sealed, code_index, batch, uploaded_at,"
        " uploaded_by, state, member_id, hold_id, redemption_id) VALUES (gen_random_uuid(), :d, :g,"
        f" '', 'x', :g, now(), 'x', {state})"
    )
    values = {"d": shop.dealer_id, "g": gift, "m": shop.dealer_id}
    with pytest.raises(DBAPIError, match="ck_reward_code_state"):
        connection.execute(text(put), values)


def test_no_code_stands_in_any_table_log_or_answer_but_that_of_its_owner(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gift, member = coded(shop, SECRET), saver(shop)
    answers = [upload(shop, gift, SECRET, "bad " + SECRET, key="the-key")]
    answers.append(upload(shop, gift, {"code": SECRET}, SECRET + "\u200b"))
    redemption = redeemed(shop, member, gift)
    assert codes_of(shop, member, redemption) == [SECRET]
    answers.append(pools.cancel(shop, redemption))
    answers.append(shop.get("dealer_admin", f"/v1/rewards/{gift}/code-pool"))
    assert not any(SECRET in answer.text for answer in answers)
    assert SECRET not in caplog.text
    for table in sorted(Base.metadata.tables):
        for (row,) in pools.rows(shop, f"SELECT t::text FROM {table} t"):
            assert SECRET not in row, table
            assert SECRET.encode().hex() not in row, table


def test_a_code_shown_again_is_told_again_and_kept_in_no_answer(shop: Shop) -> None:
    gift, member = coded(shop, SECRET), saver(shop)
    path = f"/v1/redemptions/{redeemed(shop, member, gift)}/code-reveals"
    for _ in range(2):
        shown = story.ok(shop.post("owner", path, subject=member, key="the-reveal"))
        assert [each["code"] for each in shown["codes"]] == [SECRET]
    kept = "SELECT count(*) FROM idempotency_claim WHERE dealer_id = :d AND key = 'the-reveal'"
    assert pools.rows(shop, kept, d=shop.dealer_id)[0][0] == 0


def test_upload_and_reveal_are_audited_with_counts(shop: Shop) -> None:
    gift, member = coded(shop, "WASH-0001"), saver(shop)
    redemption = redeemed(shop, member, gift)
    codes_of(shop, member, redemption)
    codes_of(shop, member, redemption)
    wanted = (
        "SELECT action, actor_role, details - 'batch' FROM audit_event WHERE dealer_id = :d"
        " AND action LIKE 'reward.codes%' ORDER BY id"
    )
    assert [tuple(each) for each in pools.rows(shop, wanted, d=shop.dealer_id)] == [
        (
            "reward.codes_uploaded",
            "dealer_admin",
            {"new": 1, "known": 0, "invalid": 0, "known_other_day": 0},
        ),
        ("reward.codes_revealed", "owner", {"codes": 1, "first": 1}),
        ("reward.codes_revealed", "owner", {"codes": 1, "first": 0}),
    ]


def test_a_large_file_is_taken_page_by_page_and_twice_changes_nothing(
    shop: Shop, tmp_path: Path
) -> None:
    gift = rewards.termed(shop, stock=0, fulfilment="code")
    (name,) = pools.rows(shop, "SELECT code FROM reward WHERE id = :gift", gift=gift)[0]
    file = tmp_path / "codes.csv"
    lines = [f"BULK-{number:06},2099-12-31" for number in range(1_200)]
    broken = ["no code,", "BULK-777777,31/12/2099", "BULK-888888,2020-01-01", "BULK-000001,"]
    file.write_text("\n".join(["code,ends_on", *lines, *broken]))
    dealer = str(shop.dealer_id)
    for new, known in ((1_200, 1), (0, 1_201)):
        told = upload_file(shop.service, file=file, dealer=dealer, reward_code=name)
        assert (told.new, told.known, told.invalid) == (new, known, 3)
        assert told.faults_file is not None
        reasons = told.faults_file.read_text("utf-8-sig").splitlines()[1:]
        assert [reason.split(",")[:3] for reason in reasons] == [
            ["1202", "code_malformed", "code"],
            ["1203", "date_invalid", "ends_on"],
            ["1204", "code_ended", "ends_on"],
        ]
    assert (pool(shop, gift), stock(shop, gift)) == ((1_200, 0, 0, 0), (1_200, 1_200))
    with pytest.raises(NotFound):
        upload_file(shop.service, file=file, dealer=dealer, reward_code="nothing")


def test_the_command_tells_what_it_did_and_never_a_code(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gift = rewards.termed(shop, stock=0, fulfilment="code")
    (name,) = pools.rows(shop, "SELECT code FROM reward WHERE id = :gift", gift=gift)[0]
    file = tmp_path / "codes.csv"
    file.write_text(f"code\n{SECRET}\n")
    words = ["codes", str(file), "--dealer", str(shop.dealer_id), "--reward"]
    done = CliRunner().invoke(command, [*words, name])
    assert (done.exit_code, done.output) == (0, "codes: 1 new, 0 known before, 0 refused\n")
    file.write_text(f"code,ends_on\n{SECRET},{pools.day(shop, 90)}\n")
    again = CliRunner().invoke(command, [*words, name])
    assert (again.exit_code, again.output) == (
        0,
        "codes: 0 new, 1 known before, 0 refused\n"
        "1 known ones have another last day here, which stays\n",
    )
    assert CliRunner().invoke(command, [*words, "nothing"]).exit_code == 2
    assert json.dumps(pool(shop, gift)) == "[1, 0, 0, 0]"
    assert books.stock(shop, gift) == 1
