"""Which questions are asked in one call: three or four, chosen by the seed alone.

A reader would break this by padding a weak set: too few facts is a refusal, not a shorter call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kernel.errors import Conflict
from referral.draw_rules import Party, rank
from referral.questions import decoys
from referral.questions.bank import QUESTIONS, VALUES, Kind, Question
from referral.questions.facts import FACTS, Facts

SELECTOR_VERSION = "1"
WANTED = 4
LEAST = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a call. The texts keep `{surname_title}`; `expected` stays on the server."""

    key: str
    kind: Kind
    text_zh: str
    text_en: str
    expected: dict[str, str] = field(repr=False)


def select(
    *, about: Party, facts: Facts, cars: Sequence[decoys.Car], seed: bytes
) -> tuple[Asked, ...]:
    """Four questions, at least three, in the order to ask them (referral.md, sections 1 and 4).

    Exactly one false premise, exactly one open question, the rest by the seed, never two of one
    group. `about` is the party asked about, `facts` and `cars` are his: the buyer is asked about
    the owner and the reverse. Same inputs, same questions.
    Raises Conflict `questions_not_enough` with the facts that are missing.
    """
    own = (facts.get("model", ""), facts.get("colour", ""))
    decoy = decoys.choose([*cars, own], seed)
    askable = [q for q in QUESTIONS if q.about == about and all(f in facts for f in q.facts)]
    chosen = _choose(sorted(askable, key=lambda q: rank(seed, f"candidate {q.key}")))
    kinds = {question.kind for question in chosen}
    if decoy is None or len(chosen) < LEAST or not {Kind.FALSE_PREMISE, Kind.OPEN} <= kinds:
        raise Conflict("questions_not_enough", missing=_missing(facts))
    chosen.sort(key=lambda q: rank(seed, f"order {q.key}"))
    return tuple(_asked(question, facts, decoy) for question in chosen)


def _choose(candidates: Sequence[Question]) -> list[Question]:
    """The first of each kind that comes exactly once, then whatever fits."""
    chosen: list[Question] = []
    for kind, most in ((Kind.FALSE_PREMISE, 1), (Kind.OPEN, 1), (Kind.CHOICE, WANTED)):
        room = min(most, WANTED - len(chosen))
        for question in candidates:
            taken = {group for other in chosen for group in other.groups}
            if room and question.kind == kind and not taken & question.groups:
                chosen.append(question)
                room -= 1
    return chosen


def _missing(facts: Facts) -> list[str]:
    return [fact for fact in FACTS if fact not in facts] or ["decoy"]


def _asked(question: Question, facts: Facts, decoy: decoys.Car) -> Asked:
    if question.kind != Kind.FALSE_PREMISE:
        (fact,) = question.facts
        expected = {"fact": fact, "value": facts[fact]}
        return Asked(question.key, question.kind, question.text_zh, question.text_en, expected)
    model, colour = VALUES["model"][decoy[0]], VALUES["colour"][decoy[1]]
    return Asked(
        question.key,
        question.kind,
        _with_decoy(question.text_zh, model.zh, colour.zh),
        _with_decoy(question.text_en, model.en, colour.en),
        {
            "model": facts["model"],
            "colour": facts["colour"],
            "decoy_model": model.code,
            "decoy_colour": colour.code,
        },
    )


def _with_decoy(text: str, model: str, colour: str) -> str:
    return text.replace("{decoy_model}", model).replace("{decoy_colour}", colour)
