"""The programme of a demonstration dealer: tiers, partner benefits, terms of rewards, as data.

Drafted by the dealer's administrator and published by the programme's, as anybody has to.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any
from uuid import UUID

from kernel.unit_of_work import Actor, UnitOfWork
from loyalty.benefits.benefit_life import draft_benefit, publish_benefit
from loyalty.benefits.suppliers import add_supplier
from loyalty.dealers.roles import Role
from loyalty.rewards.terms import draft_terms, publish_terms
from loyalty.tiers.scheme_life import draft_scheme, publish_scheme

_FILE = "programme.json"


def seed_programme(
    uow: UnitOfWork, *, author: UUID, publisher: UUID, rewards: Mapping[str, UUID]
) -> None:
    """Publish everything in force from today; `rewards` by their codes."""
    drafting = replace(uow, actor=Actor(str(author), Role.DEALER_ADMIN, "demo"))
    publishing = replace(uow, actor=Actor(str(publisher), Role.PROGRAMME_ADMIN, "demo"))

    def put(draft: Callable[..., Any], publish: Callable[..., Any], **said: Any) -> None:
        drafted = draft(drafting, effective_from=uow.today, effective_until=None, **said)
        publish(publishing, drafted.id)

    said = json.loads((files("api.commands") / _FILE).read_text("utf-8"))
    for supplier in said["suppliers"]:
        add_supplier(drafting, **supplier)
    put(draft_scheme, publish_scheme, body=said["scheme"])
    for code, body in said["benefits"].items():
        put(draft_benefit, publish_benefit, code=code, body=body)
    for code, body in said["terms"].items():
        put(draft_terms, publish_terms, reward_id=rewards[code], body=body)
