"""What a use case is handed: one session, one `now`, who acts, for which dealer.

Use cases never commit and never read the clock; what they tell the world goes through `emit`
and `audit`, rows of the same transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from kernel.audit import AuditEvent
from kernel.clock import business_day
from kernel.crypto import Vault
from kernel.database import bind
from kernel.ids import new_id
from kernel.outbox import OutboxEvent

type_of_fact = str | int | bool | None | list[str]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `id` is the member's, staff member's or client's; `role` the one acted in."""

    id: str
    role: str
    client: str


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    session: Session
    now: datetime
    actor: Actor
    dealer_id: UUID
    zone: ZoneInfo
    request_id: str
    vault: Vault

    @property
    def today(self) -> date:
        """The business day of `now`."""
        return business_day(self.now, self.zone)

    def emit(self, kind: str, subject: UUID, **data: type_of_fact) -> None:
        """Tell integrators, once, that something happened. Never personal data."""
        self.session.add(
            OutboxEvent(
                dealer_id=self.dealer_id,
                kind=kind,
                subject_id=subject,
                data=data,
                occurred_at=self.now,
                request_id=self.request_id,
            )
        )

    def audit(self, action: str, subject: UUID, **details: type_of_fact) -> None:
        """Keep who did what to which object. Never personal data."""
        self.session.add(
            AuditEvent(
                id=new_id(),
                dealer_id=self.dealer_id,
                at=self.now,
                actor_id=self.actor.id,
                actor_role=self.actor.role,
                client=self.actor.client,
                action=action,
                subject_id=subject,
                request_id=self.request_id,
                details=details,
            )
        )

    def seal(self, text: str, *, column: str, row: UUID) -> bytes:
        return self.vault.seal(text, column=column, row=row, dealer=self.dealer_id)

    def open(self, sealed: bytes, *, column: str, row: UUID) -> str:
        return self.vault.open(sealed, column=column, row=row, dealer=self.dealer_id)

    def blind(self, canonical: str, *, column: str) -> bytes:
        return self.vault.blind(canonical, column=column, dealer=self.dealer_id)


@contextmanager
def acting_for(
    uow: UnitOfWork, dealer_id: UUID, zone_of: Callable[[Session, UUID], ZoneInfo]
) -> Iterator[UnitOfWork]:
    """Act within the same transaction for another dealer, in his zone, as the same person (F18).

    Whether he lets our people act is the caller's to ask first of all, while bound to him. His part
    is a savepoint with a session of its own: nothing that was read on one side is found on the
    other, and when the block raises, PostgreSQL itself undoes its rows and its binding.
    """
    with uow.session.begin_nested():
        theirs = Session(
            uow.session.connection(),
            expire_on_commit=False,
            join_transaction_mode="rollback_only",
        )
        with theirs:
            bind(theirs, dealer_id)
            zone = zone_of(theirs, dealer_id)
            yield replace(uow, session=theirs, dealer_id=dealer_id, zone=zone)
            theirs.flush()
        bind(uow.session, uow.dealer_id)
