"""One referral (推荐) on its way through the shop: every step an HTTP call of the one who does it.

Times and versions come from the service's answers, so a story also plays under a moved clock.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import click

from api.commands.demo.checks import Checks
from api.commands.demo.client import Client, Reply
from api.commands.demo.people import LICENCE, OWNER_NAME, OWNER_PHONE, Buyer

CHINA = timezone(timedelta(hours=8))
ONE_STEP = timedelta(milliseconds=2)
_SIX_DIGITS = re.compile("[0-9]{6}")


@dataclass(slots=True)
class Case:
    """A buyer's referral, begun at `now`. `referral` is its id, known after the report.

    `path` are the states it should have passed.
    """

    client: Client
    checks: Checks
    buyer: Buyer
    now: datetime
    referral: str = ""
    path: tuple[str, ...] = ()

    def report(self) -> Reply:
        """The consultant (销售顾问) reports what the buyer said."""
        buyer = self.buyer
        said = {
            "owner_name": OWNER_NAME,
            "owner_phone": OWNER_PHONE,
            "owner_model": "速腾",
            "owner_colour": "白色",
            "mentioned_at": self.now.isoformat(),
            "how_helped": "推荐到店试驾",
            "relation": buyer.relation,
        }
        person = {
            "name": buyer.name,
            "phone": buyer.phone,
            "occupation": buyer.occupation,
            "first_visit_on": self.now.astimezone(CHINA).date().isoformat(),
        }
        body = {"buyer": person, "slip": said, "consent_version": "2026-01"}
        reply = self.client.post("consultant", "/v1/referrals", body)
        self.referral = reply["id"]
        return reply

    def seen(self, role: str = "duty_manager") -> Reply:
        """The referral as `role` sees it now."""
        return self.client.get(role, f"/v1/referrals/{self.referral}")

    def clock(self) -> str:
        """The service's time, as its answers tell it."""
        balance = f"/v1/members/{self.seen()['owner_id']}/balance"
        return str(self.client.get("owner", balance)["as_of"])

    def decide(
        self, role: str, what: str, body: dict[str, Any] | None = None, *, key: str | None = None
    ) -> Reply:
        """A decision about the referral by `role`, who has just looked at it."""
        version = self.seen()["version"]
        path = f"/v1/referrals/{self.referral}/{what}"
        return self.client.post(role, path, body or {}, version=version, key=key)

    def order(self, at: datetime) -> Reply:
        """The CRM reports the order (订单)."""
        return self._sale("order", at, buyer_phone=self.buyer.phone)

    def deliver(self, at: datetime) -> Reply:
        """The CRM reports the hand-over (交车) of the invoiced car."""
        invoiced_on = at.astimezone(CHINA).date().isoformat()
        return self._sale("delivery", at, car={**self.buyer.car, "invoiced_on": invoiced_on})

    def ask_code(self) -> str:
        """张三 asks for a code, and the gateway (短信网关) brings it to his phone of record."""
        path = f"/v1/referrals/{self.referral}/nomination-codes"
        reply = self.client.post("owner", path, {})
        self.checks.that("the code is in no answer, only on his phone", _is_masked(reply), reply)
        taken = self.client.post("crm", "/v1/notice-collections", {})
        sent = taken.items(kind="nomination_code")
        self.checks.that("the gateway sends him one message", len(sent) == 1, taken)
        return str(_SIX_DIGITS.findall(sent[0]["text_zh"])[0])

    def name_friend(self, code: str) -> Reply:
        """张三 (车主) names his friend before anybody looks at his licence."""
        said = {
            "code": code,
            "friend_name": self.buyer.name,
            "relation": self.buyer.relation_code,
            "known_for": "3_to_10",
            "how_it_came": "他想换车，我带他来店里试驾",
        }
        return self.client.post("owner", f"/v1/referrals/{self.referral}/nominations", said)

    def show_licence(self) -> Reply:
        """The showroom manager (展厅经理) reads the owner's vehicle licence (行驶证)."""
        return self.decide("showroom_manager", "licence-checks", LICENCE)

    def check_history(self) -> None:
        """The auditor reads every state passed."""
        reply = self.client.get("auditor", f"/v1/referrals/{self.referral}/history")
        passed = tuple(step["to_state"] for step in reply.items())
        click.echo(f"    {' → '.join(passed)}")
        self.checks.that("every step is on record", passed == self.path, reply)

    def _sale(self, kind: str, at: datetime, **facts: Any) -> Reply:
        event = {
            "external_ref": {"source": "crm", "id": f"{self.buyer.order_no}-{kind}"},
            "kind": kind,
            "order_no": self.buyer.order_no,
            "occurred_at": at.isoformat(timespec="milliseconds"),
            **facts,
        }
        return self.client.post("crm", "/v1/sale-events", event)


def _is_masked(reply: Reply) -> bool:
    """Whether a code was sent, to a number that is told in part only."""
    return reply.status == 201 and set(reply.body) == {"expires_at", "sent_to"}
