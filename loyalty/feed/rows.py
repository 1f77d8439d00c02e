"""What a row of the CRM feed says: text cells in, values of the use cases out. Pure.

An amount never passes through a float, and no cell's value ever enters an error.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeVar
from uuid import UUID

from kernel.errors import RuleViolation
from loyalty.earning.document import Document
from loyalty.earning.opening import OpeningBalance
from loyalty.earning.rules.rule import DocumentKind
from loyalty.earning.rules.standard import JobType, Line, Payer
from loyalty.formats import dates, reference
from loyalty.members.enroll import Enrolment
from loyalty.members.vehicles import OwnedVehicle
from loyalty.tiers.facts import ToldFact
from loyalty.tiers.rules.score import FactKind

Row = Mapping[str, str]
ChoiceT = TypeVar("ChoiceT", bound=StrEnum)


class FeedKind(StrEnum):
    """What the rows of a file are: 会员, 车辆, 单据, 期初余额, 价值事实."""

    MEMBERS = "members"
    VEHICLES = "vehicles"
    DOCUMENTS = "documents"
    BALANCES = "balances"
    FACTS = "facts"


COLUMNS: Final[Mapping[FeedKind, tuple[str, ...]]] = MappingProxyType(
    {
        FeedKind.MEMBERS: ("external_id", "name", "phone", "occupation", "joined_on"),
        FeedKind.VEHICLES: (
            *("member_external_id", "vin", "plate", "model", "colour"),
            *("transmission", "owned_from", "owned_until", "use_nature"),
        ),
        FeedKind.DOCUMENTS: (
            *("member_external_id", "document_id", "kind"),
            *("occurred_on", "payer", "amount_yuan"),
        ),
        FeedKind.BALANCES: (
            *("member_external_id", "balance_id", "points", "business_on", "expires_on"),
        ),
        FeedKind.FACTS: ("member_external_id", "fact_id", "kind", "happened_on"),
    }
)
OPTIONAL_COLUMNS: Final[Mapping[FeedKind, tuple[str, ...]]] = MappingProxyType(
    {
        FeedKind.DOCUMENTS: ("job_type", "vin", "campaign"),
        FeedKind.FACTS: ("marks", "grade"),
    }
)
"""Columns a file may leave out; their cells may be empty too."""
LONGEST: Final[Mapping[str, int]] = MappingProxyType(
    {
        **dict.fromkeys(("external_id", "member_external_id", "document_id"), 80),
        **dict.fromkeys(("balance_id", "fact_id"), 80),
        **dict.fromkeys(("name", "occupation", "model"), 60),
        **dict.fromkeys(("phone", "vin"), 40),
        "campaign": 64,
        "grade": 30,
    }
)
_LONGEST_OTHERS: Final = 20
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_YUAN: Final = re.compile(r"-?[0-9]{1,8}(?:\.[0-9]{1,2})?")
_MARKS: Final = re.compile(r"100|[0-9]{1,2}")
_POINTS: Final = re.compile(r"[0-9]{1,8}")


def labelled(columns: Sequence[str], cells: Sequence[str]) -> Row:
    """The cells by column name. Raises RuleViolation `row_width_wrong` with both counts."""
    if len(cells) != len(columns):
        raise RuleViolation("row_width_wrong", expected=len(columns), found=len(cells))
    return dict(zip(columns, cells, strict=True))


def enrolment(row: Row, *, source: str) -> Enrolment:
    """A row of members; `occupation` may be empty. Raises RuleViolation, see `_text`, `_day`."""
    return Enrolment(
        source=source,
        external_id=_reference(row, "external_id"),
        name=_text(row, "name"),
        phone=_text(row, "phone"),
        joined_on=_day(row, "joined_on"),
        occupation=_optional(row, "occupation"),
    )


def owned_vehicle(row: Row) -> OwnedVehicle:
    """A row of vehicles; `plate` (车牌) and `owned_until` may be empty. Raises RuleViolation."""
    return OwnedVehicle(
        vin=_text(row, "vin"),
        plate=_optional(row, "plate"),
        model=_text(row, "model"),
        colour=_text(row, "colour"),
        transmission=_text(row, "transmission"),
        use_nature=_text(row, "use_nature"),
        owned_from=_day(row, "owned_from"),
        owned_until=_day(row, "owned_until") if _optional(row, "owned_until") else None,
    )


def document(row: Row, *, source: str, member_id: UUID) -> Document:
    """A row of documents (单据): a document of one line; `job_type`, `vin` and `campaign` may be
    empty, or their columns left out.

    Raises RuleViolation `choice_invalid` for kind, payer and job type, `amount_invalid`, and the
    others.
    """
    job_type = _choice(row, "job_type", JobType) if _if_told(row, "job_type") else None
    return Document(
        source=source,
        source_event_id=_reference(row, "document_id"),
        kind=_choice(row, "kind", DocumentKind),
        member_id=member_id,
        occurred_on=_day(row, "occurred_on"),
        lines=[Line(_choice(row, "payer", Payer), _fen(row, "amount_yuan"), job_type)],
        vin=_if_told(row, "vin"),
        campaign=_if_told(row, "campaign"),
    )


def opening_balance(row: Row, *, source: str, member_id: UUID) -> OpeningBalance:
    """A row of balances (期初余额): one lot; `expires_on` may be empty, for never.

    Raises RuleViolation `points_invalid`, and the others.
    """
    points = _text(row, "points")
    if not _POINTS.fullmatch(points):
        raise RuleViolation("points_invalid", pointer="/points")
    return OpeningBalance(
        source=source,
        balance_id=_reference(row, "balance_id"),
        member_id=member_id,
        points=int(points),
        business_on=_day(row, "business_on"),
        expires_on=_day(row, "expires_on") if _optional(row, "expires_on") else None,
    )


def told_fact(row: Row, *, source: str, member_id: UUID) -> ToldFact:
    """A row of facts (价值事实): `marks` or `grade`, as the kind wants; the others are left empty.

    Raises RuleViolation `choice_invalid`, `marks_invalid`, and the others.
    """
    marks = _if_told(row, "marks")
    if marks is not None and not _MARKS.fullmatch(marks):
        raise RuleViolation("marks_invalid", pointer="/marks")
    return ToldFact(
        source=source,
        source_event_id=_reference(row, "fact_id"),
        member_id=member_id,
        kind=_choice(row, "kind", FactKind),
        happened_on=_day(row, "happened_on"),
        marks=None if marks is None else int(marks),
        grade=_if_told(row, "grade"),
    )


def member_reference(row: Row) -> str:
    """The CRM's reference of the owner the row belongs to. Raises as `_reference`."""
    return _reference(row, "member_external_id")


