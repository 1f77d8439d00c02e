"""Whether questions prove what is assumed of them: counts, intervals, and the report of them."""

import json
import os
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, make_url, text

from api.app import create_app
from api.cli import cli
from api.commands.work import unit_of_work
from api.service import build_service
from kernel.settings import load_settings
from loyalty.dealers.roles import Role
from referral.question_report import question_report
from referral.questions.calibration import ENOUGH, Asked, Calibration, Marks, calibrate
from tests.support import story
from tests.support.shop import Shop, hire, open_shop


def calibrated(honest: Marks, fake: Marks = Marks()) -> Calibration:  # noqa: B008
    return calibrate(Asked("owner_trade", 99, honest, fake, 12.5, 0, 0))


def test_the_honest_tell_how_often_a_question_is_missed_and_fakes_how_often_guessed() -> None:
    found = calibrated(
        Marks(right=90, wrong=10, review=4, replaced=5, prior=0.10),
        Marks(right=5, wrong=45, prior=0.15),
    )
    assert (found.e.cases, found.e.share, found.g.cases, found.g.share) == (100, 0.1, 50, 0.1)
    assert (round(found.e.low, 4), round(found.e.high, 4)) == (0.0552, 0.1744)  # Wilson, 95 %
    assert (round(found.g.low, 4), round(found.g.high, 4)) == (0.0435, 0.2136)
    assert not found.off


@pytest.mark.parametrize(
    ("marks", "off"),
    [
        (Marks(right=70, wrong=30, prior=0.10), True),
        (Marks(right=100, wrong=0, prior=0.10), True),
        (Marks(right=90, wrong=10, prior=0.10), False),
        (Marks(right=ENOUGH - 15, wrong=14, prior=0.01), False),
        (Marks(right=ENOUGH - 14, wrong=14, prior=0.01), True),
        (Marks(right=70, wrong=30, prior=None), False),
        (Marks(), False),
    ],
)
def test_a_prior_is_doubted_only_outside_the_interval_of_enough_cases(
    marks: Marks, off: bool
) -> None:
    assert calibrated(marks).off is off


def test_a_guess_more_lucky_than_assumed_is_doubted_too() -> None:
    found = calibrated(Marks(), Marks(right=30, wrong=20, prior=0.15))
    assert (found.e.share, found.e.off, found.g.off, found.off) == (None, False, True, True)


def test_what_nobody_answered_says_nothing_at_all() -> None:
    nothing = calibrated(Marks()).e
    assert (nothing.cases, nothing.share, nothing.low, nothing.high) == (0, None, 0.0, 1.0)


def reported(shop: Shop) -> dict[str, Calibration]:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        return {each.asked.key: each for each in question_report(uow, uow.today)}


def test_an_honest_call_counts_for_the_honest_and_a_suspected_one_for_nobody(shop: Shop) -> None:
    story.verified_referral(shop)
    found = reported(shop)
    assert len(found) >= 3
    for each in found.values():
        assert (each.asked.asked, each.asked.honest.right, each.e.share) == (1, 1, 0.0)
        assert each.e.prior is not None
        assert each.asked.fake == Marks()


def test_a_fake_call_counts_nowhere_until_the_referral_has_failed(shop: Shop) -> None:
    story.owner(shop)
    hire(shop, "callback_agent")
    story.calling(shop)
    story.called(shop, honest=False)
    asked = [each.asked for each in reported(shop).values()]
    assert asked
    assert all((each.honest, each.fake) == (Marks(), Marks()) for each in asked)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A dealer in a database of his own, the one commands find."""
    name = f"loyalty_questions_{os.getpid()}"
    gone = f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"
    on_server(gone, f"CREATE DATABASE {name} TEMPLATE loyalty_template")
    url = make_url(os.environ["TEST_DATABASE_URL"]).set(database=name)
    monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    service = build_service(load_settings())
    yield open_shop(create_app(service), service)
    service.database.dispose()
    on_server(gone)


def on_server(*statements: str) -> None:
    engine = create_engine(os.environ["TEST_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_the_report_tells_counts_and_the_funnel_and_no_answer(store: Shop) -> None:
    story.verified_referral(store)
    words = ("questions", "report", "--dealer", str(store.dealer_id), "--since", "2020-01-01")
    told = CliRunner().invoke(cli, words)
    document = CliRunner().invoke(cli, [*words, "--json"])
    assert (told.exit_code, document.exit_code) == (0, 0)
    [dealer] = json.loads(document.output)
    [month] = dealer["funnel"]
    assert (month["month"], month["reached"]["submitted"]) == (story.today(store)[:7], 1)
    assert month["reached"]["reward_held"] == 1
    assert {"key", "asked", "honest", "fake", "e", "g", "median_seconds"} <= set(
        dealer["questions"][0]
    )
    assert all(each["key"] in told.output for each in dealer["questions"])
    assert f"{month['month']}: submitted 1, registered 1, ordered 1" in told.output
    for secret in ("速腾", "建材", "同事", "张三", "李四", "expected"):
        assert secret not in told.output + document.output


def test_the_report_starts_at_the_day_that_is_asked_for(store: Shop) -> None:
    story.verified_referral(store)
    told = CliRunner().invoke(cli, ["questions", "report", "--since", "2099-01-01", "--json"])
    [dealer] = json.loads(told.output)
    assert (dealer["questions"], dealer["funnel"]) == ([], [])


def test_a_dealer_nobody_knows_is_named_as_such(store: Shop) -> None:
    told = CliRunner().invoke(cli, ["questions", "report", "--dealer", "nowhere"])
    assert told.exit_code == 1
    assert told.output.startswith("Error: ")
