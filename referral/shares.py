"""How common each value of a fact is in this store, counted by the night: what a guess is worth.

Only counts are kept: of sealed fields the latest of so many, opened one by one and forgotten.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Final

from sqlalchemy import delete, insert, select

from kernel.unit_of_work import UnitOfWork
from loyalty.members import queries as members
from referral.call_models import FactShare
from referral.questions.facts import Counts, canonical

LEAST_COUNTED: Final = 100
"""Of fewer cases a share says little: the priors of referral.md, section 3, stand."""
MOST_COUNTED: Final = 20_000


def count_shares(uow: UnitOfWork) -> int:
    """Count anew what the dealer's cars and members are like; how many values were kept."""
    cars = list(islice(members.every_car(uow), MOST_COUNTED))
    trades = islice(members.occupations(uow), MOST_COUNTED)
    counted = {
        "model": _counted("model", (car.model for car in cars)),
        "colour": _counted("colour", (car.colour for car in cars)),
        "transmission": _counted("transmission", (car.transmission for car in cars)),
        "plate_province": _counted("plate_province", (car.plate or "" for car in cars)),
        "purchase_year": _counted("purchase_year", (str(car.owned_from.year) for car in cars)),
        "trade": _counted("trade", trades),
    }
    uow.session.execute(delete(FactShare).where(FactShare.dealer_id == uow.dealer_id))
    rows = [
        {"dealer_id": uow.dealer_id, "fact": fact, "value": value, "count": count}
        for fact, counts in counted.items()
        if counts.total() >= LEAST_COUNTED
        for value, count in counts.items()
    ]
    if rows:
        uow.session.execute(insert(FactShare), rows)
    return len(rows)


def store_counts(uow: UnitOfWork) -> Counts:
    """For each fact with enough cases how often each value occurs."""
    found: dict[str, dict[str, int]] = {}
    for row in uow.session.scalars(select(FactShare).order_by(FactShare.fact, FactShare.value)):
        found.setdefault(row.fact, {})[row.value] = row.count
    return found


def _counted(fact: str, records: Iterable[str]) -> Counter[str]:
    return Counter(value for record in records if record and (value := canonical(fact, record)))
