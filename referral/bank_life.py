"""The dealer's question bank (题库): drafted, published by another person, ended once.

Who wrote or published the bank in force never calls (api.md: question author never calls).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from referral.models import QuestionBank
from referral.questions.bank import Bank
from referral.questions.bank_body import BUILT_IN, dump_bank, parse_bank

CODE: Final = "questions"


@dataclass(frozen=True, slots=True)
class BankInForce:
    """A bank with the number of its version, 0 for the built-in one, and who is behind it."""

    number: int
    bank: Bank
    authors: frozenset[UUID]


def bank_on(uow: UnitOfWork, day: date | None = None) -> BankInForce:
    """The bank of a business day, by default today."""
    for row in versions.in_force(uow, QuestionBank, day or uow.today, code=CODE):
        authors = frozenset(who for who in (row.author_id, row.publisher_id) if who)
        return BankInForce(row.version, parse_bank(row.body), authors)
    return BankInForce(0, BUILT_IN, frozenset())


def draft_bank(
    uow: UnitOfWork,
    *,
    body: Mapping[str, Any],
    effective_from: date,
    effective_until: date | None,
) -> QuestionBank:
    """Write down the next version. Raises as `parse_bank` and `versions.draft`."""
    return versions.draft(
        uow,
        QuestionBank,
        code=CODE,
        body=dump_bank(parse_bank(body)),
        effective_from=effective_from,
        effective_until=effective_until,
    )


def publish_bank(uow: UnitOfWork, bank_id: UUID) -> QuestionBank:
    """Let it count from its first day on. Raises as `parse_bank` and `versions.publish`."""
    parse_bank(versions.get(uow, QuestionBank, bank_id).body)
    return versions.publish(uow, QuestionBank, bank_id)


def end_bank(uow: UnitOfWork, bank_id: UUID, *, effective_until: date) -> QuestionBank:
    """The first day without it: the built-in bank counts again. Raises as `versions.end`."""
    return versions.end(uow, QuestionBank, bank_id, effective_until=effective_until)
