"""A question bank (题库) as JSON and back, and version 0 as shipped in bank.json.

A reader would break this by letting a text pass that says an answer, or names somebody.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kernel.errors import RuleViolation
from loyalty.formats.reading import Fields, below, choice, code, listing, refuse
from loyalty.formats.text import visible
from referral.draw_rules import PARTIES, Party
from referral.questions import values, vocabulary
from referral.questions.bank import Bank, Kind, Privacy, Question
from referral.questions.facts import FACTS

MOST_ABOUT_ONE: Final = 24
"""The selector tries every set: this many questions about one party keep that quick."""
MOST_CHARACTERS: Final = 200
MOST_MISSED: Final = 0.5

_KEYS: Final = {"key", "about", "facts", "kind", "zh", "en", "groups", "g", "e", "privacy"}
_KINDS: Final = frozenset(Kind) - {Kind.NARRATIVE}
_DECOYS: Final = ("model", "colour")
_FITTING: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.NAME: ("name",),
    Kind.YEAR: ("purchase_year",),
    Kind.FALSE_PREMISE: _DECOYS,
    Kind.TRUE_PREMISE: tuple(values.VALUES),
    Kind.OPEN: tuple(values.VALUES),
    Kind.CHOICE: tuple(values.VALUES),
}
_PLACEHOLDER: Final = re.compile(r"\{[a-z_]+\}")
_NEUTRAL: Final = re.compile("哪位朋友")
_YES_OR_NO: Final = re.compile(
    r"[吗么嘛][?？]?$|是不是|是否|有没有|对不对|对吗"
    r"|^(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would)\b"
    r"|\bis that right\b|\bisn't (?:it|he|she)\b|\bdoesn't (?:he|she)\b",
    re.IGNORECASE,
)
_SOMEBODY: Final = re.compile(
    r"[0-9]{4}|(?<!\})[\u4e00-\u9fff](?:先生|女士|小姐|太太)|\b(?:Mr|Mrs|Ms|Miss)\b\.? *[A-Z]"
)


def parse_bank(body: Mapping[str, Any]) -> Bank:
    """What a bank says, with its version (referral.md, sections 3 and 4; product.md, F45).

    Raises RuleViolation with the pointer below `/body`: `rule_invalid` for a wrong shape, or
    `question_fact_unknown`, `question_kind_unknown`, `question_facts_not_fitting`,
    `question_placeholder`, `question_gives_away`, `question_yes_or_no`, `question_text_missing`,
    `question_guess_out_of_range`, `question_miss_out_of_range`, `question_too_private`,
    `question_key_repeated`, `question_name_missing`.
    """
    said = Fields(body, "/body", {"questions"})
    rows = said.need("questions", listing(_question))
    keys: set[str] = set()
    for at, row in enumerate(rows):
        if row.key in keys:
            raise RuleViolation("question_key_repeated", pointer=f"/body/questions/{at}/key")
        keys.add(row.key)
    for party in PARTIES:
        own = [row for row in rows if row.about == party]
        if len(own) > MOST_ABOUT_ONE:
            refuse("/body/questions", "out_of_range")
        if not any(row.kind is Kind.NAME for row in own):
            raise RuleViolation("question_name_missing", pointer="/body/questions", party=party)
    return Bank(rows, _version(rows))


def dump_bank(bank: Bank) -> dict[str, Any]:
    """The body as JSON with every key said; the exact inverse of `parse_bank`."""
    return {"questions": [_dumped(row) for row in bank.questions]}


def _version(rows: tuple[Question, ...]) -> str:
    body = json.dumps([_dumped(row) for row in rows], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode() + b"\0" + values.RAW).hexdigest()


def _dumped(row: Question) -> dict[str, Any]:
    return {
        "key": row.key,
        "about": row.about,
        "facts": list(row.facts),
        "kind": str(row.kind),
        "zh": row.text_zh,
        "en": row.text_en,
        "groups": sorted(row.groups),
        "g": row.g,
        "e": row.e,
        "privacy": str(row.privacy),
    }


def _question(value: Any, pointer: str) -> Question:
    said = Fields(value, pointer, _KEYS)
    kind = said.need("kind", _kind)
    facts = said.need("facts", listing(_fact))
    if not set(facts) <= set(_FITTING[kind]) or (kind is not Kind.FALSE_PREMISE and facts[1:]):
        raise RuleViolation("question_facts_not_fitting", pointer=below(pointer, "facts"))
    row = Question(
        key=said.need("key", code),
        about=said.need("about", _party),
        facts=facts,
        kind=kind,
        text_zh=_text(said, "zh"),
        text_en=_text(said, "en"),
        groups=frozenset(said.need("groups", listing(code))),
        g=said.need("g", _sure if kind is Kind.TRUE_PREMISE else _guess),
        e=said.need("e", _miss),
        privacy=said.need("privacy", _privacy),
    )
    for language, wording in (("zh", row.text_zh), ("en", row.text_en)):
        _check_text(row, wording, below(pointer, language))
    return row


def _text(said: Fields, language: str) -> str:
    if language not in said.said:
        raise RuleViolation("question_text_missing", pointer=below(said.pointer, language))
    return said.need(language, _wording)


def _check_text(row: Question, wording: str, pointer: str) -> None:
    """A text names nobody, says no value of any fact, and has the placeholders of its kind."""
    bare = _PLACEHOLDER.sub(" ", wording)
    if sorted(_PLACEHOLDER.findall(wording)) != _placeholders(row) or {"{", "}"} & set(bare):
        raise RuleViolation("question_placeholder", pointer=pointer)
    folded = vocabulary.fold(_NEUTRAL.sub(" ", bare))
    if _SOMEBODY.search(bare) or any(vocabulary.mentions(fact, folded) for fact in values.VALUES):
        raise RuleViolation("question_gives_away", pointer=pointer)
    if row.kind not in (Kind.FALSE_PREMISE, Kind.TRUE_PREMISE) and _YES_OR_NO.search(bare):
        raise RuleViolation("question_yes_or_no", pointer=pointer)
    if row.kind is Kind.TRUE_PREMISE and row.privacy is not Privacy.A:
        raise RuleViolation("question_too_private", pointer=pointer)


def _placeholders(row: Question) -> list[str]:
    """The open name comes first, before anybody is named; all others name the person once."""
    if row.kind is Kind.NAME:
        return []
    told = {Kind.FALSE_PREMISE: "decoy", Kind.TRUE_PREMISE: "true"}.get(row.kind)
    shown = [f"{{{told}_{fact}}}" for fact in row.facts] if told else []
    return sorted(["{surname_title}", *shown])


def _wording(value: Any, pointer: str) -> str:
    if not isinstance(value, str):
        refuse(pointer, "not_text")
    if not value.strip():
        raise RuleViolation("question_text_missing", pointer=pointer)
    if len(value) > MOST_CHARACTERS:
        refuse(pointer, "out_of_range")
    if not value.isprintable() or visible(value) != value:
        refuse(pointer, "malformed")
    return value


def _kind(value: Any, pointer: str) -> Kind:
    if not isinstance(value, str) or value not in _KINDS:
        raise RuleViolation("question_kind_unknown", pointer=pointer)
    return Kind(value)


def _fact(value: Any, pointer: str) -> str:
    if value not in FACTS:
        raise RuleViolation("question_fact_unknown", pointer=pointer)
    return str(value)


def _party(value: Any, pointer: str) -> Party:
    for party in PARTIES:
        if value == party:
            return party
    return refuse(pointer, "unknown_choice")


def _privacy(value: Any, pointer: str) -> Privacy:
    """C is refused in words of its own: somebody meant to ask it."""
    if value == "C":
        raise RuleViolation("question_too_private", pointer=pointer)
    return choice(Privacy)(value, pointer)


def _guess(value: Any, pointer: str) -> float:
    if type(value) is not float or not 0 < value < 1:
        raise RuleViolation("question_guess_out_of_range", pointer=pointer)
    return value


def _sure(value: Any, pointer: str) -> float:
    """A control proves nothing: everybody is right."""
    if type(value) not in (int, float) or value != 1:
        raise RuleViolation("question_guess_out_of_range", pointer=pointer)
    return 1.0


def _miss(value: Any, pointer: str) -> float:
    if type(value) is not float or not 0 < value < MOST_MISSED:
        raise RuleViolation("question_miss_out_of_range", pointer=pointer)
    return value


BUILT_IN: Final = parse_bank(json.loads(Path(__file__).with_name("bank.json").read_bytes()))
"""Version 0: what is asked until a dealer publishes a bank of his own."""
