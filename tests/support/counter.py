"""Counter codes over HTTP for things that only exist in a test; one that is given tells so."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from kernel.errors import Conflict, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.counter.subjects import Handed
from loyalty.points import ledger
from tests.support import story
from tests.support.shop import Shop

GIVEN = "test.given"


@dataclass
class Washes:
    """Car washes by id; one that is `withdrawn` is refused at the desk, one that is `gone` gets no
    code any more."""

    owners: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    withdrawn: set[uuid.UUID] = field(default_factory=set)
    gone: set[uuid.UUID] = field(default_factory=set)

    def of(self, member: uuid.UUID) -> uuid.UUID:
        """One more wash of this member."""
        wash = uuid.uuid4()
        self.owners[wash] = member
        return wash

    def owner_of(self, uow: UnitOfWork, subject_id: uuid.UUID) -> uuid.UUID:
        if subject_id not in self.owners:
            raise NotFound("subject_not_found")
        return self.owners[subject_id]

    def check(self, uow: UnitOfWork, subject_id: uuid.UUID) -> None:
        if subject_id in self.gone:
            raise Conflict("reservation_ended")

    def act(self, uow: UnitOfWork, subject_id: uuid.UUID, honoured_by: uuid.UUID | None) -> Handed:
        ledger.lock(uow, [self.owners[subject_id]])
        uow.emit(GIVEN, subject_id, honoured_by=str(honoured_by) if honoured_by else None)
        uow.session.flush()
        if subject_id in self.withdrawn:
            raise Conflict("out_of_stock")
        return Handed("洗车", "A wash", 1)


def ask(shop: Shop, subject: uuid.UUID, member: uuid.UUID | None = None) -> TestResponse:
    """The owner asks for a code, or the CRM for him."""
    body = {"purpose": "benefit", "subject_id": str(subject)}
    return shop.post("owner" if member else "crm", "/v1/counter-codes", body, subject=member)


def code_of(shop: Shop, usage: dict[str, Any], member: uuid.UUID) -> str:
    """The owner asks for a code for a benefit he reserved."""
    found: str = story.ok(ask(shop, uuid.UUID(usage["id"]), member))["code"]
    return found


def code_for(shop: Shop, subject: uuid.UUID) -> str:
    found: str = story.ok(ask(shop, subject))["code"]
    return found


def show(
    shop: Shop,
    code: str,
    *,
    role: str = "service_desk",
    person: uuid.UUID | None = None,
    issued_by: uuid.UUID | None = None,
    key: str | None = None,
) -> TestResponse:
    """Somebody at a desk types the code in."""
    body = {"code": code, "issued_by": str(issued_by) if issued_by else None}
    return shop.post(role, "/v1/counter-verifications", body, subject=person, key=key)


def outcome(answer: TestResponse) -> str:
    """What an attempt came to, or the code of its refusal."""
    said: dict[str, Any] = answer.json or {}
    found: str = said["outcome"] if answer.status_code == 201 else said["code"]
    return found


def wrong(code: str, nth: int = 1) -> str:
    """Other digits."""
    return f"{(int(code) + nth) % 10**8:08}"


def given(shop: Shop) -> list[tuple[uuid.UUID, str | None]]:
    """What was given for members of this dealer, and the partner who gave it."""
    asked = "SELECT subject_id, data ->> 'honoured_by' FROM outbox_event WHERE kind = :kind"
    with shop.service.database.transaction(shop.dealer_id) as session:
        return [tuple(row) for row in session.execute(text(asked), {"kind": GIVEN})]


def rows(shop: Shop, asked: str) -> list[tuple[Any, ...]]:
    """Rows of this dealer, with the rights of the service."""
    with shop.service.database.transaction(shop.dealer_id) as session:
        return [tuple(row) for row in session.execute(text(asked))]


def befriend(shop: Shop, partner: Shop) -> None:
    """This dealer lets the partner honour what is his."""
    engine = create_engine(shop.service.settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO dealer_partner VALUES (:dealer, :partner, 'P', '合作店')"),
            {"dealer": shop.dealer_id, "partner": partner.dealer_id},
        )
    engine.dispose()
