"""Every draw of a dealer with what its recomputation needs, for the export and for the proof.

A reader would break this by telling a secret of a day that is not over.
"""

from collections.abc import Iterator

from sqlalchemy import and_, select

from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback, Draw, DrawEntropy
from referral.draw_rules import PARTIES
from referral.draw_trail import Handed, chained_draws, handed_over
from referral.entropy import told
from referral.rules.draw_line import absent
from referral.rules.drawn import BEFORE_PROMISES, Drawn, Trail

_Found = tuple[Draw, DrawEntropy | None, Callback | None]


def exported_draws(uow: UnitOfWork) -> Iterator[Drawn]:
    """The dealer's draws in the order they were made, with the secrets of days that are over."""
    handed = handed_over(uow)
    for found in _found(uow):
        secret = None if _is_old(found[0]) else told(uow, found[0].entropy_on)
        yield _drawn(uow, found, secret, handed, None)


def draws_to_prove(uow: UnitOfWork) -> Iterator[Drawn]:
    """The same with every secret and with what the audit trail says: for our own eyes alone."""
    handed, chained = handed_over(uow), chained_draws(uow)
    for found in _found(uow):
        draw, old = found[0], _is_old(found[0])
        secret = uow.vault.secret_of_day(draw.entropy_on, dealer=None if old else uow.dealer_id)
        yield _drawn(uow, found, secret, handed, None if old else chained.of(draw))


def _is_old(draw: Draw) -> bool:
    return draw.selector_version == BEFORE_PROMISES


def _found(uow: UnitOfWork) -> Iterator[_Found]:
    draws = (
        select(Draw, DrawEntropy, Callback)
        .outerjoin(
            DrawEntropy,
            and_(
                DrawEntropy.dealer_id == Draw.dealer_id,
                DrawEntropy.day == Draw.entropy_on,
                DrawEntropy.hash == Draw.entropy_hash,
            ),
        )
        .outerjoin(
            Callback,
            and_(Callback.referral_id == Draw.referral_id, Callback.purpose == Draw.purpose),
        )
        .where(Draw.dealer_id == uow.dealer_id)
        .order_by(Draw.drawn_at, Draw.referral_id, Draw.purpose)
    )
    yield from uow.session.execute(draws)


def _drawn(
    uow: UnitOfWork, found: _Found, secret: bytes | None, handed: Handed, trail: Trail | None
) -> Drawn:
    draw, promise, call = found
    since_promises = {
        "wanted_plan": draw.wanted_plan,
        "sample_percent": draw.sample_percent,
        "agents": tuple(str(agent) for agent in draw.agents or ()),
        "entropy_hash": draw.entropy_hash,
        "plan": draw.plan,
        "sampled": draw.sampled,
    }
    return Drawn(
        dealer_id=str(draw.dealer_id),
        zone=uow.zone,
        referral_id=str(draw.referral_id),
        purpose=draw.purpose,
        parties=PARTIES,
        catalogue_hash=draw.catalogue_hash,
        selector_version=draw.selector_version,
        drawn_at=draw.drawn_at,
        entropy_on=draw.entropy_on,
        secret=secret,
        promised_at=promise.committed_at if promise else None,
        commitment=draw.commitment,
        seed=draw.seed,
        party=draw.party,
        called_party=call.party if call else None,
        first_agent=_first_agent(call, handed) if call else None,
        trail=trail,
        **(absent() if _is_old(draw) else since_promises),
    )


def _first_agent(call: Callback, handed: Handed) -> str:
    """Whom the call was given to first, going back over those who replaced one another.

    Whoever has the call without standing in the audit trail is taken for the first.
    """
    agent = str(call.agent_id)
    for former, next_agent in handed.get(call.id, ()):
        if next_agent != agent:
            break
        agent = former
    return agent
