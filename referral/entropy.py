"""The day's secret of the draws: promised by its hash the day before, told when the day is over.

A reader would break this by telling the secret of a day on which draws are still made.
"""

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kernel.unit_of_work import UnitOfWork
from referral import draw_rules
from referral.call_models import DrawEntropy


def promise_entropy(uow: UnitOfWork, day: date) -> None:
    """Keep the hash of this day's secret in the audit chain, once (referral.md, section 4)."""
    hashed = draw_rules.promise(_secret(uow, day))
    new = uow.session.scalar(
        insert(DrawEntropy)
        .values(dealer_id=uow.dealer_id, day=day, hash=hashed, committed_at=uow.now)
        .on_conflict_do_nothing()
        .returning(DrawEntropy.day)
    )
    if new is not None:
        uow.audit("draw.entropy_promised", uow.dealer_id, day=day.isoformat(), hash=hashed.hex())


def entropy_of_today(uow: UnitOfWork) -> tuple[date, bytes, bytes]:
    """Today, its secret and the hash promised for it; tomorrow's is promised on the way.

    A day nobody promised in time, such as a dealer's first, is promised now: `loyalty draw verify`
    tells how many draws rest on such a day.
    """
    today = uow.today
    promise_entropy(uow, today)
    promise_entropy(uow, today + timedelta(days=1))
    return today, _secret(uow, today), promised(uow, today)


def told(uow: UnitOfWork, day: date) -> bytes | None:
    """The secret of a day that is over, None before that."""
    return _secret(uow, day) if day < uow.today else None


def promised(uow: UnitOfWork, day: date) -> bytes:
    """The hash kept for a day."""
    return uow.session.scalars(select(DrawEntropy.hash).where(DrawEntropy.day == day)).one()


def _secret(uow: UnitOfWork, day: date) -> bytes:
    return uow.vault.secret_of_day(day, dealer=uow.dealer_id)
