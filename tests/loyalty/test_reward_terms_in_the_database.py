"""The terms as the database decides by them: equal to the rules, and once at the last piece."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from kernel.ids import new_id
from loyalty.rewards.models import RewardTerms
from loyalty.rewards.rules.offer import decide, period_began
from loyalty.rewards.rules.terms import Terms, dump
from tests.loyalty.test_reward_terms_rules import DAY, TERMS, TIERS
from tests.support import earning, ledger_rows, rewards, story
from tests.support.race import at_once
from tests.support.shop import Shop

ZONE = ZoneInfo("Asia/Shanghai")
EDGES = (time(0), time(12), time(23, 59, 59, 999_999))
REDEEMED = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 19, 20, 50, 51, 323, 324, 900]),
        st.sampled_from(EDGES),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=4,
)
HELD = st.lists(st.tuples(st.integers(1, 2), st.sampled_from([-1, 0, 1])), max_size=2)
_PIECE = (
    "INSERT INTO redemption (id, dealer_id, member_id, reward_id, quantity, points,"
    " posting_set_id, redeemed_at, redeemed_by)"
    " VALUES (:id, :dealer, :member, :gift, :quantity, 1, :id, :at, 'test')"
)
_UNDONE = (
    "INSERT INTO redemption_cancellation"
    " VALUES (:id, :dealer, :member, :id, 0, 'test', :at, 'test')"
)
_HOLD = (
    "INSERT INTO point_hold (member_id, id, dealer_id, points, state, posting_set_id, held_at,"
    " expires_at) VALUES (:member, :id, :dealer, 1, 'open', :id, :at, :until)"
)
_PURPOSE = (
    "INSERT INTO hold_purpose (member_id, hold_id, dealer_id, reward_id, quantity, cash_fen, stock)"
    " VALUES (:member, :id, :dealer, :gift, :quantity, 0, 'kept')"
)
_OFFER = text(
    "SELECT offer.* FROM reward JOIN LATERAL reward_offer(:dealer, reward.id, reward.code, :member,"
    " CAST(:quantity AS bigint), :now, 'Asia/Shanghai') AS offer ON true WHERE reward.id = :gift"
)


def instant(day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZONE).astimezone(UTC)


def put(shop: Shop, gift: str, terms: Terms, version: int = 1, **facts: Any) -> None:
    """Terms in force since long ago, unless other days are told."""
    with shop.service.database.transaction(shop.dealer_id) as session:
        code = session.scalar(text("SELECT code FROM reward WHERE id = :id"), {"id": gift})
        said = {"effective_from": date(2020, 1, 1), "effective_until": None} | facts
        session.add(
            RewardTerms(
                dealer_id=shop.dealer_id,
                code=code,
                version=version,
                id=new_id(),
                state="published",
                body=dump(terms),
                author_id=uuid.uuid4(),
                created_at=instant(DAY, time(0)),
                publisher_id=uuid.uuid4(),
                published_at=instant(DAY, time(0)),
                **said,
            )
        )


def asked(session: Session, told: dict[str, Any], now: datetime, quantity: int = 1) -> Any:
    return session.execute(_OFFER, told | {"now": now, "quantity": quantity}).one()


@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    terms=TERMS,
    tier=st.sampled_from((None, *TIERS)),
    redeemed=REDEEMED,
    held=HELD,
    quantity=st.integers(1, 3),
    at=st.sampled_from(EDGES),
)
def test_the_database_offers_what_the_python_rules_offer(
    shop: Shop,
    terms: Terms,
    tier: str | None,
    redeemed: list[tuple[int, time, int, bool]],
    held: list[tuple[int, int]],
    quantity: int,
    at: time,
) -> None:
    member, gift, now = story.member(shop), story.reward(shop), instant(DAY, at)
    put(shop, gift, terms)
    if tier:
        earning.tier(shop, member, tier, "2020-01-01", role="crm")
    began = period_began(terms.limit.period, DAY) if terms.limit else None
    taken = 0
    told = {"dealer": shop.dealer_id, "member": member, "gift": gift}
    with shop.service.database.transaction(shop.dealer_id) as session:
        for ago, moment, pieces, cancelled in redeemed:
            day = DAY - timedelta(days=ago)
            row = told | {"id": new_id(), "quantity": pieces, "at": instant(day, moment)}
            session.execute(text(_PIECE), row)
            if cancelled:
                session.execute(text(_UNDONE), row)
            elif began is None or began <= day:
                taken += pieces
        for pieces, hours in held:
            row = told | {"id": new_id(), "quantity": pieces, "at": now - timedelta(days=100)}
            session.execute(text(_HOLD), row | {"until": now + timedelta(hours=hours)})
            session.execute(text(_PURPOSE), row)
            taken += pieces if hours > 0 else 0
        said = asked(session, told, now, quantity)
        session.rollback()
    offer = decide(terms, day=DAY, tier=tier, taken=taken, quantity=quantity)
    assert (said.version, said.tier, said.fulfilment) == (1, tier, str(terms.fulfilment))
    assert (said.visible, said.refused) == (offer.visible, offer.refused)
    assert (said.price, said.least_points) == (offer.price, offer.least_points)
    assert (said.fen_a_point, said.left_of_limit) == (offer.fen_a_point, offer.left)


@pytest.mark.parametrize(
    ("first", "second", "version"),
    [
        ({"effective_from": DAY}, None, 1),
        ({"effective_from": DAY + timedelta(days=1)}, None, None),
        ({"effective_until": DAY}, None, None),
        ({"effective_until": DAY + timedelta(days=1)}, None, 1),
        ({}, {"effective_from": DAY}, 2),
        ({}, {"effective_from": DAY + timedelta(days=1)}, 1),
        ({}, {"effective_from": DAY - timedelta(days=9), "effective_until": DAY}, None),
    ],
)
def test_the_version_that_counts_is_the_latest_begun_as_long_as_it_lasts(
    shop: Shop, first: dict[str, Any], second: dict[str, Any] | None, version: int | None
) -> None:
    member, gift = story.member(shop), story.reward(shop)
    put(shop, gift, Terms(points=10), **first)
    if second is not None:
        put(shop, gift, Terms(points=10), version=2, **second)
    told = {"dealer": shop.dealer_id, "member": member, "gift": gift}
    with shop.service.database.transaction(shop.dealer_id) as session:
        assert asked(session, told, instant(DAY, time(23))).version == version


def test_of_16_at_once_one_gets_the_last_piece_of_his_limit(shop: Shop) -> None:
    member = shop.people["owner"] = story.member(shop)
    story.earn(shop, member, 5_000)
    gift = rewards.termed(shop, stock=50, limit={"most": 3, "period": "quarter"})
    for _ in range(2):
        story.ok(rewards.redeem(shop, member, gift))

    def ask(number: int) -> int:
        take = rewards.hold if number % 2 else rewards.redeem
        return take(shop, member, gift).status_code

    assert at_once(16, ask) == {201: 1, 409: 15}
    assert rewards.offers(shop, member)[gift]["limit"] == {
        "most": 3,
        "period": "quarter",
        "left": 0,
    }
    assert story.balance(shop, member) == 4_700


def test_a_limit_is_that_of_one_member_and_16_of_them_do_not_meet(shop: Shop) -> None:
    gift = rewards.termed(shop, stock=50, limit={"most": 1, "period": "ever"})
    members = [story.member(shop) for _ in range(16)]
    for member in members:
        story.earn(shop, member, 500)
    got = at_once(16, lambda number: rewards.redeem(shop, members[number], gift).status_code)
    assert got == {201: 16}


def test_a_voucher_redeemed_or_captured_takes_a_code_of_its_pool_each(shop: Shop) -> None:
    member, gift = story.member(shop), rewards.termed(shop, stock=0, fulfilment="code")
    story.earn(shop, member, 5_000)
    _fill(shop, gift, 4)
    done = [story.ok(rewards.redeem(shop, member, gift, quantity=2))["id"]]
    kept, freed = (story.ok(rewards.hold(shop, member, gift))["id"] for _ in range(2))
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "out_of_stock")
    assert rewards.refusal(rewards.hold(shop, member, gift)) == (409, "out_of_stock")
    path = f"/v1/point-holds/{kept}/captures"
    done.append(story.ok(shop.post("service_desk", path))["redemption_id"])
    story.ok(shop.post("service_desk", f"/v1/point-holds/{freed}/releases"))
    states = ledger_rows.rows(
        shop,
        "SELECT state, redemption_id::text, count(*) FROM reward_code WHERE reward_id = :gift"
        " GROUP BY 1, 2",
        gift=gift,
    )
    assert {tuple(row) for row in states} == {
        ("issued", done[0], 2),
        ("issued", done[1], 1),
        ("available", None, 1),
    }
    assert ledger_rows.stock(shop, gift) == 1


@pytest.mark.parametrize(("codes", "body"), [(4, {}), (0, {"fulfilment": "code"})])
def test_pieces_and_codes_that_do_not_belong_together_are_not_handed_out(
    shop: Shop, codes: int, body: dict[str, Any]
) -> None:
    member, gift = story.member(shop), rewards.termed(shop, stock=0 if codes else 4, **body)
    story.earn(shop, member, 500)
    _fill(shop, gift, codes)
    offer = rewards.offers(shop, member)[gift]
    assert (offer["reason"], offer["in_stock"]) == ("out_of_stock", 0)
    for take in (rewards.redeem, rewards.hold):
        assert rewards.refusal(take(shop, member, gift)) == (409, "out_of_stock")
    assert (story.balance(shop, member), ledger_rows.stock(shop, gift)) == (500, 4)


def _fill(shop: Shop, gift: str, codes: int) -> None:
    told = {"dealer": shop.dealer_id, "gift": gift, "codes": codes}
    with shop.service.database.transaction(shop.dealer_id) as session:
        session.execute(
            text(
                "INSERT INTO reward_code (id, dealer_id, reward_id, sealed, code_index, state,"
                " batch, uploaded_at, uploaded_by) SELECT gen_random_uuid(), :dealer, :gift, '',"
                " gen_random_uuid()::text::bytea, 'available', :gift, now(), 'test'"
                " FROM generate_series(1, :codes)"
            ),
            told,
        )
        session.execute(
            text(
                "UPDATE reward_stock SET received = received + :codes,"
                " available = available + :codes WHERE reward_id = :gift"
            ),
            told,
        )
