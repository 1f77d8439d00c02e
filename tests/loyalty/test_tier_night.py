"""The night of tiers: what fails for one member stops only that one, and he is named."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from sqlalchemy import Integer, literal_column, select, text

from api.cli import cli
from api.commands import nightly as command
from kernel.database import owner_session
from loyalty.points import nightly as points
from loyalty.points.nightly import Failure, TooManyFailuresError
from loyalty.tiers import nightly as tiers
from loyalty.tiers.models import TierStanding
from tests.faults.rig import entered, people
from tests.support.shop import Shop
from tests.support.tiers import publish_scheme, scheme


@pytest.fixture
def members(shop: Shop) -> list[uuid.UUID]:
    """Members who have no tier yet, under a scheme."""
    publish_scheme(shop, scheme())
    return sorted(people(shop, 7))


@contextmanager
def refused(shop: Shop, table: str, but: str) -> Iterator[None]:
    """The database takes no rows of this table but some."""
    url = shop.service.settings.database_url

    def alter(change: str) -> None:
        with owner_session(url) as session:
            session.execute(text(f"ALTER TABLE {table} {change}"))
            session.commit()

    alter(f"ADD CONSTRAINT ck_test CHECK ({but}) NOT VALID")
    try:
        yield
    finally:
        alter("DROP CONSTRAINT ck_test")


@pytest.fixture
def guilty(shop: Shop, members: list[uuid.UUID]) -> Iterator[uuid.UUID]:
    """One whose tier cannot be written."""
    with refused(shop, "tier_standing", but=f"member_id <> '{members[3]}'"):
        yield members[3]


def stand(shop: Shop) -> list[uuid.UUID]:
    with entered(shop) as uow:
        return sorted(uow.session.scalars(select(TierStanding.member_id)))


@pytest.mark.parametrize("page", [1, 3, 100])
def test_a_member_whose_tier_cannot_be_written_stops_only_himself(
    shop: Shop, members: list[uuid.UUID], guilty: uuid.UUID, page: int
) -> None:
    failures: list[Failure] = []
    now = shop.service.clock()
    moved = tiers.assess_all(lambda: entered(shop), failures, as_of=now, page=page)
    assert moved == len(members) - 1
    assert [each.member_id for each in failures] == [guilty]
    assert "CheckViolation" in failures[0].why
    assert stand(shop) == [each for each in members if each != guilty]


def test_a_page_that_cannot_be_read_whole_is_read_member_by_member(
    shop: Shop, members: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = select(literal_column("1 / 0", Integer))
    monkeypatch.setattr(tiers, "movers", lambda *_: broken)
    failures: list[Failure] = []
    moved = tiers.assess_all(lambda: entered(shop), failures, as_of=shop.service.clock())
    assert (moved, failures) == (len(members), [])
    assert stand(shop) == members


def test_what_fails_for_everybody_ends_the_night_of_tiers(
    shop: Shop, members: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(points, "MOST_FAILURES", 1)
    with (
        refused(shop, "member_tier", but="kind <> 'earned'"),
        pytest.raises(TooManyFailuresError, match="2 members"),
    ):
        tiers.assess_all(lambda: entered(shop), [], as_of=shop.service.clock())
    assert stand(shop) == []


def test_the_command_names_the_member_and_the_rest_of_the_night_goes_on(
    shop: Shop, guilty: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "build_service", lambda _: shop.service)
    monkeypatch.setattr(command, "every_dealer", lambda _: [shop.dealer_id])
    done = CliRunner().invoke(cli, ["nightly", "--no-proof"])
    assert done.exit_code == 1
    assert f"member {guilty}: FAILED, IntegrityError" in done.stderr
    assert "6 tiers moved; benefits of 0 members settled" in done.output
