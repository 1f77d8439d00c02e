"""A dealer of a game of referrals: his people, what they send, and the papers up to the licence.

Whoever is told to act acts, whether he may or not: the service has to know. No refusal is an error.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from werkzeug.test import TestResponse

from kernel.idempotency import KEPT_FOR
from loyalty.dealers.roles import STAFF_ROLES
from loyalty.dealers.staff import add_staff
from tests.support import story
from tests.support.clock import TestClock
from tests.support.past import at_work
from tests.support.referral_model import Watch, as_it_is
from tests.support.shop import FIRST_TEAM, OTHER_TEAM, Shop
from tests.support.story import ok

CREW = 16
OWNERS = (
    {"phone": "13800138000", "vin": story.SAGITAR["vin"], "plate": "京A12345"},
    {"phone": "13800138001", "vin": "LFV2A21KXA3000002", "plate": "京A12346"},
    {"phone": "13800138009"},
)
"""Both are called 张三; the third is nobody's number."""
BUYERS = ("13900139000", "13900139001", "13900139002")
ONCE = (
    *("confirmations", "refusals", "licence-checks", "reward-payments", "withdrawals"),
    *("nominations", "judgements", "suspicions", "decisions", "sale-events", "call-records"),
    *("readings", "answers"),
)
"""What changes nothing even when it is sent again as a new request."""


@dataclass(frozen=True)
class Sent:
    """A request that was carried out, and its answer."""

    role: str
    path: str
    body: Any
    facts: dict[str, Any]
    answer: Any
    at: datetime


