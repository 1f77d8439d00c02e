"""Seeded dice for the sample data: names, mobiles, plates and VINs, none given out twice.

Integers only: a float distribution may differ between platforms and so change the files' bytes.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import TypeVar

from api.commands import sample_shares as shares
from loyalty.formats import vin

T = TypeVar("T")

_PATTERN_DIGIT = "9"
_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"
_FIRST_CODED_YEAR = 1980


class Dice:
    """One dealer's luck: where its customers live, and every number already given away."""

    def __init__(self, seed: str) -> None:
        self.rng = Random(seed)  # noqa: S311 (invented data, nothing secret)
        self._taken: set[str] = set()
        self._province, self._letters, self._neighbours = self.rng.choice(shares.HOMES)

    def pick(self, weighted: Mapping[T, int]) -> T:
        """One key, as often as its share says."""
        return self.rng.choices(list(weighted), weights=list(weighted.values()))[0]

    def chance(self, percent: int) -> bool:
        """True in `percent` of 100 cases."""
        return self.rng.randrange(100) < percent

    def name(self) -> str:
        """A person's name (姓名): mostly one surname and one or two characters, some with `·`."""
        if self.chance(2):
            given = self.rng.choice(shares.MINORITY_GIVEN)
            return f"{given}·{self.rng.choice(shares.MINORITY_FAMILY)}"
        length = 1 if self.chance(18) else 2
        return self.pick(shares.SURNAMES) + self._characters(shares.GIVEN_CHARACTERS, length)

    def phone(self) -> str:
        """A mobile number of 11 digits, as a dealer's system holds it."""
        return self._unique(
            lambda: self.pick(shares.MOBILE_PREFIXES) + self._characters(_DIGITS, 8)
        )

    def plate(self, power: shares.Power) -> str:
        """A number plate (号牌): mostly from the dealer's own province, green ones if electric."""
        return self._unique(lambda: self._place() + self._serial(power))

    def vin(self, model: shares.Model, year: int) -> str:
        """A VIN of this model and model year with the right check digit (校验位)."""
        return self._unique(lambda: self._checked(model, year))

    def _place(self) -> str:
        if self.chance(90):
            return self._province + self.rng.choice(self._letters)
        return self.rng.choice(self._neighbours) + self.rng.choice("ABCDEF")

    def _serial(self, power: shares.Power) -> str:
        if power == "petrol":
            return "".join(
                self.rng.choice(_DIGITS if mark == _PATTERN_DIGIT else _LETTERS)
                for mark in self.pick(shares.SERIALS)
            )
        letter = self.pick(shares.ENERGY_LETTERS[power])
        second = self.rng.choice(_DIGITS if self.chance(85) else _LETTERS)
        return letter + second + self._characters(_DIGITS, 4)

    def _checked(self, model: shares.Model, year: int) -> str:
        tail = f"{_year_code(year)}{model.plant}{self._characters(_DIGITS, 6)}"
        digit = vin.check_digit(f"{model.wmi}{model.vds}0{tail}")
        return f"{model.wmi}{model.vds}{digit}{tail}"

    def _characters(self, alphabet: str, length: int) -> str:
        return "".join(self.rng.choice(alphabet) for _ in range(length))

    def _unique(self, draw: Callable[[], str]) -> str:
        while (value := draw()) in self._taken:
            pass
        self._taken.add(value)
        return value


def _year_code(year: int) -> str:
    """The character at position 10 for a model year (车型年份); codes repeat every 30 years."""
    return _YEAR_CODES[(year - _FIRST_CODED_YEAR) % len(_YEAR_CODES)]
