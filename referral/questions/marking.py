"""Marks the verbatim answers of a call (回访) on the server; what it cannot decide a person reads.

A reader would break this by letting a mark, or what was expected, leave the server.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final

from rapidfuzz import fuzz

from referral.questions import numerals, people, vocabulary
from referral.questions.bank import Kind
from referral.questions.facts import YEARS_OFF
from referral.questions.values import VALUES

_DENIED: Final = re.compile(
    r"(?:不是|并非)(?![的啊呀哦])[^,。;!?、\s是]*"
    r"|(?:\bnot\b|n't\b)(?:(?!\b(?:but|it|he|she|his|her)\b)[^,。.;!?])*"
)
_ALTERNATIVE: Final = re.compile(r"或|还是|要么|不是.+就是|\bor\b|\beither\b")
_HEDGE: Final = re.compile(
    r"好像|应该|可能|大概|也许|或许|估计|似乎|吧|我想|我觉得|差不多|不太确定|不确定|记不清"
    r"|\b(?:think|guess|maybe|probably|perhaps|believe|suppose|sure|seems?)\b"
)
_DONT_KNOW: Final = re.compile(
    r"不知道|不(?:太|大|是很)?(?:清楚|了解|记得|晓得)|记不[清得住]|忘[了记]|没印象|说不[上清好]"
    r"|\b(?:don't|do not|can't|cannot|didn't) (?:really )?(?:know|remember|recall|say)\b"
    r"|\bno idea\b|\bforgot(?:ten)?\b|\bnot sure\b"
)
_FILLER: Final = re.compile(
    r"不是|不对|不|没有|没|错|是|的|了|[一两]?[台辆部个款]|车|颜色|色|开|他|她|它|我|你|人家|那|这"
    r"|记得|记|好像|应该|可能|大概|吧|啊|呀|呢|哦|嗯|新|买|有|大众|而|对"
    r"|\b(?:no|not|it|it's|is|isn't|a|an|the|he|she|his|her|car|drives?|but|i|think|has|one)\b"
)
_CONTENT: Final = re.compile(r"[^\W_]")
_STRAYS_ALLOWED: Final = {"trade": 1, "relation": 1, "companion": 1}


class Said(StrEnum):
    """What the agent recorded: confirmed or denied a statement, did not know, or answered."""

    CONFIRMED = auto()
    DENIED = auto()
    DONT_KNOW = auto()
    ANSWERED = auto()


class Mark(StrEnum):
    """What an answer is worth (referral.md, sections 4 and 5).

    `review`: a second person reads it. `again`: the one neutral re-ask. `replaced`: the first
    "don't know", a question of the reserve takes its place. `noted`: a narrative, never marked.
    """

    RIGHT = auto()
    WRONG = auto()
    REVIEW = auto()
    AGAIN = auto()
    REPLACED = auto()
    NOTED = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer in the person's own words, as the agent (回访人员) wrote them down."""

    said: Said
    text: str | None


def mark(
    kind: Kind,
    expected: Mapping[str, str],
    answer: Answer,
    *,
    asked_before: bool = False,
    dont_know_before: bool = False,
    reserve_left: bool = False,
) -> Mark:
    """What one answer is worth (referral.md, sections 1, 4 and 5).

    `asked_before`: this question was re-asked; `dont_know_before`: one was replaced in this call;
    `reserve_left`: a question is left to replace one. Raises RuleViolation `text_unusable`.
    """
    said = vocabulary.fold(answer.text or "")
    if kind is Kind.NARRATIVE:
        return Mark.NOTED
    if kind in (Kind.FALSE_PREMISE, Kind.TRUE_PREMISE):
        return _statement(kind, expected, answer.said, said, asked_before)
    if answer.said is Said.ANSWERED:
        given = _answer(kind, expected, said)
        unknown = given is Mark.REVIEW and bool(_DONT_KNOW.search(said))
    else:
        given, unknown = Mark.WRONG, answer.said is Said.DONT_KNOW
    if not unknown:
        return given
    replaceable = kind is not Kind.NAME and reserve_left and not dont_know_before
    return Mark.REPLACED if replaceable else Mark.WRONG


def _statement(
    kind: Kind, expected: Mapping[str, str], answered: Said, said: str, asked_before: bool
) -> Mark:
    """A premise is re-asked alike whether true or false, so that a re-ask tells nothing."""
    if answered is Said.CONFIRMED and not asked_before and _HEDGE.search(said):
        return Mark.AGAIN
    if kind is Kind.TRUE_PREMISE:
        return Mark.WRONG if answered is Said.DENIED else Mark.RIGHT
    return _correction(expected, said) if answered is Said.DENIED else Mark.WRONG


def _correction(expected: Mapping[str, str], said: str) -> Mark:
    """Right when every fact is put right; words beyond the vocabulary are for a person to read."""
    rest = vocabulary.without("model", said).replace(expected.get("model", ""), " ")
    heard = {"model": said, "colour": rest}
    found = {
        _named(fact, expected[fact], heard[fact], expected[f"decoy_{fact}"])
        for fact in heard
        if fact in expected
    }
    if Mark.WRONG in found or found == {Mark.RIGHT}:
        return min(found, key=(Mark.WRONG, Mark.RIGHT, Mark.REVIEW).index)
    left = _FILLER.sub(" ", vocabulary.without("colour", _DENIED.sub(" ", rest)))
    return Mark.REVIEW if _CONTENT.search(left) else Mark.WRONG


def _answer(kind: Kind, expected: Mapping[str, str], said: str) -> Mark:
    value = expected["value"]
    if kind is Kind.NAME:
        return _name(value, said)
    if kind is Kind.YEAR:
        return _year(int(value), said)
    found = _named(expected["fact"], value, said)
    silent = found is Mark.REVIEW and not _CONTENT.search(_DENIED.sub(" ", said))
    return Mark.WRONG if silent else found


def _named(fact: str, value: str, said: str, decoy: str | None = None) -> Mark:
    """Right: the value and nothing else that counts; a repeated decoy does not count.

    Review: no word about the fact was understood.
    """
    wavers = bool(_ALTERNATIVE.search(said))
    heard = said if wavers else _DENIED.sub(" ", said)
    meant = vocabulary.mentions(fact, heard)
    strays = {one for one in meant if value not in one and (wavers or decoy not in one)}
    hit = any(value in one for one in meant) or _free_text(fact, value, heard)
    if hit and len(strays) <= (0 if wavers else _STRAYS_ALLOWED.get(fact, 0)):
        return Mark.RIGHT
    return Mark.WRONG if meant or hit else Mark.REVIEW


def _free_text(fact: str, value: str, heard: str) -> bool:
    """A value the vocabulary does not know must be said nearly in full."""
    if value in VALUES[fact] or len(heard) < len(value):
        return False
    return fuzz.partial_ratio(value, heard) >= vocabulary.SIMILAR_PERCENT


def _name(value: str, said: str) -> Mark:
    heard = people.hear(value, _DENIED.sub(" ", said))
    if heard is people.Heard.OTHER or _ALTERNATIVE.search(said):
        return Mark.WRONG
    return Mark.RIGHT if heard is people.Heard.WHOLE else Mark.REVIEW


def _year(value: int, said: str) -> Mark:
    """Right within one year, whatever years are said; 去年 is for a person to count."""
    years = numerals.years(_DENIED.sub(" ", said))
    if not years:
        return Mark.REVIEW if _CONTENT.search(said) else Mark.WRONG
    near = all(abs(year - value) <= YEARS_OFF for year in years)
    return Mark.RIGHT if near else Mark.WRONG
