"""Who guesses codes is stopped: his attempts are counted in PostgreSQL, one of his at a time.

An attempt is committed whatever its outcome; a reader would break the count by raising for one.
"""

import math
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.errors import TooSoon
from kernel.unit_of_work import UnitOfWork
from loyalty.counter.models import CounterVerification

MOST_FAILURES: Final = 10
WITHIN: Final = timedelta(minutes=15)


def refuse_guesser(uow: UnitOfWork) -> None:
    """Wait for this person's other attempts, then let him try unless ten failed within 15 minutes.

    Raises TooSoon `counter_locked` with the seconds until the tenth last is old enough (api.md:
    security counters live in PostgreSQL and fail closed).
    """
    lock = func.hashtextextended(f"{uow.dealer_id}/counter/{uow.actor.id}", 0)
    uow.session.execute(select(func.pg_advisory_xact_lock(lock)))
    tenth_last = uow.session.scalar(
        select(CounterVerification.at)
        .where(
            CounterVerification.dealer_id == uow.dealer_id,
            CounterVerification.staff_id == UUID(uow.actor.id),
            CounterVerification.outcome != "accepted",
            CounterVerification.at > uow.now - WITHIN,
        )
        .order_by(CounterVerification.at.desc())
        .offset(MOST_FAILURES - 1)
        .limit(1)
    )
    if tenth_last is not None:
        wait = math.ceil((tenth_last + WITHIN - uow.now).total_seconds())
        raise TooSoon("counter_locked", retry_after_s=wait)
