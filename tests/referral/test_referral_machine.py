"""Any run of reports, sales, calls, judgements, payments, replays and nights keeps the promises."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from api.commands.work import unit_of_work
from api.service import Service
from loyalty.dealers.roles import Role
from referral.justice.judge import Verdict
from referral.nightly import Done, referrals_night
from referral.states import TERMINAL, State
from tests.support import sales
from tests.support.clock import TestClock
from tests.support.referral_game import Game
from tests.support.referral_model import NIGHTLY
from tests.support.shop import open_shop

LONG = bool(os.environ.get("LOYALTY_LONG"))
GAMES, STEPS = (25, 40) if LONG else (2, 15)
AT_MOST = 3
"""Once more as before: a second call may be wanted."""
NIGHTS = 4
"""Two calls, the people, and what nobody did: no story has more times to run out."""
PICK = st.integers(0, 50)
HOW = st.sampled_from(["honest", "honest", "honest", "lie", "lie", "dont_know", "mumble"])
VERDICTS = st.sampled_from(["accept", *Verdict])
BEGINNINGS = {
    "submitted": ("submitted", []),
    "delivered": ("delivered", ["on"] * 3),
    "calling": ("calling", ["on"] * 4),
    "doubted": ("adjudication", ["on"] * 3 + ["misnamed", "on", "on"]),
    "suspected": ("fraud_suspected", ["on"] * 4 + ["lied", "lied"]),
    "tightened": ("adjudication", ["on"] * 4 + ["lied", "strict", "on"]),
    "held": ("reward_held", ["on"] * 5),
    "paid": ("rewarded", ["on"] * 6),
}


class ReferralMachine(RuleBasedStateMachine):
    """A dealer of its own each game; two owners, three buyers, all the staff for anything."""

    app: Flask
    service: Service
    clock: TestClock
    beginning: str

    def __init__(self) -> None:
        super().__init__()
        self.game = Game(open_shop(self.app, self.service), self.clock)
        self.watch = self.game.watch

    @initialize()
    def a_story_begins(self) -> None:
        """As far as the beginning says, by people who may: what is random comes after."""
        wanted, steps = BEGINNINGS[self.beginning]
        key = self.game.report(0, 0, self.game.crew[0])
        self.watch.look()
        for step in [*steps, *steps[-1:] * AT_MOST]:
            if self.game.state(key) != wanted:
                self.acted(partial(self.game.goes_on, key, step))
        assert self.game.state(key) == wanted

    def acted(self, act: Callable[[], Any]) -> None:
        """Act, then look whether everything holds."""
        act()
        self.watch.look()

    @rule(buyer=st.integers(0, 2), owner=st.integers(0, 2), who=PICK)
    def somebody_reports(self, buyer: int, owner: int, who: int) -> None:
        self.acted(lambda: self.game.report(buyer, owner, self.game.person(who)))

    @rule(pick=PICK, step=st.sampled_from(["on", "on", "on", "misnamed", "lied"]))
    def a_story_goes_on(self, pick: int, step: str) -> None:
        self.acted(lambda: self.game.goes_on(self.game.referral(pick), step))

    @rule(pick=PICK, who=PICK, refuse=st.booleans())
    def somebody_confirms_or_refuses(self, pick: int, who: int, refuse: bool) -> None:
        act = self.game.refuse if refuse else self.game.confirm
        self.acted(lambda: act(self.game.referral(pick), self.game.person(who)))

    @rule(
        kind=st.sampled_from(["deposit", "order", "order", "delivery", "cancellation", "return"]),
        order=st.sampled_from(["DD-1", "DD-2", "R-0"]),
        buyer=st.integers(0, 2),
        car=st.integers(0, 3),
        hours=st.sampled_from([0, 0, 0, 5, 200]),
        fleet=st.sampled_from([False, False, False, True]),
    )
    def the_crm_tells(self, **said: Any) -> None:
        self.acted(lambda: self.game.sale(**said))

    @rule(pick=PICK, right=st.booleans())
    def the_owner_names_a_friend(self, pick: int, right: bool) -> None:
        self.acted(lambda: self.game.nominate(self.game.referral(pick), right=right))

    @rule(pick=PICK, who=PICK, licence=st.sampled_from(["right", "right", "plate", "blank"]))
    def somebody_checks_the_licence(self, pick: int, who: int, licence: str) -> None:
        key = self.game.referral(pick, "delivered", "check_failed")
        self.acted(lambda: self.game.check(key, self.game.person(who), licence))

    @rule(pick=PICK, manners=st.lists(HOW, min_size=1, max_size=7))
    def a_party_answers(self, pick: int, manners: list[str]) -> None:
        self.acted(lambda: self.game.talk(self.game.call(pick), manners))

    @rule(pick=PICK, who=PICK)
    def another_agent_answers_for_it(self, pick: int, who: int) -> None:
        self.acted(lambda: self.game.meddle(self.game.call(pick), self.game.person(who)))

    @rule(pick=PICK, fits=st.sampled_from(["yes", "yes", "other number", "missed", "too early"]))
    def the_telephone_tells(self, pick: int, fits: str) -> None:
        self.acted(lambda: self.game.record(self.game.call(pick), fits))

    @rule(who=PICK, right=st.booleans())
    def somebody_reads_an_answer(self, who: int, right: bool) -> None:
        self.acted(lambda: self.game.read(self.game.person(who), right=right))

    @rule(
        pick=PICK,
        who=PICK,
        verdict=VERDICTS,
    )
    def somebody_judges(self, pick: int, who: int, verdict: str) -> None:
        key = self.game.referral(pick, "adjudication", "fraud_suspected", "rewarded")
        self.acted(lambda: self.game.judge(key, self.game.person(who), verdict))

    @rule(pick=PICK, who=PICK)
    def somebody_suspects(self, pick: int, who: int) -> None:
        key = self.game.referral(pick, "rewarded", "failed")
        self.acted(lambda: self.game.suspect(key, self.game.person(who)))

    @rule(pick=PICK)
    def the_consultant_is_heard(self, pick: int) -> None:
        self.acted(lambda: self.game.state_his_side(self.game.referral(pick, "fraud_suspected")))

    @rule(pick=PICK, role=st.sampled_from(["owner", "crm", "consultant"]))
    def somebody_appeals(self, pick: int, role: str) -> None:
        key = self.game.referral(pick, "refused", "expired", "failed", "fraud_confirmed")
        self.acted(lambda: self.game.appeal(key, role))

    @rule(pick=PICK, who=PICK, outcome=st.sampled_from(["upheld", "upheld", "rejected"]))
    def an_appeal_is_decided(self, pick: int, who: int, outcome: str) -> None:
        self.acted(lambda: self.game.decide(pick, self.game.person(who), outcome))

    @rule(pick=PICK, who=PICK)
    def somebody_pays(self, pick: int, who: int) -> None:
        key = self.game.referral(pick, "reward_held")
        self.acted(lambda: self.game.pay(key, self.game.person(who)))

    @rule(
        pick=PICK, role=st.sampled_from(["owner", "crm"]), party=st.sampled_from(["owner", "buyer"])
    )
    def a_party_withdraws(self, pick: int, role: str, party: str) -> None:
        self.acted(lambda: self.game.withdraw(self.game.referral(pick), role, party))

    @rule(buyer=st.integers(0, 2))
    def a_buyer_becomes_a_member(self, buyer: int) -> None:
        self.acted(lambda: self.game.join(buyer))

    @rule(owner=st.integers(0, 1), name=st.booleans())
    def an_owner_changes_his_data(self, owner: int, name: bool) -> None:
        """There is nothing to read in the audit trail, so it stays as it was."""
        self.acted(lambda: self.game.change(owner, name=name))
        self.watch.chain_holds()

    @rule(
        figures=st.fixed_dictionaries(
            {
                "house_rule_strict": st.booleans(),
                "audit_sample_percent": st.sampled_from([0, 0, 100]),
                "buyer_points": st.sampled_from([0, 100]),
                "cap_per_year": st.sampled_from([1, 12, 12]),
                "hold_days": st.sampled_from([0, 15]),
            }
        )
    )
    def the_policy_changes(self, figures: dict[str, Any]) -> None:
        sales.policy(self.game.shop, **figures)

    @rule(pick=PICK, same_key=st.booleans())
    def a_request_is_sent_again(self, pick: int, same_key: bool) -> None:
        self.game.replay(pick, same_key=same_key)

    @rule(hours=st.sampled_from([1, 5, 24, 24, 50, 24 * 8, 24 * 16, 24 * 40]), night=st.booleans())
    def time_passes(self, hours: int, night: bool) -> None:
        self.clock.add(hours=hours)
        if night:
            self.the_night()

    def the_night(self) -> None:
        """Time pays nobody; and the second night of one moment finds nothing to do."""
        enter = partial(
            unit_of_work, self.service, self.game.shop.dealer_id, role=Role.SYSTEM, client="nightly"
        )
        referrals_night(enter)
        steps = self.watch.look()
        assert {step.event for step in steps} <= NIGHTLY
        assert {step.actor_role for step in steps} <= {"system"}
        assert referrals_night(enter) == Done(0, 0, 0, 0)

    def teardown(self) -> None:
        """In the end all time runs out: nobody is paid by it, and nothing is left waiting."""
        for _ in range(NIGHTS):
            self.clock.add(days=190)
            self.the_night()
        states = {self.game.state(key) for key in self.game.reported}
        assert states <= TERMINAL | {State.REWARD_HELD}
        self.watch.prove()


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_any_run_of_a_referral_keeps_every_promise(
    app: Flask, service: Service, clock: TestClock, beginning: str
) -> None:
    clock.reset()
    facts = {"app": app, "service": service, "clock": clock, "beginning": beginning}
    run_state_machine_as_test(
        type("Played", (ReferralMachine,), facts),
        settings=settings(
            max_examples=GAMES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    clock.reset()
