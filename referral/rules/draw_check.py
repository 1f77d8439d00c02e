"""Recompute draws from what was written down of them: nobody has to believe who made them.

Pure. A reader would break this by taking a choice from the draw instead of recomputing it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kernel.clock import business_day
from referral import draw_rules
from referral.draw_rules import Committed
from referral.rules.calls import Plan
from referral.rules.drawn import CALLBACK, JUDGES, OTHER_PARTY, Drawn


@dataclass(frozen=True, slots=True)
class Bad:
    """A draw that does not hold, and the first thing found wrong with it."""

    draw: Drawn
    what: str


@dataclass(frozen=True, slots=True)
class Proof:
    """How many draws were recomputed, how many do not hold and the first of them.

    `same_day`: their secret was promised on the day itself. `untold`: their secret is not told
    yet. `old`: made before release 0.4.
    """

    draws: int = 0
    same_day: int = 0
    untold: int = 0
    old: int = 0
    bad: int = 0
    first: Bad | None = None

    def __add__(self, other: "Proof") -> "Proof":
        return Proof(
            self.draws + other.draws,
            self.same_day + other.same_day,
            self.untold + other.untold,
            self.old + other.old,
            self.bad + other.bad,
            self.first or other.first,
        )


def prove(draws: Sequence[Drawn]) -> Proof:
    """Recompute all draws of some referrals (referral.md, section 4); the calls of a referral
    belong together, as the second is to the party the first was not."""
    firsts = {draw.referral_id: draw for draw in draws if draw.purpose == CALLBACK}
    seen: set[tuple[str, str]] = set()
    proof = Proof()
    for draw in draws:
        key = (draw.referral_id, draw.purpose)
        what = "repeated" if key in seen else fault(draw, firsts)
        seen.add(key)
        proof += Proof(
            draws=1,
            same_day=not draw.old and not draw.promised_before,
            untold=draw.secret is None,
            old=draw.old,
            bad=what is not None,
            first=Bad(draw, what) if what else None,
        )
    return proof


def fault(draw: Drawn, firsts: Mapping[str, Drawn]) -> str | None:
    """The first thing wrong with a draw, None when it holds; `firsts` are first calls' draws."""
    found = _old(draw) if draw.old else _whole(draw, firsts.get(draw.referral_id))
    return next((what for what, wrong in found if wrong), None)


def _old(draw: Drawn) -> Iterator[tuple[str, bool]]:
    committed = draw_rules.first_commitment(
        draw.referral_id, draw.parties, draw.catalogue_hash, draw.selector_version
    )
    yield from _drawn_from(draw, committed)
    yield "party", draw.party != draw_rules.party(draw.seed)
    yield "called_party", draw.called_party != draw.party


def _whole(draw: Drawn, first: Drawn | None) -> Iterator[tuple[str, bool]]:
    committed = draw_rules.commitment(
        Committed(
            referral_id=draw.referral_id,
            purpose=draw.purpose,
            parties=draw.parties,
            catalogue_hash=draw.catalogue_hash,
            selector_version=draw.selector_version,
            wanted_plan=draw.wanted_plan or "",
            sample_percent=draw.sample_percent,
            agents=draw.agents,
        )
    )
    secret = draw.secret
    yield "promise", secret is not None and draw_rules.promise(secret) != draw.entropy_hash
    yield from _drawn_from(draw, committed)
    yield "unpromised", draw.promised_at is None or draw.promised_at > draw.drawn_at
    yield from _in_trail(draw)
    yield "no_first", draw.purpose == OTHER_PARTY and first is None
    party, sampled, plans = _choices(draw, first)
    yield "party", draw.party != party
    yield "sample", draw.sampled != sampled
    yield "plan", draw.plan not in plans
    yield "called_party", draw.called_party != draw.party
    yield "no_agents", not draw.agents
    picked = draw_rules.pick(draw.seed, len(draw.agents), "agent")
    yield "agent", draw.first_agent != draw.agents[picked]


def _drawn_from(draw: Drawn, committed: bytes) -> Iterator[tuple[str, bool]]:
    secret = draw.secret
    yield "commitment", draw.commitment != committed
    yield "seed", secret is not None and draw_rules.seed(secret, draw.commitment) != draw.seed
    yield "day", business_day(draw.drawn_at, draw.zone) != draw.entropy_on


def _in_trail(draw: Drawn) -> Iterator[tuple[str, bool]]:
    """Both must be chained; a promise of the day before stands there before the commitment."""
    trail = draw.trail
    if trail is None:
        return
    promise, committed = trail.promise_seq, trail.commitment_seq
    yield "promise_not_chained", promise is None or trail.promised_at != draw.promised_at
    yield "commitment_not_chained", committed is None
    late = draw.promised_before and (promise or 0) > (committed or 0)
    yield "unpromised", late


def _choices(draw: Drawn, first: Drawn | None) -> tuple[str, bool, set[str | None]]:
    """Party, audit sample and plans that follow; only what people are asked may ask for less."""
    if draw.purpose == OTHER_PARTY and first is not None:
        other = draw_rules.other("owner" if first.party == "owner" else "buyer")
        return other, first.sampled, {first.plan or Plan.SINGLE.value}
    party = draw_rules.party(draw.seed)
    if draw.purpose == JUDGES:
        return party, False, {Plan.SINGLE.value, Plan.NARRATIVE.value}
    sampled = draw_rules.sampled(draw.seed, draw.sample_percent)
    plan = Plan.DUAL.value if sampled else draw.wanted_plan
    return party, sampled, {plan, Plan.NARRATIVE.value}
