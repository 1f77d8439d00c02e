"""How often a question (问题) is missed and guessed in truth, beside what was assumed of it.

Pure. A reader would break this by taking the proxies for the truth: who passed was found honest
partly by these very answers, so that the misses of the honest and the luck of fakes come out low.
"""

from dataclasses import dataclass
from typing import Final

from referral.risk.statistics import Share

ENOUGH: Final = 30
"""Of fewer cases an interval says too little to doubt a prior."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How the answers of one group to one question were marked in the end, and the average prior.

    `review`: nobody has read it yet. `replaced`: "don't know", asked something else instead.
    `prior`: of those right or wrong, what was assumed when they were asked; None without any.
    """

    right: int = 0
    wrong: int = 0
    review: int = 0
    replaced: int = 0
    prior: float | None = None

    @property
    def settled(self) -> int:
        return self.right + self.wrong


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one question: `asked` so often at all, by those found honest and fake.

    `median_seconds` of an answer, None without any; `too_fast` and `too_slow` answers.
    """

    key: str
    asked: int
    honest: Marks
    fake: Marks
    median_seconds: float | None
    too_fast: int
    too_slow: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A chance as counted, its 95 % interval (Wilson) and the prior that was used.

    `share` and `prior` are None without cases; `off`: the prior lies outside, by enough cases.
    """

    cases: int
    share: float | None
    low: float
    high: float
    prior: float | None

    @property
    def off(self) -> bool:
        if self.prior is None or self.cases < ENOUGH:
            return False
        return not self.low <= self.prior <= self.high


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one question `e`, how often the honest miss it, and `g`, how often fakes are right."""

    asked: Asked
    e: Estimate
    g: Estimate

    @property
    def off(self) -> bool:
        return self.e.off or self.g.off


def calibrate(asked: Asked) -> Calibration:
    """The two chances of referral.md, section 3; `g` is that of a stranger (T0)."""
    return Calibration(
        asked,
        e=_estimate(asked.honest.wrong, asked.honest),
        g=_estimate(asked.fake.right, asked.fake),
    )


def _estimate(count: int, marks: Marks) -> Estimate:
    share = Share(count, marks.settled)
    seen = count / marks.settled if marks.settled else None
    return Estimate(marks.settled, seen, share.low, share.high, marks.prior)
