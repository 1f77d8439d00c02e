"""The proof of the proof: bugs planted in a scratch database are found by the storms themselves.

The tables' CHECK constraints are taken away there: they would stop some of these bugs, and it is
the storms that have to show that they can see.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import pytest
from sqlalchemy import create_engine

from tests.faults.checker import disagreements
from tests.faults.retries import retry_storm
from tests.faults.rig import Rig, people, rig
from tests.faults.spends import spend_storm
from tests.faults.stock import last_piece_storm
from tests.support import story

pytestmark = pytest.mark.xdist_group("faults")
GUARDED = ("point_account", "point_lot", "reward_stock")


@dataclass(frozen=True)
class Bug:
    """In the server-side `function` each key of `changes` is replaced; `storm` must see `sign`."""

    name: str
    function: str
    changes: dict[str, str]
    storm: Callable[[Rig], list[str]]
    sign: str


SPENDS = partial(spend_storm, rounds=2)
# Between looking and taking: a race that is open must not depend on the machine to be met.
A_LONG_LOOK = "PERFORM pg_sleep(0.05);"
BUGS = (
    Bug("the balance is not looked at", "point_spend", {"spendable < p_points": "false"}, SPENDS,
        "P1 round"),
    Bug("the account is not locked", "point_spend",
        {"FOR NO KEY UPDATE": "", "IF v_account.frozen": f"{A_LONG_LOOK} IF v_account.frozen"},
        SPENDS, "P1"),
    Bug("the stock is not looked at", "reward_take_stock", {" AND available >= p_quantity": ""},
        partial(last_piece_storm, rounds=2), "P2 round"),
    Bug("a claim that was taken is not minded", "reward_redeem",
        {"ON CONFLICT DO NOTHING;\n    IF NOT FOUND THEN":
            "ON CONFLICT DO NOTHING;\n    IF false THEN"},
        partial(retry_storm, keys=1, crowd=24, seed=1), "P3 key"),
)  # fmt: skip


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A rig whose tables accept anything."""
    with rig(tmp_path_factory.mktemp("planted")) as running:
        asked = (
            "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)"
            " FROM pg_constraint WHERE contype = 'c' AND conrelid = ANY"
            f" (ARRAY{[*GUARDED]}::regclass[])"
        )
        _as_owner(running, *_as_owner(running, asked))
        yield running


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(scratch: Rig, bug: Bug) -> None:
    with _planted(scratch, bug):
        found = bug.storm(scratch)
    assert any(said.startswith(bug.sign) for said in found), found


@pytest.mark.parametrize("storm", {bug.storm: None for bug in BUGS}, ids=("P1", "P2", "P3"))
def test_without_a_planted_bug_nothing_is_found(
    scratch: Rig, storm: Callable[[Rig], list[str]]
) -> None:
    assert storm(scratch) == []


def test_a_history_that_tells_something_else_than_the_database_is_found(scratch: Rig) -> None:
    shop = scratch.open_shop()
    reward = story.reward(shop, points=10)
    for member in people(shop, 2, points=10):
        body = {"member_id": str(member), "reward_id": reward}
        scratch.client.post(shop, "owner", "/v1/redemptions", body, subject=member)
    first, second = scratch.history.of(shop.dealer_id)
    assert disagreements(shop, [first, second]) == []
    for told, sign in (
        ([first], "nobody was told of"),
        ([first, second, replace(first, key="k", id="i")], "acknowledged, but not there"),
        ([first, second, replace(first, key="k")], "one thing for several keys"),
        ([first, replace(second, bytes="other")], "not kept as given"),
    ):
        assert any(sign in said for said in disagreements(shop, told)), sign


@contextmanager
def _planted(scratch: Rig, bug: Bug) -> Iterator[None]:
    [sound] = _as_owner(scratch, f"SELECT pg_get_functiondef('{bug.function}'::regproc)")
    broken = sound
    for words, instead in bug.changes.items():
        assert words in sound, f"{bug.function} has no {words!r} any more"
        broken = broken.replace(words, instead)
    _as_owner(scratch, broken)
    try:
        yield
    finally:
        _as_owner(scratch, sound)


def _as_owner(scratch: Rig, *statements: str) -> list[str]:
    """Run these; the first column of what they answer."""
    engine = create_engine(scratch.service.settings.database_url)
    found: list[str] = []
    with engine.begin() as bare:
        connection = bare.execution_options(no_parameters=True)
        for statement in statements:
            result = connection.exec_driver_sql(statement)
            found += result.scalars() if result.returns_rows else ()
    engine.dispose()
    return found
