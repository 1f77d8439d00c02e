"""The tier of a day: the rule in Python and the function of the database say the same."""

import uuid
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from loyalty.tiers.models import MemberTier
from loyalty.tiers.queries import histories
from loyalty.tiers.rules.history import Kind
from tests.faults.rig import entered
from tests.support import story
from tests.support.shop import Shop

START = date(2027, 3, 1)
DAYS = 12


class RolledBackError(Exception):
    """Nothing of an example stays."""


def word(kind: Kind, day: int, tier: str | None, lasts: int | None) -> dict[str, Any]:
    """A word of a day; one earned has a tier, and no end."""
    since_on = START + timedelta(days=day)
    if kind is Kind.EARNED:
        why = {"cause": "first", "score": 1, "scheme_version": 1, "evidence": []}
        return {"kind": kind, "tier": tier or "base", "since_on": since_on, **why}
    until_on = None if lasts is None else since_on + timedelta(days=lasts)
    return {"kind": kind, "tier": tier, "since_on": since_on, "until_on": until_on}


WORDS = st.lists(
    st.builds(
        word,
        st.sampled_from(Kind),
        st.integers(1, DAYS - 1),
        st.sampled_from(["base", "silver", "gold", None]),
        st.none() | st.integers(1, 6),
    ),
    max_size=7,
)


@settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(WORDS)
def test_the_database_and_the_rules_know_the_same_tier_of_every_day(
    shop: Shop, words: list[dict[str, Any]]
) -> None:
    """By hand and earned, with and without an end or a tier, several on one day."""
    with suppress(RolledBackError), entered(shop) as uow:
        member = _member(shop)
        for said in words:
            uow.session.add(
                MemberTier(
                    member_id=member, id=uuid.uuid4(), dealer_id=uow.dealer_id, reason="x",
                    set_by="crm", set_at=uow.now, **said,
                )
            )  # fmt: skip
        uow.session.flush()
        told = histories(uow, [member])[member]
        days = [START + timedelta(days=at) for at in range(DAYS + 6)]
        asked = [uow.session.scalar(select(func.tier_on(member, on))) for on in days]
        assert asked == [told.on(on) for on in days]
        raise RolledBackError


_MEMBERS: dict[uuid.UUID, uuid.UUID] = {}


def _member(shop: Shop) -> uuid.UUID:
    """One for all examples; none keeps a word."""
    if shop.dealer_id not in _MEMBERS:
        _MEMBERS[shop.dealer_id] = story.member(shop)
    return _MEMBERS[shop.dealer_id]
