"""The wrong car of a false premise (错误前提): real, popular, and unlike any car of the person.

A reader would break this by offering a decoy an honest person might half agree with.
"""

from collections.abc import Sequence

from referral.draw_rules import pick
from referral.questions import vocabulary
from referral.questions.facts import canonical
from referral.questions.values import DECOY_COLOURS, DECOY_MODELS

Car = tuple[str, str]


def choose(cars: Sequence[Car], seed: bytes) -> Car | None:
    """A (model, colour) that is wrong in both parts, None when there is none.

    `cars`: model and colour of every car the person ever had, as recorded. The decoy's model is
    none of them nor a twin, its colour in no ambiguity group of theirs (referral.md, section 4).
    """
    models = _unlike("model", DECOY_MODELS, [model for model, _ in cars])
    colours = _unlike("colour", DECOY_COLOURS, [colour for _, colour in cars])
    if not models or not colours:
        return None
    return (
        models[pick(seed, len(models), "decoy model")],
        colours[pick(seed, len(colours), "decoy colour")],
    )


def _unlike(fact: str, decoys: Sequence[str], records: Sequence[str]) -> list[str]:
    had = {value for record in records if record and (value := canonical(fact, record))}
    return [
        decoy for decoy in decoys if not any(vocabulary.alike(fact, decoy, value) for value in had)
    ]