def _optional(row: Row, column: str) -> str | None:
    """The cell without outer blanks, None when empty.

    Raises RuleViolation `field_length` and, as invisible characters would make a second
    identity that looks like the first (promises.md P19), `field_characters`.
    """
    value = row[column].strip()
    most = LONGEST.get(column, _LONGEST_OTHERS)
    if len(value) > most:
        raise RuleViolation("field_length", pointer=f"/{column}", min=1, max=most)
    if not value.isprintable() and any(
        unicodedata.category(character) in _UNSEEN for character in value
    ):
        raise RuleViolation("field_characters", pointer=f"/{column}")
    return value or None


def _if_told(row: Row, column: str) -> str | None:
    """As `_optional`, for a column the file may not have at all."""
    return _optional(row, column) if column in row else None


def _text(row: Row, column: str) -> str:
    """As `_optional`, but raises RuleViolation `value_missing` for an empty cell."""
    value = _optional(row, column)
    if value is None:
        raise RuleViolation("value_missing", pointer=f"/{column}", column=column)
    return value


def _reference(row: Row, column: str) -> str:
    """As `_text`, in its one spelling; also raises RuleViolation `reference_invalid`."""
    try:
        value = reference.canonical(_text(row, column))
    except RuleViolation as error:
        raise RuleViolation(error.code, pointer=f"/{column}", **error.params) from error
    return _text({column: value}, column)


def _day(row: Row, column: str) -> date:
    """Raises RuleViolation `date_invalid` naming the column."""
    try:
        return _day_said(_text(row, column))
    except RuleViolation as error:
        raise RuleViolation(error.code, pointer=f"/{column}", **error.params) from error


@lru_cache(maxsize=8_192)
def _day_said(value: str) -> date:
    """Files say few days many times."""
    return dates.canonical(value)


def _choice(row: Row, column: str, kind: type[ChoiceT]) -> ChoiceT:
    try:
        return kind(_text(row, column))
    except ValueError as error:
        raise RuleViolation("choice_invalid", pointer=f"/{column}", column=column) from error


def _fen(row: Row, column: str) -> int:
    """Fen from yuan with at most two decimals in ASCII digits; the use case refuses negatives."""
    yuan = _text(row, column)
    if not _YUAN.fullmatch(yuan):
        raise RuleViolation("amount_invalid", pointer=f"/{column}")
    return int(Decimal(yuan) * 100)
