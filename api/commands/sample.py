"""Invented dealer data for trying the import: members, their vehicles, their documents.

Everything follows from dealer, seed and day: never ask the clock or an unseeded generator here.
"""

import csv
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from api.commands import sample_shares as shares
from api.commands.sample_dice import Dice

_DOCUMENT_DAYS = 600  # within the last 20 months, however long these are
_NEWEST_MEMBER_DAYS = 3
_OLDEST_MEMBER_DAYS = 1_800
_OWNED_BEFORE_JOINING_DAYS = 1_500


class Member(NamedTuple):
    """A row of members.csv."""

    external_id: str
    name: str
    phone: str
    occupation: str
    joined_on: date


class Vehicle(NamedTuple):
    """A row of vehicles.csv; `owned_until` is the first day no longer owned."""

    member_external_id: str
    vin: str
    plate: str
    model: str
    colour: str
    transmission: str
    owned_from: date
    owned_until: date | None
    use_nature: str


class Document(NamedTuple):
    """A row of documents.csv."""

    member_external_id: str
    document_id: str
    kind: str
    occurred_on: date
    payer: str
    amount_yuan: str


def write_sample(
    folder: Path, *, dealer: str, members: int, seed: int, today: date
) -> dict[str, Path]:
    """Write members.csv, vehicles.csv and documents.csv (UTF-8, header row); the paths by name.

    500 members come with 600 vehicles and 900 documents of the 20 months before `today`.
    The same arguments give the same bytes, another dealer gets other people.
    """
    dice = Dice(f"{dealer}/{seed}")
    people = _members(dice, members, today)
    cars = [car for member in people for car in _vehicles(dice, member, today)]
    papers = _documents(dice, people, cars, today)
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "members": _write(folder / "members.csv", Member._fields, people),
        "vehicles": _write(folder / "vehicles.csv", Vehicle._fields, cars),
        "documents": _write(folder / "documents.csv", Document._fields, papers),
    }


def _write(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _members(dice: Dice, count: int, today: date) -> list[Member]:
    ages = [dice.rng.randint(_NEWEST_MEMBER_DAYS, _OLDEST_MEMBER_DAYS) for _ in range(count)]
    return [
        Member(
            external_id=f"M{number:06d}",
            name=dice.name(),
            phone=dice.phone(),
            occupation=dice.pick(shares.OCCUPATIONS),
            joined_on=today - timedelta(days=age),
        )
        for number, age in enumerate(sorted(ages, reverse=True), start=1)
    ]


def _vehicles(dice: Dice, member: Member, today: date) -> list[Vehicle]:
    """A first car, often the reason for joining; every fifth member has or moves to a second."""
    before = 0 if dice.chance(60) else dice.rng.randint(1, _OWNED_BEFORE_JOINING_DAYS)
    first = _vehicle(dice, member, member.joined_on - timedelta(days=before))
    if not member.external_id.endswith(("0", "5")):
        return [first]
    second = _vehicle(dice, member, _day(dice, member.joined_on + timedelta(days=1), today))
    if dice.chance(50):
        first = first._replace(owned_until=second.owned_from)
    return [first, second]


def _vehicle(dice: Dice, member: Member, owned_from: date) -> Vehicle:
    sold = {
        model: share for model, share in shares.MODELS.items() if model.since <= owned_from.year
    }
    model = dice.pick(sold)
    manual = model.power == "petrol" and dice.chance(shares.MANUAL_PERCENT)
    return Vehicle(
        member_external_id=member.external_id,
        vin=dice.vin(model, owned_from.year),
        plate=dice.plate(model.power),
        model=model.name,
        colour=dice.pick(shares.COLOURS),
        transmission="manual" if manual else "automatic",
        owned_from=owned_from,
        owned_until=None,
        use_nature=dice.pick(shares.USE_NATURES),
    )


def _documents(
    dice: Dice, people: list[Member], cars: list[Vehicle], today: date
) -> list[Document]:
    """The purchases of the period, then visits of more and less loyal members, in date order."""
    start = today - timedelta(days=_DOCUMENT_DAYS)
    since = {member.external_id: max(start, member.joined_on) for member in people}
    papers = [
        _purchase(dice, car) for car in cars if car.owned_from >= since[car.member_external_id]
    ]
    loyalty = [dice.pick(shares.VISIT_WEIGHTS) for _ in people]
    for _ in range(len(people) * 9 // 5 - len(papers)):
        visitor = dice.rng.choices(people, weights=loyalty)[0].external_id
        papers.append(_visit(dice, visitor, _day(dice, since[visitor], today)))
    papers.sort(key=lambda paper: (paper.occurred_on, paper.member_external_id))
    return [
        paper._replace(document_id=f"D{paper.occurred_on:%Y%m}-{number:06d}")
        for number, paper in enumerate(papers, start=1)
    ]


def _purchase(dice: Dice, car: Vehicle) -> Document:
    model = next(model for model in shares.MODELS if model.name == car.model)
    price = dice.rng.randrange(model.price_from, model.price_to + 1, 100)
    return Document(
        car.member_external_id, "", "car_purchase", car.owned_from, "customer", f"{price}.00"
    )


def _visit(dice: Dice, member_external_id: str, occurred_on: date) -> Document:
    kind = dice.pick(shares.KINDS)
    payer = dice.pick(shares.SERVICE_PAYERS) if kind == "service_order" else "customer"
    low, high = dice.pick(shares.YUAN[kind, payer])
    yuan, fen = divmod(dice.rng.randint(low * 100, high * 100), 100)
    return Document(member_external_id, "", kind, occurred_on, payer, f"{yuan}.{fen:02d}")


def _day(dice: Dice, first: date, last: date) -> date:
    return first + timedelta(days=dice.rng.randint(0, (last - first).days))
