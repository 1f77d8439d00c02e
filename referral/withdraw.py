"""Owner or buyer takes his consent back (撤回同意): the referral ends unpaid, its traces stay.

A reader would break this by letting somebody suspected slip away: then it is refused.
"""

from enum import StrEnum
from uuid import UUID

from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.call import close_call
from referral.justice.fraud import clear_case
from referral.lifecycle import Event
from referral.models import Referral
from referral.moves import locked, move, over
from referral.reasons import Reason
from referral.reward import cancel_reward


class Party(StrEnum):
    """Whose consent it is."""

    OWNER = "owner"
    BUYER = "buyer"


def withdraw(uow: UnitOfWork, referral_id: UUID, *, party: Party) -> Referral:
    """End a referral that is not paid yet, because a party no longer consents.

    An owner speaks for himself alone, the CRM for either of them. Raises NotFound
    `referral_not_found`, RuleViolation `consent_of_another`, Conflict `transition_not_allowed`
    once it is over or while a fake is suspected.
    """
    referral = locked(uow, referral_id)
    if uow.actor.role == Role.OWNER:
        if referral.owner_id != UUID(uow.actor.id):
            raise NotFound("referral_not_found")
        if party is not Party.OWNER:
            raise RuleViolation("consent_of_another", pointer="/party")
    if over(referral):
        raise Conflict("transition_not_allowed", state=referral.state, event=Event.WITHDRAW)
    move(uow, referral, Event.WITHDRAW, reason=Reason.CONSENT_WITHDRAWN)
    cancel_reward(uow, referral.id)
    close_call(uow, referral.id)
    clear_case(uow, referral.id)
    uow.audit("referral.consent_withdrawn", referral.id, party=party)
    return referral
