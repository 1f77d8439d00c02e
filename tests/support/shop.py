"""One dealer in a test: its people, and HTTP requests made as any of them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from api.commands.token import token_for
from api.commands.work import unit_of_work
from api.service import Service
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import STAFF_ROLES, Role
from loyalty.dealers.staff import add_staff
from referral.policy import draft_policy, publish_policy

FIRST_TEAM, OTHER_TEAM = "sales-a", "call-desk"


@dataclass
class Shop:
    """A dealer with one person per staff role; `people` maps role to staff id."""

    app: Flask
    service: Service
    dealer_id: uuid.UUID
    people: dict[str, uuid.UUID] = field(default_factory=dict)
    agents: list[uuid.UUID] = field(default_factory=list)

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def token(self, role: str, subject: uuid.UUID | None = None) -> str:
        """A token of the person in this role, or of `subject`."""
        who = subject or self.people.get(role)
        return token_for(self.service.settings, role=role, dealer_id=self.dealer_id, subject=who)

    def get(self, role: str, path: str, *, subject: uuid.UUID | None = None, **query: str) -> Any:
        return self.client().get(path, headers=self._headers(role, subject), query_string=query)

    def post(
        self,
        role: str,
        path: str,
        body: Any = None,
        *,
        subject: uuid.UUID | None = None,
        key: str | None = None,
        version: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        sent = self._headers(role, subject) | {"Idempotency-Key": key or uuid.uuid4().hex}
        if version is not None:
            sent["If-Match"] = f'"{version}"'
        sent |= headers or {}
        if isinstance(body, bytes):
            return self.client().post(path, data=body, content_type="image/png", headers=sent)
        return self.client().post(path, json={} if body is None else body, headers=sent)

    def _headers(self, role: str, subject: uuid.UUID | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(role, subject)}"}


def open_shop(app: Flask, service: Service) -> Shop:
    """A new dealer with one person in each role, each in a team that fits."""
    shop = Shop(app, service, new_id())
    engine = create_engine(service.settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO dealer VALUES (:id, :code, '测试店', 'Asia/Shanghai')"),
            {"id": shop.dealer_id, "code": f"t-{shop.dealer_id.hex}"},
        )
    engine.dispose()
    with unit_of_work(service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        for role in sorted(STAFF_ROLES):
            shop.people[role] = add_staff(uow, **_person(role))
        without_sample(uow)
    shop.agents.append(shop.people[Role.CALLBACK_AGENT])
    return shop


def without_sample(uow: UnitOfWork) -> None:
    """No audit sample, which would send every fifth story another way; whoever tests it sets it."""
    people = [replace(uow.actor, id=str(new_id())) for _ in "ab"]
    drafted = draft_policy(
        replace(uow, actor=people[0]),
        body={"audit_sample_percent": 0},
        effective_from=uow.today,
        effective_until=None,
    )
    publish_policy(replace(uow, actor=people[1]), drafted.id)


def hire(shop: Shop, role: str, *, team: str | None = None, phone: str | None = None) -> uuid.UUID:
    """One more person in this role."""
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        person = _person(role) | {"phone": phone} | ({"team": team} if team else {})
        hired = add_staff(uow, **person)
    if role == Role.CALLBACK_AGENT and team is None:
        shop.agents.append(hired)
    return hired


def _person(role: str) -> dict[str, Any]:
    return {
        "staff_no": f"{role}-{uuid.uuid4().hex[:12]}",
        "name": "王员工",
        "phone": None,
        "roles": [Role(role)],
        "team": FIRST_TEAM if role == Role.CONSULTANT else OTHER_TEAM,
    }
