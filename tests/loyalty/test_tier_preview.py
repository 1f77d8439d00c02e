"""The preview of a scheme says what then happens to the tiers that count (F30)."""

import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.tiers.assess import assess_by
from loyalty.tiers.assign import assign_tier
from loyalty.tiers.models import TierScheme, TierStanding
from loyalty.tiers.preview import Preview, When, preview
from loyalty.tiers.queries import histories
from loyalty.tiers.rules.scheme import Scheme, dump
from loyalty.tiers.rules.score import Measure
from loyalty.tiers.scheme_life import InForce
from tests.faults.rig import entered
from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.earning import line
from tests.support.shop import Shop
from tests.support.tiers import LEVELS, draft_scheme, night, publish_scheme, scheme, standing
from tests.support.valued import PEOPLE, SCHEMES, Person, move_in

DAYS_KNOWN = 90
LONG = 7_000
Tiers = dict[uuid.UUID, str | None]


class RolledBackError(Exception):
    """Nothing of an example stays."""


@dataclass(frozen=True)
class ByHand:
    """A tier given so many days ago, until so many days from today."""

    ago: int
    tier: str | None
    until: int | None


HANDS = st.lists(
    st.builds(
        ByHand,
        st.integers(0, 30),
        st.sampled_from(["silver", "gold", "friend", None]),
        st.none() | st.sampled_from([0, 1_000]),
    ).filter(lambda word: word.until is None or word.until > -word.ago),
    max_size=2,
)


def lasting(scheme: Scheme) -> Scheme:
    """The same with scores that the mere passing of days does not change."""
    parts = [
        replace(
            part,
            window_days=LONG,
            measure=Measure.COUNT if part.measure is Measure.DAYS_SINCE else part.measure,
        )
        for part in scheme.components
    ]
    return replace(scheme, components=tuple(parts))


def without_silver(scheme: Scheme) -> Scheme:
    """A ladder of two levels: who was silver has a level no more."""
    levels = tuple(level for level in scheme.ladder.levels if level.code != "silver")
    return replace(scheme, ladder=replace(scheme.ladder, levels=levels))


OLD = SCHEMES.map(lasting)
NEW = OLD | OLD.map(without_silver)


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(OLD, NEW, PEOPLE, st.lists(HANDS, min_size=4, max_size=4), st.sampled_from([None, 40, 5]))
def test_what_a_preview_says_happens_at_once_and_after_the_grace(
    shop: Shop,
    old: Scheme,
    new: Scheme,
    people: list[Person],
    hands: list[list[ByHand]],
    looked_ago: int | None,
) -> None:
    with suppress(RolledBackError), entered(shop) as uow:
        today = uow.today
        since = today - timedelta(days=DAYS_KNOWN)
        members = [
            move_in(uow, at, replace(each, cars=[(car, 0, None) for car, *_ in each.cars]), since)
            for at, each in enumerate(people)
        ]
        if looked_ago is not None:
            assess_by(uow, InForce(1, old), today - timedelta(days=looked_ago), members)
        for member, words in zip(members, hands, strict=False):
            _give(uow, member, words)
        seen = preview(uow, _drafted(uow, new), page=2)
        by_hand = {m for m, words in zip(members, hands, strict=False) if _counts(words)}
        _holds(uow, seen, InForce(2, new), members, by_hand)
        raise RolledBackError


def _holds(
    uow: UnitOfWork,
    seen: Preview,
    known: InForce,
    members: list[uuid.UUID],
    by_hand: set[uuid.UUID],
) -> None:
    """What was seen is what the first night and those after it do."""
    stood, before = _earned(uow, members), _counted(uow, members)
    assess_by(uow, known, uow.today, members)
    risen, after = _earned(uow, members), _counted(uow, members)
    fallen = _fallen(uow, known, members)
    at_once = [m for m in members if before[m] != after[m]]
    later = [m for m in fallen if m not in by_hand and m not in at_once]
    assert seen.members == len(members)
    assert _told(seen, When.AT_ONCE) == Counter((before[m], after[m]) for m in at_once)
    assert _told(seen, When.AFTER_GRACE) == Counter((after[m], fallen[m]) for m in later)
    assert seen.hidden_by_hand == sum(stood[m] != risen[m] or m in fallen for m in by_hand)


