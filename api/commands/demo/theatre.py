"""Where the stories play: the service as seen from 张三's dealer, and his own owner website."""

from dataclasses import dataclass
from datetime import datetime

import click

from api.commands.demo.checks import Checks
from api.commands.demo.client import Client, Reply
from api.commands.demo.people import OWNER_PHONE, Buyer
from api.commands.demo.steps import CHINA, Case

GIFT = "CAR-WASH"


@dataclass(frozen=True, slots=True)
class Theatre:
    """One start of the service. `owner_id` is the member id of 张三 at this dealer."""

    client: Client
    checks: Checks
    owner_id: str

    def balance(self) -> Reply:
        """What 张三 can spend, on the owner website."""
        return self.client.get("owner", f"/v1/members/{self.owner_id}/balance")

    def points(self) -> int:
        """The same as a number."""
        return int(self.balance()["available"])

    def case(self, buyer: Buyer) -> Case:
        """A new case on the service's clock, which may have been moved."""
        now = datetime.fromisoformat(self.balance()["as_of"])
        return Case(self.client, self.checks, buyer, now)


def open_theatre(client: Client, checks: Checks) -> Theatre:
    """See that the service is there, and find 张三 as the CRM does."""
    click.echo("开场  The service is up; 张三 owns a white automatic 速腾")
    reply = client.get(None, "/readyz")
    checks.that("it is ready", reply["status"] == "ready", reply)
    reply = client.get(None, "/docs/")
    checks.that("the API document can be read and tried", reply.status == 200, reply)
    reply = client.get(None, "/v1/referrals")
    checks.that("without a token nobody gets in", reply.status == 401, reply)
    found = client.post("crm", "/v1/members/search", {"phone": OWNER_PHONE})
    checks.that("the CRM finds 张三 by his phone", len(found.items()) == 1, found)
    return Theatre(client, checks, found.items()[0]["id"])


def call_at_any_hour(theatre: Theatre) -> None:
    """Nobody is phoned at night by default; who plays at night lets the dealer's desk be open."""
    that, client = theatre.checks.that, theatre.client
    now = datetime.fromisoformat(theatre.balance()["as_of"])
    policy = {
        "body": {"calling_from_hour": 0, "calling_until_hour": 24},
        "effective_from": now.astimezone(CHINA).date().isoformat(),
    }
    drafted = client.post("dealer_admin", "/v1/referral-policies", policy)
    that(
        "the administrator drafts a policy: this desk calls at any hour",
        drafted.status == 201,
        drafted,
    )
    path = f"/v1/referral-policies/{drafted['id']}/publications"
    reply = client.post("dealer_admin", path, {})
    that("he cannot publish it himself", reply.status == 403, reply)
    reply = client.post("programme_admin", path, {})
    that("another person publishes it", reply["state"] == "published", reply)


def visit_owner_website(theatre: Theatre, case: Case) -> None:
    """张三 finds the reward in his statement and redeems a gift (礼品) with points."""
    client, that, before = theatre.client, theatre.checks.that, theatre.points()
    me = f"/v1/members/{theatre.owner_id}"
    reply = client.get("owner", f"{me}/statement")
    lines = reply.items(points=200, source="referral_reward")
    that("张三's statement says where they come from", len(lines) == 1, reply)
    reply = client.get("owner", "/v1/referrals")
    mine = reply.items(id=case.referral, buyer_name="李*")
    that("he follows his referral, the buyer's name masked", len(mine) == 1, reply)
    reply = client.get("owner", "/v1/rewards")
    offered = reply.items(code=GIFT)
    that("the catalogue offers a detailed wash (精洗)", len(offered) == 1, reply)
    gift = offered[0]
    wish = {"member_id": theatre.owner_id, "reward_id": gift["id"], "quantity": 1}
    reply = client.post("owner", "/v1/redemptions", wish)
    that(f"he redeems it for {gift['points']} points", reply.status == 201, reply)
    reply = theatre.balance()
    that("which are gone from his balance", reply["available"] == before - gift["points"], reply)
