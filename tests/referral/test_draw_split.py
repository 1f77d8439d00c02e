"""Whether the draws of a month fall evenly: ten thousand by the rules, and a coin that is not."""

import uuid
from collections import Counter
from collections.abc import Callable
from math import comb, sqrt

import pytest

from referral import draw_rules
from referral.draw_rules import Committed
from referral.draw_split import ALERT_BELOW_PPM, DrawSplit, chance_ppm, split
from tests.support import story
from tests.support.shop import Shop, hire

DRAWS, SIGMAS = 10_000, 4.5
AGENTS = [uuid.UUID(int=number) for number in range(1, 6)]


def seeds() -> list[bytes]:
    """Of ten thousand referrals, drawn over ten days."""
    return [
        draw_rules.seed(
            bytes([number % 10]),
            draw_rules.commitment(
                Committed(
                    referral_id=str(uuid.UUID(int=number)),
                    purpose="callback",
                    parties=draw_rules.PARTIES,
                    catalogue_hash="c0ffee",
                    selector_version="2",
                    wanted_plan="single",
                    sample_percent=20,
                    agents=[str(agent) for agent in AGENTS],
                )
            ),
        )
        for number in range(DRAWS)
    ]


SEEDS = seeds()


def drawn(party: Callable[[bytes], str]) -> DrawSplit:
    counted = Counter((AGENTS[draw_rules.pick(seed, 5, "agent")], party(seed)) for seed in SEEDS)
    return split("2026-03", [(agent, party, count) for (agent, party), count in counted.items()])


def unfair(seed: bytes) -> str:
    """A planted bug: six draws of a hundred go to the buyer."""
    return "buyer" if draw_rules.pick(seed, 100, "bug") < 6 else draw_rules.party(seed)


def lenient(seed: bytes) -> str:
    """A planted bug: one agent's draws fall on the owner three times of four."""
    if draw_rules.pick(seed, 5, "agent") == 2:
        return "owner" if seed[0] & 0xC0 else "buyer"
    return draw_rules.party(seed)


def test_ten_thousand_draws_fall_evenly_for_all_and_for_each_agent() -> None:
    fair = drawn(draw_rules.party)
    assert (fair.all.draws, len(fair.agents)) == (DRAWS, 5)
    for each in (fair.all, *fair.agents):
        assert abs(each.owners - each.draws / 2) <= SIGMAS * sqrt(each.draws / 4)
        assert not each.alert


def test_a_draw_that_favours_one_party_is_found() -> None:
    assert drawn(unfair).all.alert


def test_an_agent_with_draws_of_his_own_is_found_and_no_other() -> None:
    found = drawn(lenient)
    assert [each.agent_id for each in found.agents if each.alert] == [AGENTS[2]]


@pytest.mark.parametrize("total", [0, 1, 2, 9, 10, 31])
def test_the_chance_is_the_exact_tail_to_both_sides(total: int) -> None:
    for count in range(total + 1):
        uneven = abs(2 * count - total)
        ways = sum(comb(total, k) for k in range(total + 1) if abs(2 * k - total) >= uneven)
        assert chance_ppm(count, total) == 1_000_000 * ways // 2**total


@pytest.mark.parametrize(("owners", "draws", "alert"), [(0, 10, False), (0, 11, True)])
def test_eleven_draws_on_one_side_are_an_alert_and_ten_are_none(
    owners: int, draws: int, alert: bool
) -> None:
    assert (chance_ppm(owners, draws) < ALERT_BELOW_PPM) is alert
    assert chance_ppm(draws - owners, draws) == chance_ppm(owners, draws)


def test_a_month_without_draws_has_no_agents_and_no_alert() -> None:
    empty = split("2026-03", [])
    assert (empty.all.draws, empty.all.alert, empty.agents) == (0, False, [])


@pytest.mark.parametrize("role", ["dealer_admin", "programme_admin", "auditor"])
def test_the_split_of_a_month_is_published_by_agent(shop: Shop, role: str) -> None:
    story.owner(shop)
    story.calling(shop)
    party = story.desk(shop)["party"]
    month = story.today(shop)[:7]
    found = story.ok(shop.get(role, "/v1/draw-split", month=month), 200)
    whole = {
        "draws": 1,
        "buyers": int(party == "buyer"),
        "owners": int(party == "owner"),
        "chance_ppm": 1_000_000,
        "alert": False,
    }
    agent = str(shop.people["callback_agent"])
    assert found == {"month": month, "all": whole, "agents": [whole | {"agent_id": agent}]}
    earlier = story.ok(shop.get(role, "/v1/draw-split", month="2026-01"), 200)
    assert (earlier["all"]["draws"], earlier["agents"]) == (0, [])


def test_a_second_call_is_no_draw_of_a_party(shop: Shop) -> None:
    story.owner(shop)
    hire(shop, "callback_agent")
    story.calling(shop)
    story.called(shop, honest=False)
    assert story.desk(shop)["state"] == "open"
    found = story.ok(shop.get("auditor", "/v1/draw-split"), 200)
    assert found["all"]["draws"] == 1