def _told(seen: Preview, when: When) -> Counter[tuple[str | None, str | None]]:
    return Counter(
        {(each.from_tier, each.to_tier): each.members for each in seen.moves if each.when is when}
    )


def _fallen(uow: UnitOfWork, known: InForce, members: list[uuid.UUID]) -> Tiers:
    """To where those fall first who are below their level, by the nights on which that is due."""
    stood = _earned(uow, members)
    below = uow.session.scalars(
        select(TierStanding.below_since).where(
            TierStanding.member_id.in_(members), TierStanding.below_since.is_not(None)
        )
    )
    fallen: Tiers = {}
    for on in sorted({known.scheme.ladder.falls_on(since) for since in below if since}):
        assess_by(uow, known, on, members)
        now = _earned(uow, members)
        fallen = {m: now[m] for m in members if now[m] != stood[m]} | fallen
    return fallen


def _earned(uow: UnitOfWork, members: list[uuid.UUID]) -> Tiers:
    rows = uow.session.execute(
        select(TierStanding.member_id, TierStanding.tier).where(TierStanding.member_id.in_(members))
    )
    return dict.fromkeys(members) | {row.member_id: row.tier for row in rows}


def _counted(uow: UnitOfWork, members: list[uuid.UUID]) -> Tiers:
    return {member: told.on(uow.today) for member, told in histories(uow, members).items()}


def _counts(words: list[ByHand]) -> bool:
    """Whether the latest word by hand gives a tier today."""
    latest = min(reversed(words), key=lambda word: word.ago, default=None)
    return bool(latest and latest.tier and latest.until != 0)


def _give(uow: UnitOfWork, member: uuid.UUID, words: list[ByHand]) -> None:
    for word in words:
        assign_tier(
            uow,
            member,
            tier=word.tier,
            since_on=uow.today - timedelta(days=word.ago),
            until_on=None if word.until is None else uow.today + timedelta(days=word.until),
            reason="x",
        )


def _drafted(uow: UnitOfWork, known: Scheme) -> uuid.UUID:
    row = TierScheme(
        dealer_id=uow.dealer_id, code="tiers", version=2, id=new_id(), state="draft",
        body=dump(known), effective_from=uow.today, author_id=new_id(), created_at=uow.now,
    )  # fmt: skip
    uow.session.add(row)
    uow.session.flush()
    return row.id


def test_who_was_given_a_tier_by_hand_is_not_told_as_moving(shop: Shop, clock: TestClock) -> None:
    """As the dealer sees it: two orders give silver, which a stricter scheme takes; one of those
    who have it is gold by hand, and one has not the score for anything."""
    publish_scheme(shop, scheme())
    kept, plain, _ = (story.member(shop, phone=f"1380013800{n}") for n in range(3))
    for member in (kept, plain):
        for _ in range(2):
            earning.earned(shop, member, line(500))
    earning.tier(shop, kept, "gold")
    night(shop)
    draft = draft_scheme(shop, scheme([LEVELS[0], LEVELS[1] | {"at_least": 7_700}, LEVELS[2]]))
    path = f"/v1/tier-schemes/{draft['id']}"
    seen = story.ok(shop.get("programme_admin", f"{path}/preview"), 200)
    assert (seen["members"], seen["hidden_by_hand"]) == (3, 1)
    assert seen["moves"] == [
        {"from_tier": "base", "to_tier": "base", "when": "stays", "members": 1},
        {"from_tier": "gold", "to_tier": "gold", "when": "stays", "members": 1},
        {"from_tier": "silver", "to_tier": "base", "when": "after_grace", "members": 1},
    ]
    story.ok(shop.post("programme_admin", f"{path}/publications"))
    night(shop)
    assert [standing(shop, each)["tier"] for each in (kept, plain)] == ["gold", "silver"]
    clock.add(days=30)
    night(shop)
    assert [standing(shop, each)["tier"] for each in (kept, plain)] == ["gold", "base"]
    assert standing(shop, kept)["earned_tier"] == "base"
