"""The draw: who is called, by whom and with which questions, stored once and for ever.

Everything follows from the referral and a secret of the day under the server's draw key: nobody
without the key can foresee or choose it, and nobody at all can ask for another.
"""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from kernel.clock import business_day
from kernel.database import violated
from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import callback_agents_outside
from loyalty.formats.address import addressed_en, addressed_zh
from loyalty.members import queries as members
from loyalty.members.queries import VehicleView
from referral import draw_rules
from referral.call_models import Callback, CallbackQuestion, Draw
from referral.draw_rules import Party
from referral.lifecycle import Event
from referral.models import Referral
from referral.moves import move
from referral.questions.bank import BANK_VERSION
from referral.questions.facts import gather
from referral.questions.selector import SELECTOR_VERSION, Asked, select
from referral.slip import Slip, thaw

PURPOSE = "callback"
CALL_WITHIN = timedelta(days=7)
PARTIES: tuple[Party, ...] = ("buyer", "owner")


def draw_callback(uow: UnitOfWork, referral: Referral, *, owner_car: VehicleView) -> UUID:
    """Draw party, agent and questions for a checked referral; the callback's id.

    Both parties must be askable before the draw, so that its failure tells nothing about it.
    Raises Conflict `questions_not_enough`, `no_callback_agent`, `already_drawn`.
    """
    day = business_day(uow.now, uow.zone)
    committed = draw_rules.commitment(str(referral.id), PARTIES, BANK_VERSION, SELECTOR_VERSION)
    seed = draw_rules.seed(uow.vault.secret_of_day(day), committed)
    sets = {party: _questions(uow, referral, party, owner_car, seed) for party in PARTIES}
    party = draw_rules.party(seed)
    agent = _agent(uow, referral, seed)
    row = Draw(
        referral_id=referral.id,
        purpose=PURPOSE,
        dealer_id=uow.dealer_id,
        party=party,
        commitment=committed,
        catalogue_hash=BANK_VERSION,
        selector_version=SELECTOR_VERSION,
        entropy_on=day,
        seed=seed,
        drawn_at=uow.now,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        if violated(error) != "pk_draw":
            raise
        raise Conflict("already_drawn") from error
    key = _callback(uow, referral, party, agent, sets[party])
    due_at = uow.now + CALL_WITHIN
    move(uow, referral, Event.DRAW, by_system=True, callback_agent_id=agent, due_at=due_at)
    return key


def _agent(uow: UnitOfWork, referral: Referral, seed: bytes) -> UUID:
    done = {
        referral.consultant_id,
        referral.confirmed_by,
        referral.checked_by,
        referral.rechecked_by,
    }
    agents = [a for a in callback_agents_outside(uow, team=referral.team) if a not in done]
    if not agents:
        raise Conflict("no_callback_agent")
    return agents[draw_rules.pick(seed, len(agents), "agent")]


def _questions(
    uow: UnitOfWork, referral: Referral, party: Party, owner_car: VehicleView, seed: bytes
) -> tuple[Asked, ...]:
    """The buyer is asked about the owner, the owner about the buyer."""
    slip = thaw(uow, referral)
    if party == "owner":
        return _about_buyer(uow, referral, slip, seed)
    assert referral.owner_id is not None
    owner = members.get_member(uow, referral.owner_id)
    facts = gather(
        {
            "trade": owner.occupation,
            "model": owner_car.model,
            "colour": owner_car.colour,
            "transmission": owner_car.transmission,
            "plate_province": owner_car.plate,
            "relation": slip.relation,
        }
    )
    cars = [(car.model, car.colour) for car in members.vehicles_of(uow, owner.id)]
    asked = select(about="owner", facts=facts, cars=cars, seed=seed)
    return _addressed(asked, owner.name)


def _about_buyer(uow: UnitOfWork, referral: Referral, slip: Slip, seed: bytes) -> tuple[Asked, ...]:
    assert referral.bought_model is not None
    assert referral.bought_colour is not None
    facts = gather(
        {
            "trade": slip.buyer_occupation,
            "model": referral.bought_model,
            "colour": referral.bought_colour,
            "transmission": referral.bought_transmission,
            "relation": slip.relation,
        }
    )
    bought = (referral.bought_model, referral.bought_colour)
    asked = select(about="buyer", facts=facts, cars=[bought], seed=seed)
    name = uow.open(referral.buyer_name, column="referral.buyer_name", row=referral.id)
    return _addressed(asked, name)


def _addressed(asked: tuple[Asked, ...], name: str) -> tuple[Asked, ...]:
    """The questions with the person's surname in the texts; the agent sees no given name."""
    zh, en = addressed_zh(name), addressed_en(name)
    return tuple(
        replace(
            question,
            text_zh=question.text_zh.replace("{surname_title}", zh),
            text_en=question.text_en.replace("{surname_title}", en),
        )
        for question in asked
    )


def _callback(
    uow: UnitOfWork, referral: Referral, party: Party, agent: UUID, asked: tuple[Asked, ...]
) -> UUID:
    key = new_id()
    uow.session.add(
        Callback(
            id=key,
            dealer_id=uow.dealer_id,
            referral_id=referral.id,
            purpose=PURPOSE,
            party=party,
            agent_id=agent,
            state="open",
            created_at=uow.now,
        )
    )
    uow.session.flush()
    for position, question in enumerate(asked, 1):
        uow.session.add(
            CallbackQuestion(
                callback_id=key,
                position=position,
                dealer_id=uow.dealer_id,
                key=question.key,
                kind=question.kind,
                text_zh=uow.seal(question.text_zh, column="question.text_zh", row=key),
                text_en=uow.seal(question.text_en, column="question.text_en", row=key),
                expected=uow.seal(
                    json.dumps(question.expected), column="question.expected", row=key
                ),
            )
        )
    return key
