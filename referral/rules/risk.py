"""What is noticed about a referral, turned into points and a choice of how closely to look.

A reader would break this by refusing or punishing here: risk only ever asks for more checking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Choice(StrEnum):
    """How closely to look (referral.md, section 3): as drawn, both parties, or two people."""

    NONE = "none"
    DUAL = "dual"
    ADJUDICATE = "adjudicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What was counted about one referral; None is not known (yet). Counts only, nobody's data.

    `usual` are medians of the colleagues, `permille` thousandths, `ppm` millionths.
    """

    consultant_reports_7d: int = 0
    usual_reports_7d: int = 0
    consultant_reports_30d: int = 0
    usual_reports_30d: int = 0
    owner_referrals_30d: int = 0
    owner_referrals_365d: int = 0
    owner_phone_members: int = 0
    buyer_phone_as_owner: int = 0
    buyer_phone_reports: int = 0
    licence_other_owners: int = 0
    photos_seen_before: int = 0
    circle_people: int = 0
    circle_nearby_people: int = 0
    minutes_to_order: int | None = None
    hours_unreported: int = 0
    licence_flags: int = 0
    owner_phone_changes: int = 0
    virtual_numbers: int = 0
    consultant_judged: int = 0
    consultant_excess_permille: int = 0
    consultant_watched: int = 0
    agent_calls: int = 0
    agent_luck_ppm: int | None = None
    nomination_doubts: int = 0
    review_flags: int = 0
    reward_points: int = 0
    large_reward_points: int = 0

    @property
    def large_reward(self) -> int:
        """1 when the reward is one the dealer calls large."""
        return int(0 < self.large_reward_points <= self.reward_points)


@dataclass(frozen=True, slots=True)
class Rule:
    """One signal: it shows from `limit` on, or below it, and never within the usual.

    `least` is the choice it makes by itself, whatever the points. `beside` are more measures
    that explain it.
    """

    code: str
    measure: str
    limit: int
    points: int
    below: bool = False
    usual: str | None = None
    least: Choice = Choice.NONE
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing noticed, with what it was measured by."""

    code: str
    points: int
    facts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Score:
    """The sum, what follows from it, and every signal, in the order of `RULES`."""

    points: int
    choice: Choice
    signals: tuple[Signal, ...]


DUAL_FROM: Final = 30
ADJUDICATE_FROM: Final = 60
TIMES_USUAL: Final = 3
FEWEST_JUDGED: Final = 5
FEWEST_CALLS: Final = 20

RULES: Final = (
    Rule("consultant_busy_week", "consultant_reports_7d", 6, 15, usual="usual_reports_7d"),
    Rule("consultant_busy_month", "consultant_reports_30d", 15, 15, usual="usual_reports_30d"),
    Rule("owner_busy_month", "owner_referrals_30d", 4, 15),
    Rule("owner_busy_year", "owner_referrals_365d", 10, 15),
    Rule("owner_phone_shared", "owner_phone_members", 2, 10),
    Rule("owner_phone_of_many", "owner_phone_members", 3, 20),
    Rule("buyer_phone_of_owner", "buyer_phone_as_owner", 1, 30),
    Rule("buyer_phone_repeated", "buyer_phone_reports", 2, 15),
    Rule("licence_elsewhere", "licence_other_owners", 1, 40),
    Rule("photo_seen_before", "photos_seen_before", 1, 40),
    Rule("circle", "circle_people", 1, ADJUDICATE_FROM, least=Choice.ADJUDICATE),
    Rule("circle_nearby", "circle_nearby_people", 1, 15),
    Rule("order_at_once", "minutes_to_order", 30, 15, below=True),
    Rule("reported_late", "hours_unreported", 72, 10),
    Rule("licence_remarks", "licence_flags", 1, 10),
    Rule("owner_phone_new", "owner_phone_changes", 1, DUAL_FROM),
    Rule("virtual_number", "virtual_numbers", 1, 10),
    Rule(
        "consultant_often_fails",
        "consultant_excess_permille",
        50,
        20,
        beside=("consultant_judged",),
    ),
    Rule("consultant_on_watch", "consultant_watched", 1, 10, least=Choice.DUAL),
    Rule("agent_passes_all", "agent_luck_ppm", 1_000, 20, below=True, beside=("agent_calls",)),
    Rule("nomination_doubtful", "nomination_doubts", 1, 20),
    Rule("review_flagged", "review_flags", 1, 15),
    Rule(
        "large_reward",
        "large_reward",
        1,
        0,
        least=Choice.DUAL,
        beside=("reward_points", "large_reward_points"),
    ),
)
"""Every signal with limit and points. All figures, and the bounds above, are assumptions (†) but:
the numbers of virtual operators (formats.md); watch, large reward and circle, which choose by
themselves (referral.md, section 3 and reason `ring_suspected`). They are chosen so that no
single habit of honest people reaches `DUAL_FROM`, and are to be estimated from data."""

VIRTUAL_OPERATORS: Final = ("+86162", "+86165", "+86167", "+86170", "+86171")
"""Numbers of virtual operators (虚拟运营商), had without showing oneself (formats.md)."""

_STRICTNESS: Final = (Choice.NONE, Choice.DUAL, Choice.ADJUDICATE)


def score(measures: Measures) -> Score:
    """Points and choice of one referral, with every signal that showed (F52)."""
    found = [(rule, signal) for rule in RULES if (signal := _signal(rule, measures))]
    points = sum(signal.points for _, signal in found)
    wanted = [_by_points(points), *(rule.least for rule, _ in found)]
    choice = max(wanted, key=_STRICTNESS.index)
    return Score(points, choice, tuple(signal for _, signal in found))


def median(counts: Sequence[int]) -> int:
    """The middle of what colleagues have, the upper one of two; 0 of nobody."""
    return sorted(counts)[len(counts) // 2] if counts else 0


def is_virtual(phone: str) -> bool:
    """Whether a canonical number is of a virtual operator."""
    return phone.startswith(VIRTUAL_OPERATORS)


def _by_points(points: int) -> Choice:
    if points >= ADJUDICATE_FROM:
        return Choice.ADJUDICATE
    return Choice.DUAL if points >= DUAL_FROM else Choice.NONE


def _signal(rule: Rule, measures: Measures) -> Signal | None:
    value: int | None = getattr(measures, rule.measure)
    usual: int = getattr(measures, rule.usual) if rule.usual else 0
    limit = max(rule.limit, TIMES_USUAL * usual)
    if value is None or (value >= limit if rule.below else value < limit):
        return None
    facts = {rule.measure: value, "limit": limit}
    beside = (*rule.beside, rule.usual) if rule.usual else rule.beside
    facts |= {name: getattr(measures, name) for name in beside}
    return Signal(rule.code, rule.points, facts)
