"""The whole simulation: four kinds of people, three policies, what was seen and what is exact.

A reader would break this by computing the exact side with the rules under test.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from types import MappingProxyType
from typing import Final, NamedTuple

from referral.questions.probability import Outcome, outcome, outcome_chances
from referral.rules.calls import CallResult, Next, Plan, after_calls, policy_chances
from referral.simulation.agreement import Line, bounds
from referral.simulation.cases import Call, Case, Tier, Verdict, cases

PAIRS: Final = 400
CALLED: Final = 4
"""At most so many different pairs of people, each of them called so often at least."""


class Policy(NamedTuple):
    name: str
    plan: Plan
    strict: bool


POLICIES: Final = (
    Policy("single, scored", Plan.SINGLE, strict=False),
    Policy("single, strict", Plan.SINGLE, strict=True),
    Policy("both parties", Plan.DUAL, strict=False),
)
ENDS: Final[Mapping[str, frozenset[Next]]] = MappingProxyType(
    {
        "passed": frozenset({Next.VERIFY}),
        "failed": frozenset({Next.FAIL, Next.SUSPECT}),
        "adjudicated": frozenset({Next.ADJUDICATE}),
    }
)
_LINES: Final = len(Tier) * len(POLICIES) * len(ENDS)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found; of `pairs` pairs of people `narrative` had no admissible set."""

    pairs: int
    narrative: int
    lines: tuple[Line, ...]

    @property
    def outside(self) -> int:
        """How many lines disagree."""
        return sum(not line.agrees for line in self.lines)


def simulate(seed: int, wanted: int, *, verdict: Verdict = outcome) -> Report:
    """Run `wanted` cases, as many of each kind of people, each under every policy.

    `verdict` takes the place of the real one when a test plants a bug. Same seed, same report.
    Raises ValueError when that is less than one pair, or no pair has an admissible set.
    """
    each = wanted // len(Tier)
    invented = list(cases(seed, min(PAIRS, each // CALLED)))
    ready = [case for case in invented if case is not None]
    if not ready:
        raise ValueError("nothing to simulate")
    rng = Random(f"answers {seed}")  # noqa: S311 (invented answers, nothing secret)
    lines = [
        line
        for tier in Tier
        for line in _lines(tier, ready, _answered(tier, ready, each, rng, verdict))
    ]
    return Report(len(invented), len(invented) - len(ready), tuple(lines))


Results = tuple[CallResult, CallResult]
Chances = tuple[Mapping[Outcome, float], Mapping[Outcome, float]]


def _answered(
    tier: Tier, ready: Sequence[Case], each: int, rng: Random, verdict: Verdict
) -> Counter[Results]:
    """The results of both calls, case by case; a policy may do without the second."""
    return Counter(
        (
            CallResult(case.first.answered(tier, rng, verdict)),
            CallResult(case.second.answered(tier, rng, verdict)),
        )
        for case in islice(cycle(ready), each)
    )


def _lines(tier: Tier, ready: Sequence[Case], answered: Counter[Results]) -> Iterator[Line]:
    count = answered.total()
    chances = [(_verdicts(tier, case.first), _verdicts(tier, case.second)) for case in ready]
    for policy in POLICIES:
        seen: Counter[Next] = Counter()
        for results, times in answered.items():
            seen[_end(policy, results)] += times
        exact = _exact(policy, chances, count)
        for end, steps in ENDS.items():
            chance = min(1.0, sum(exact[step] for step in steps))
            found = sum(seen[step] for step in steps)
            low, high = bounds(count, chance, _LINES)
            yield Line(tier, policy.name, end, count, found, chance, low, high)


def _end(policy: Policy, results: Results) -> Next:
    """Where a referral ends; the other party is called only when the rules say so."""
    step = after_calls(policy.plan, results[:1], strict=policy.strict, needs_people=False)
    if step != Next.CALL_OTHER:
        return step
    return after_calls(policy.plan, results, strict=policy.strict, needs_people=False)


def _verdicts(tier: Tier, call: Call) -> Mapping[Outcome, float]:
    return outcome_chances(call.items, call.chances(tier))


def _exact(policy: Policy, chances: Sequence[Chances], count: int) -> Mapping[Next, float]:
    """The chance of each end, averaged over the sets that were asked, as often as they were."""
    ends = dict.fromkeys(Next, 0.0)
    for place, (first, second) in enumerate(chances):
        times = len(range(place, count, len(chances)))
        exact = policy_chances(policy.plan, first, second, strict=policy.strict)
        for step, chance in exact.items():
            ends[step] += chance * times / count
    return ends
