"""The words of the bank found in what people say: spellings, scripts, synonyms, slips of the pen.

A reader would break this by looking for a word inside a longer one (red in "preferred").
"""

import re
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz, process

from loyalty.formats import text
from referral.questions import numerals
from referral.questions.values import VALUES, Value

SIMILAR_PERCENT: Final = 88
"""From this rapidfuzz ratio on a misspelt word counts as the word (Saggitar: 93, gold/golf: 75)."""

_KNOWN_FOR: Final = (
    ("under_1", 0, 12),
    ("1_to_3", 12, 36),
    ("3_to_10", 36, 120),
    ("over_10", 120, 12_000),
)
"""Band, least and most months."""
_HAN: Final = "\u3400-\u9fff"
_AFTER_ONE: Final = "的车牌字漆啊呀吧呢嘛"
_LATIN_WORD: Final = re.compile("[a-z]{4,}")


@dataclass(frozen=True, slots=True)
class _Words:
    pattern: re.Pattern[str]
    names: dict[str, str]
    meanings: dict[str, frozenset[str]]
    ambiguous: frozenset[frozenset[str]]
    spellings: dict[str, list[str]]


def fold(said: str) -> str:
    """What was said, for comparison: widths, script (繁体/简体), case and blanks folded.

    Raises RuleViolation `text_unusable` (formats.md).
    """
    return " ".join(text.simplified(text.normalise(said)).casefold().split())


def mentions(fact: str, folded: str) -> list[frozenset[str]]:
    """For each word about the fact, in the order said, the values it may mean.

    Misspelt Latin words are looked at only when no word is spelt right; durations are counted.
    """
    words = _WORDS[fact]
    said = words.pattern.findall(folded)
    bands = _bands(without(fact, folded)) if fact == "known_for" else []
    if not said and not bands:
        said = _similar(words, folded)
    return [words.meanings[word] for word in said] + bands


def named(fact: str, folded: str) -> str | None:
    """The one value a record names, or None; the last word is the head (学校司机: a driver)."""
    words = _WORDS[fact]
    found = [words.names[word] for word in words.pattern.findall(folded) if word in words.names]
    meant = mentions(fact, folded) if fact == "known_for" and not found else []
    found += [value for one in meant if len(one) == 1 for value in one]
    return found[-1] if found else None


def without(fact: str, folded: str) -> str:
    """The text less the words of one fact, so that white is heard in 白速腾 (a white Sagitar)."""
    return _WORDS[fact].pattern.sub(" ", folded)


def alike(fact: str, one: str, other: str) -> bool:
    """Whether some word means both values: one ambiguity group (navy/black), or twin models."""
    both = {one, other}
    return one == other or any(both <= meaning for meaning in _WORDS[fact].ambiguous)


def _bands(folded: str) -> list[frozenset[str]]:
    """The bands of a duration: at an edge both, beyond it (三年多) the one above."""
    return [
        frozenset(
            code
            for code, least, most in _KNOWN_FOR
            if least <= months <= most and (months < most or not more)
        )
        for months, more in numerals.lasted(folded)
    ]


def _similar(words: _Words, folded: str) -> list[str]:
    """Words spelt nearly so, of the same first letter (so that "other" is no mother)."""
    found = (
        process.extractOne(
            token,
            words.spellings.get(token[0], ()),
            scorer=fuzz.ratio,
            score_cutoff=SIMILAR_PERCENT,
        )
        for token in _LATIN_WORD.findall(folded)
    )
    return [best[0] for best in found if best is not None]


def _one_word(word: str) -> str:
    """The pattern of a word: whole words in Latin; a single Han sign only where a word ends."""
    body = re.escape(word)
    if len(word) == 1:
        return f"{body}(?=[{_AFTER_ONE}]|[^{_HAN}]|$)"
    initials = len(word) == 2 and word.isascii() and word.isalpha()
    before = "(?<![a-z0-9])" + ("(?<![a-z0-9] )" if initials else "")
    after = "(?![a-z0-9])" + ("(?! [a-z0-9])" if initials else "")
    return (before if word[0].isascii() else "") + body + (after if word[-1].isascii() else "")


def _words(values: tuple[Value, ...]) -> _Words:
    names = {fold(word): value.code for value in values for word in value.words}
    meanings: dict[str, frozenset[str]] = {}
    for value in values:
        for word in map(fold, value.words + value.also):
            meanings[word] = meanings.get(word, frozenset()) | {value.code}
    spellings: dict[str, list[str]] = {}
    for word in filter(_LATIN_WORD.fullmatch, sorted(meanings)):
        spellings.setdefault(word[0], []).append(word)
    longest_first = sorted(meanings, key=len, reverse=True)
    return _Words(
        pattern=re.compile("|".join(map(_one_word, longest_first))),
        names=names,
        meanings=meanings,
        ambiguous=frozenset(meaning for meaning in meanings.values() if len(meaning) > 1),
        spellings=spellings,
    )


_WORDS: Final = {fact: _words(tuple(values.values())) for fact, values in VALUES.items()}
