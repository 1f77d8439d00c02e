"""The promises P1, P2, P3 and P11, kept by the real server under load. Short here; `make faults`
sets LOYALTY_LONG for the long form. LOYALTY_SEED plays a failing storm again."""

import os
import secrets
import sys
from collections.abc import Iterator

import pytest

from tests.faults.checker import unproven
from tests.faults.documents import document_storm
from tests.faults.retries import retry_storm
from tests.faults.rig import Rig, rig
from tests.faults.spends import mixed_storm, spend_storm
from tests.faults.stock import last_piece_storm

LONG = bool(os.environ.get("LOYALTY_LONG"))
pytestmark = pytest.mark.xdist_group("faults")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("faults")) as running:
        yield running


@pytest.fixture
def seed() -> int:
    found = int(os.environ.get("LOYALTY_SEED") or secrets.randbits(32))
    sys.stdout.write(f"LOYALTY_SEED={found}\n")
    return found


def test_p1_of_64_simultaneous_spends_of_the_whole_balance_one_succeeds(real: Rig) -> None:
    assert spend_storm(real, rounds=200 if LONG else 10) == []
    assert unproven(real) == []


def test_p1_everything_that_moves_points_at_once_loses_and_makes_none(real: Rig, seed: int) -> None:
    assert mixed_storm(real, rounds=50 if LONG else 3, seed=seed) == [], f"LOYALTY_SEED={seed}"
    assert unproven(real) == [], f"LOYALTY_SEED={seed}"


def test_p2_the_last_piece_in_stock_is_issued_once(real: Rig) -> None:
    assert last_piece_storm(real, rounds=100 if LONG else 5) == []
    assert unproven(real) == []


def test_p3_a_retry_storm_has_one_effect_and_one_answer(real: Rig, seed: int) -> None:
    keys, crowd = (50, 200) if LONG else (5, 40)
    broken = retry_storm(real, keys=keys, crowd=crowd, seed=seed)
    assert broken == [], f"LOYALTY_SEED={seed}"
    assert unproven(real) == [], f"LOYALTY_SEED={seed}"


def test_p11_documents_in_any_order_and_number_give_one_state(real: Rig, seed: int) -> None:
    broken = document_storm(real, documents=5_000 if LONG else 300, seed=seed)
    assert broken == [], f"LOYALTY_SEED={seed}"
    assert unproven(real) == [], f"LOYALTY_SEED={seed}"
