"""Years and durations as people say them: 二〇二四年, 24年, 十几年, five years.

A reader would break this by reading 去年 (last year) as a year: nothing here knows the date.
"""

import re
from collections.abc import Iterator
from typing import Final

_DIGITS: Final = dict(zip("零〇一二三四五六七八九两", (0, *range(10), 2), strict=True))
_HAN_NUMBER: Final = re.compile("[零〇一二三四五六七八九两十]+")
_ENGLISH: Final = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_WORDS: Final = {
    **{word: number for number, word in enumerate(_ENGLISH.split("|"), start=1)},
    **{"a": 1, "fifteen": 15, "twenty": 20, "thirty": 30},
}
_WORD: Final = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b(?= *-?(?:years?|yrs?|months?)\b)")
_YEAR: Final = re.compile(
    r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])|(?<![0-9])([0-9]{2})年(?![前了多来以之])|'([0-9]{2})\b"
)
_CENTURY_TURNS: Final = 80
"""Two digits from here on mean the last century: 98年 is 1998, 24年 is 2024."""
_LASTED: Final = re.compile(
    r"(?P<over>超过|不止|多于|over |more than )?(?<![0-9哪那这])(?P<number>[0-9]{1,2}) *"
    r"(?P<more>多|几|来|余|\+)?(?:个)?-?(?P<unit>年|月|years?\b|yrs?\b|months?\b) *(?P<odd>多|半)?"
    r"(?!认识|的时候|那|开始|就)"
)
_MONTHS: Final = 12


def arabic(folded: str) -> str:
    """The text with Chinese and English numbers up to 99, and years digit by digit, as digits."""
    digits = _HAN_NUMBER.sub(lambda found: _number(found[0]), folded)
    return _WORD.sub(lambda found: str(_WORDS[found[0]]), digits)


def years(folded: str) -> list[int]:
    """The calendar years said, in order: four digits, or two before 年."""
    return [_whole(*found) for found in _YEAR.findall(arabic(folded))]


def lasted(folded: str) -> Iterator[tuple[int, bool]]:
    """Durations said, in whole months, and whether it was said to be more (三年多)."""
    for found in _LASTED.finditer(arabic(folded)):
        months = int(found["number"]) * (1 if found["unit"].startswith(("月", "m")) else _MONTHS)
        yield months, bool(found["over"] or found["more"] or found["odd"])


def _number(han: str) -> str:
    """Tens and ones (二十三), or digits one by one (二〇二四)."""
    tens, ten, ones = han.partition("十")
    if not ten:
        return "".join(str(_DIGITS[one]) for one in han)
    if "十" in ones or len(tens) > 1 or len(ones) > 1:
        return han
    return str((_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0))


def _whole(full: str, short: str, quoted: str) -> int:
    if full:
        return int(full)
    two = int(short or quoted)
    return two + (1900 if two >= _CENTURY_TURNS else 2000)
