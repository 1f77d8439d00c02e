"""An invented store: what its customers drive and do, how often, and who of the staff knows it.

A reader would break this by putting a real customer or a real store's figures here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from referral.draw_rules import Party
from referral.questions.decoys import Car
from referral.questions.facts import Facts, Origin, Record, gather

COUNTS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "trade": {
            **{"building": 120, "catering": 90, "education": 110, "health": 80, "it": 100},
            **{"civil_service": 70, "transport": 90, "finance": 80, "retail": 110},
            **{"law": 30, "media": 40, "property": 80},
        },
        "model": {
            **{"sagitar": 160, "golf": 120, "lavida": 140, "passat": 100, "magotan": 90},
            **{"tiguan_l": 120, "tharu": 80, "bora": 90, "polo": 60, "touran": 40},
        },
        "colour": {"A": 380, "B": 210, "J": 180, "H": 110, "E": 90, "I": 30},
        "transmission": {"automatic": 880, "manual": 120},
        "plate_province": {"沪": 860, "苏": 80, "浙": 60},
        "purchase_year": {str(year): 100 for year in range(2015, 2025)},
        "relation": {
            **{"friend": 340, "colleague": 230, "relative": 180},
            **{"classmate": 110, "neighbour": 90, "customer": 50},
        },
        "known_for": {"under_1": 100, "1_to_3": 250, "3_to_10": 400, "over_10": 250},
        "companion": {"alone": 250, "family": 450, "friend": 180, "colleague": 120},
    }
)
"""How many of a thousand cases have each value."""

SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
GIVEN: Final = ("建国", "秀英", "志强", "丽华", "文博", "晓东", "玉兰", "海涛", "思远", "佳怡")

_ABOUT_OWNER: Final = MappingProxyType(
    {
        **dict.fromkeys(("name", "model", "colour"), Origin.SLIP),
        **dict.fromkeys(("transmission", "plate_province", "purchase_year"), Origin.RECORD),
        **dict.fromkeys(("trade", "relation", "known_for"), Origin.NOMINATION),
        "companion": Origin.CONSULTANT,
    }
)
_ABOUT_BUYER: Final = MappingProxyType(
    {
        **dict.fromkeys(("model", "colour", "transmission", "plate_province"), Origin.SALE),
        **dict.fromkeys(("name", "trade", "relation", "known_for"), Origin.NOMINATION),
        "companion": Origin.CONSULTANT,
    }
)
_OPENED_PERCENT: Final = 30


@dataclass(frozen=True, slots=True)
class Person:
    """What the records hold of one party: the facts, and every car he ever had."""

    facts: Facts
    cars: tuple[Car, ...]


def invent(about: Party, rng: Random) -> Person:
    """A customer (owner 老车主 or buyer) as the store's shares have them.

    A fact out of the master data was opened by the consultant in 3 cases of 10.
    """
    origins = _ABOUT_OWNER if about == "owner" else _ABOUT_BUYER
    told = {fact: name(rng) if fact == "name" else value(fact, rng) for fact in origins}
    records = {
        fact: Record(
            said,
            origins[fact],
            origins[fact] is Origin.RECORD and rng.randrange(100) < _OPENED_PERCENT,
        )
        for fact, said in told.items()
    }
    return Person(gather(records, COUNTS), ((told["model"], told["colour"]),))


def value(fact: str, rng: Random) -> str:
    """A value of a fact, as often as the store has it."""
    counted = COUNTS[fact]
    return rng.choices(list(counted), weights=list(counted.values()))[0]


def name(rng: Random) -> str:
    """An invented name (姓名)."""
    return rng.choice(SURNAMES) + rng.choice(GIVEN)
