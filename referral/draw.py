"""The draw: who is called, by whom and with which questions, stored once and for ever.

Everything follows from what was committed and a secret of the day: nobody without the key can
foresee or choose it, and nobody at all can ask for another. A second call is to the other party.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import callback_agents_outside
from referral import draw_rules
from referral.ask import Sheet, addressed, open_callback
from referral.bank_life import BankInForce, bank_on
from referral.call_models import Draw
from referral.draw_rules import PARTIES, Committed, Party
from referral.duties import Duty, barred, take_duty
from referral.entropy import entropy_of_today
from referral.known_facts import facts_about, recently_asked
from referral.lifecycle import Event
from referral.models import Referral
from referral.moves import flag, move
from referral.parties import name_of, phones_of
from referral.policy import policy_on
from referral.questions.decoys import Car
from referral.questions.facts import Facts
from referral.questions.narrative import narrative
from referral.questions.selector import SELECTOR_VERSION, NoAdmissibleSet, select
from referral.reasons import Reason
from referral.risk.assess import assess
from referral.rules.calls import Plan
from referral.rules.risk import Choice

Known = dict[Party, tuple[Facts, list[Car]]]


class Purpose(StrEnum):
    """What a draw is for; each purpose once per referral, in the database."""

    CALLBACK = "callback"
    OTHER_PARTY = "other_party"
    JUDGES = "judges"


@dataclass(frozen=True, slots=True)
class _Lot:
    """What is fixed, what was drawn from it, and what it was drawn with."""

    fixed: Committed
    committed: bytes
    seed: bytes
    entropy: dict[str, Any]
    agents: list[UUID]
    agent: UUID


def draw_callback(uow: UnitOfWork, referral: Referral) -> UUID:
    """Draw party, agent and questions for a checked referral; the callback's id.

    Both parties must be askable before the draw, so that its failure tells nothing about it.
    Raises Conflict `no_callback_agent`, `already_drawn`.
    """
    risk = assess(uow, referral)
    if risk.choice is Choice.ADJUDICATE:
        flag(uow, referral, Reason.RISK_HIGH)
    wanted = Plan.SINGLE if risk.choice is Choice.NONE else Plan.DUAL
    lot, known, bank = _lot(uow, referral, Purpose.CALLBACK, wanted)
    party = draw_rules.party(lot.seed)
    sheets = {each: _sheet(uow, referral, each, known, bank, lot.seed) for each in PARTIES}
    sampled = draw_rules.sampled(lot.seed, lot.fixed.sample_percent)
    plan = Plan.DUAL if sampled else wanted
    if any(sheet.narrative for sheet in sheets.values()):
        flag(uow, referral, Reason.QUESTIONS_NOT_ENOUGH)
        plan = Plan.NARRATIVE
        sheets = {each: _narrative(uow, referral, each) for each in PARTIES}
    _keep(uow, referral, lot, party=party, plan=plan, sampled=sampled)
    due_at = uow.now + timedelta(days=policy_on(uow).policy.call_within_days)
    key = open_callback(uow, referral, lot.fixed.purpose, party, lot.agent, sheets[party], due_at)
    move(uow, referral, Event.DRAW, by_system=True, callback_agent_id=lot.agent, due_at=due_at)
    return key


def draw_other_party(uow: UnitOfWork, referral: Referral) -> UUID:
    """A second call, to the other party: another agent, fresh questions, its own commitment.

    Raises Conflict `no_callback_agent`, `already_drawn`.
    """
    first = first_draw(uow, referral.id)
    lot, known, bank = _lot(uow, referral, Purpose.OTHER_PARTY, Plan(first.plan or Plan.SINGLE))
    plan = Plan(first.plan or Plan.SINGLE)
    party = draw_rules.other("owner" if first.party == "owner" else "buyer")
    sheet = (
        _narrative(uow, referral, party)
        if plan is Plan.NARRATIVE
        else _sheet(uow, referral, party, known, bank, lot.seed)
    )
    _keep(uow, referral, lot, party=party, plan=plan, sampled=bool(first.sampled))
    due_at = uow.now + timedelta(days=policy_on(uow).policy.call_within_days)
    key = open_callback(uow, referral, lot.fixed.purpose, party, lot.agent, sheet, due_at)
    move(uow, referral, Event.CALL_OTHER, by_system=True, due_at=due_at)
    return key


def draw_for_judges(uow: UnitOfWork, referral: Referral) -> UUID:
    """One more call that two judges agreed on, because nobody was heard yet; once, ever.

    The judges have moved the referral already. Raises Conflict `no_callback_agent`,
    `already_drawn`.
    """
    lot, known, bank = _lot(uow, referral, Purpose.JUDGES, Plan.SINGLE)
    party = draw_rules.party(lot.seed)
    sheet = _sheet(uow, referral, party, known, bank, lot.seed)
    plan = Plan.NARRATIVE if sheet.narrative else Plan.SINGLE
    _keep(uow, referral, lot, party=party, plan=plan, sampled=False)
    due_at = uow.now + timedelta(days=policy_on(uow).policy.call_within_days)
    return open_callback(uow, referral, lot.fixed.purpose, party, lot.agent, sheet, due_at)


def first_draw(uow: UnitOfWork, referral_id: UUID) -> Draw:
    """The draw of the first call."""
    return uow.session.get_one(Draw, (referral_id, Purpose.CALLBACK))


def _lot(
    uow: UnitOfWork, referral: Referral, purpose: Purpose, wanted: Plan
) -> tuple[_Lot, Known, BankInForce]:
    bank = bank_on(uow)
    agents = _agents(uow, referral, bank)
    known: Known = {party: facts_about(uow, referral, party) for party in PARTIES}
    fixed = Committed(
        referral_id=str(referral.id),
        purpose=purpose,
        parties=PARTIES,
        catalogue_hash=_catalogue_hash(uow, known, bank),
        selector_version=SELECTOR_VERSION,
        wanted_plan=wanted if wanted is not Plan.NARRATIVE else Plan.SINGLE,
        sample_percent=policy_on(uow).policy.audit_sample_percent,
        agents=[str(agent) for agent in agents],
    )
    committed = draw_rules.commitment(fixed)
    uow.audit("draw.committed", referral.id, purpose=purpose, commitment=committed.hex())
    uow.session.flush()
    day, secret, promised = entropy_of_today(uow)
    seed = draw_rules.seed(secret, committed)
    entropy = {"entropy_on": day, "entropy_hash": promised}
    agent = agents[draw_rules.pick(seed, len(agents), "agent")]
    return _Lot(fixed, committed, seed, entropy, agents, agent), known, bank


def _agents(uow: UnitOfWork, referral: Referral, bank: BankInForce) -> list[UUID]:
    """Who may call, in a fixed order: of another team, without another duty, no relative of a
    party, no question author."""
    out = barred(uow, referral.id, phones_of(uow, referral)) | bank.authors
    agents = [a for a in callback_agents_outside(uow, team=referral.team) if a not in out]
    if not agents:
        raise Conflict("no_callback_agent")
    return agents


def _catalogue_hash(uow: UnitOfWork, known: Known, bank: BankInForce) -> str:
    """A keyed hash of every fact and of the bank: it fixes them and tells nobody what they are."""
    facts = {
        party: {name: [fact.value, fact.origin, fact.seen] for name, fact in sorted(about.items())}
        for party, (about, _) in known.items()
    }
    said = json.dumps([bank.bank.version, facts], ensure_ascii=False, sort_keys=True)
    return uow.vault.mac(said.encode(), purpose="fact catalogue").hex()


def _sheet(
    uow: UnitOfWork,
    referral: Referral,
    party: Party,
    known: Known,
    bank: BankInForce,
    seed: bytes,
) -> Sheet:
    """What this party is asked about the other one, or that nothing proves enough."""
    about = draw_rules.other(party)
    facts, cars = known[about]
    try:
        chosen = select(
            about=about,
            facts=facts,
            cars=cars,
            bank=bank.bank,
            seed=seed,
            recent=recently_asked(uow, referral),
        )
    except NoAdmissibleSet:
        return _narrative(uow, referral, party)
    name = name_of(uow, referral, about)
    asked = addressed((*chosen.asked, *chosen.reserve), name)
    return Sheet(asked, chosen.odds, narrative=False)


def _narrative(uow: UnitOfWork, referral: Referral, party: Party) -> Sheet:
    about = draw_rules.other(party)
    name = name_of(uow, referral, about)
    return Sheet(addressed(narrative(about), name), None, narrative=True)


def _keep(
    uow: UnitOfWork, referral: Referral, lot: _Lot, *, party: Party, plan: Plan, sampled: bool
) -> None:
    row = Draw(
        referral_id=referral.id,
        purpose=lot.fixed.purpose,
        dealer_id=uow.dealer_id,
        party=party,
        commitment=lot.committed,
        catalogue_hash=lot.fixed.catalogue_hash,
        selector_version=lot.fixed.selector_version,
        seed=lot.seed,
        drawn_at=uow.now,
        plan=plan,
        wanted_plan=lot.fixed.wanted_plan,
        sampled=sampled,
        sample_percent=lot.fixed.sample_percent,
        agents=lot.agents,
        **lot.entropy,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        if violated(error) != "pk_draw":
            raise
        raise Conflict("already_drawn") from error
    take_duty(uow, referral.id, Duty.CALLBACK_AGENT, person=lot.agent)