class Desk:
    """One dealer, his people, his owners and what was sent so far."""

    def __init__(self, shop: Shop, clock: TestClock) -> None:
        self.shop, self.clock = shop, clock
        self.watch = Watch(shop)
        self.crew = [self._hired(number) for number in range(CREW)]
        self.owners = [self._owner(**facts) for facts in OWNERS[:2]]
        self.sent: list[Sent] = []
        self.reported: list[str] = []
        self.buyer_of: dict[str, int] = {}

    def _hired(self, number: int) -> uuid.UUID:
        """A person who has every role: only what he did before says what he may not do."""
        with at_work(self.shop) as uow:
            return add_staff(
                uow,
                staff_no=f"all-{number}-{uuid.uuid4().hex[:8]}",
                name="王员工",
                phone=None,
                roles=list(STAFF_ROLES),
                team=OTHER_TEAM if number % 2 else FIRST_TEAM,
            )

    def _owner(self, phone: str, vin: str, plate: str) -> uuid.UUID:
        person = story.member(self.shop, phone=phone)
        car = story.SAGITAR | {"member_id": str(person), "vin": vin, "plate": plate}
        ok(self.shop.post("crm", "/v1/vehicle-ownerships", car))
        return person

    def send(
        self, role: str, path: str, body: Any = None, who: uuid.UUID | None = None, **facts: Any
    ) -> TestResponse:
        """A request by whoever; carried out or refused, never an error of the service."""
        facts |= {"subject": who, "key": uuid.uuid4().hex}
        answer = self.shop.post(role, path, body, **facts)
        assert answer.status_code < 500, (path, answer.json)
        if answer.status_code in (200, 201):
            now = self.shop.service.clock()
            self.sent.append(Sent(role, path, body, facts, answer.json, now))
        return answer

    def replay(self, pick: int, *, same_key: bool) -> None:
        """The same request again, with its key or as a new one: nothing changes."""
        sent = self.sent[pick % len(self.sent)] if self.sent else None
        if sent is None:
            return
        fresh = self.shop.service.clock() - sent.at < KEPT_FOR - timedelta(hours=1)
        once = sent.path.endswith(ONCE) and sent.answer.get("heard") != "repeat"
        if not (fresh if same_key else once):
            return
        before = self._as_it_is()
        facts = sent.facts | ({} if same_key else {"key": uuid.uuid4().hex})
        answer = self.shop.post(sent.role, sent.path, sent.body, **facts)
        assert self._as_it_is() == before, sent.path
        if same_key:
            assert answer.json == sent.answer
        assert answer.status_code < 500

    def _as_it_is(self) -> tuple[Any, ...]:
        with at_work(self.shop) as uow:
            return as_it_is(uow.session)

    def rows(self, sql: str, **values: Any) -> list[Any]:
        with at_work(self.shop) as uow:
            return list(uow.session.execute(text(sql), values))

    def person(self, pick: int) -> uuid.UUID:
        return self.crew[pick % CREW]

    def free(self, key: str) -> list[uuid.UUID]:
        """Who has no duty on this referral yet, from the end of the list."""
        sql = "SELECT person_id FROM referral_duty WHERE referral_id = :key"
        busy = {row.person_id for row in self.rows(sql, key=key)}
        return [person for person in reversed(self.crew) if person not in busy]

    def referral(self, pick: int, *states: str) -> str:
        """One of the referrals, by choice one in these states; two times of three."""
        fit = [key for key in self.reported if self.state(key) in states] if pick % 3 else []
        among = fit or self.reported
        return among[pick % len(among)]

    def seen(self, key: str) -> Any:
        sql = "SELECT * FROM referral WHERE id = :key"
        return self.rows(sql, key=key)[0]

    def state(self, key: str) -> str:
        found: str = self.seen(key).state
        return found

    def decide_on(
        self, role: str, key: str, what: str, who: uuid.UUID, body: Any = None
    ) -> TestResponse:
        path = f"/v1/referrals/{key}/{what}"
        return self.send(role, path, body, who, version=self.seen(key).version)

    def report(self, buyer: int, owner: int, who: uuid.UUID) -> str:
        """What it is called afterwards; one that is refused before it is kept has no name."""
        whole = story.report(self.shop)
        body = whole | {
            "buyer": whole["buyer"] | {"phone": BUYERS[buyer]},
            "slip": whole["slip"] | {"owner_phone": OWNERS[owner]["phone"]},
        }
        answer = self.send("consultant", "/v1/referrals", body, who)
        if answer.status_code != 201:
            return ""
        assert answer.json is not None
        key: str = answer.json["id"]
        self.reported.append(key)
        self.buyer_of[key] = buyer
        return key

    def confirm(self, key: str, who: uuid.UUID) -> None:
        self.decide_on("duty_manager", key, "confirmations", who)

    def refuse(self, key: str, who: uuid.UUID) -> None:
        self.decide_on("duty_manager", key, "refusals", who, {"reason": "refused_by_manager"})

    def sale(
        self, *, kind: str, order: str, buyer: int, car: int, hours: int = 0, fleet: bool = False
    ) -> None:
        """Some order of some buyer; car 0 is the first owner's own."""
        at = datetime.fromisoformat(story.now(self.shop)) - timedelta(hours=hours)
        body: dict[str, Any] = {
            "external_ref": {"source": "crm", "id": f"G-{uuid.uuid4().hex[:12]}"},
            "kind": kind,
            "order_no": order,
            "occurred_at": at.isoformat(),
        }
        if kind in ("deposit", "order"):
            body["buyer_phone"] = BUYERS[buyer]
        if kind == "order" and fleet:
            body["sale_type"] = "fleet"
        if kind == "delivery":
            own = {"vin": OWNERS[0]["vin"]} if car == 0 else {}
            body["car"] = story.golf(self.shop, car) | own
        self.send("crm", "/v1/sale-events", body)

    def nominate(self, key: str, *, right: bool) -> None:
        owner = self.seen(key).owner_id or self.owners[0]
        path = f"/v1/referrals/{key}"
        asked = self.send("owner", f"{path}/nomination-codes", who=owner)
        if asked.status_code != 201:
            return
        self.sent.pop()
        code = re.search(r"[0-9]{6}", story.notices(self.shop)[-1]["text_zh"])
        assert code
        body = {
            "code": code[0],
            "friend_name": "李四" if right else "王五",
            "relation": "colleague",
            "known_for": "3_to_10",
            "how_it_came": "他想换车，我带他来店里试驾",
        }
        self.send("owner", f"{path}/nominations", body, owner)

    def check(self, key: str, who: uuid.UUID, licence: str = "right") -> None:
        owner = self.seen(key).owner_id
        facts = OWNERS[self.owners.index(owner)] if owner in self.owners else OWNERS[0]
        body = story.LICENCE | {"plate_no": facts["plate"], "vin": facts["vin"]}
        body |= {"right": {}, "plate": {"plate_no": "沪B99999"}, "blank": {"vin": ""}}[licence]
        self.decide_on("showroom_manager", key, "licence-checks", who, body)
