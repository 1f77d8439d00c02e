"""Moves of a game of referrals from the call on: answers, records, verdicts, appeals, payments.

What callers and readers see is looked at here, key by key: nothing of it is what is expected.
"""

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from referral.models import Referral
from referral.parties import number_of
from tests.support import sales, story
from tests.support.past import at_work
from tests.support.referral_desk import BUYERS, Desk

CALL_KEYS = {
    *("id", "referral_id", "party", "callee", "state", "questions", "answered", "question"),
    *("script", "created_at", "closed_at", "position", "repeat", "input", "text_zh", "text_en"),
    *("greeting", "before_questions", "re_ask", "thanks", "invitation"),
    *("callback_id", "heard", "words", "facts", "fact", "choices", "code", "zh", "en", "items"),
}
"""All that whoever calls or reads may be told; nothing of it is what is expected."""
_WAITS = (
    "SELECT a.callback_id, a.position, q.expected FROM callback_answer a"
    " JOIN callback b ON b.id = a.callback_id JOIN callback_question q"
    " ON q.callback_id = a.callback_id AND q.position = a.position"
    " WHERE a.mark = 'review' AND b.state = 'answered' AND NOT EXISTS (SELECT FROM answer_reading g"
    " WHERE g.callback_id = a.callback_id AND g.position = a.position)"
)
_numbers = itertools.count(1)


def keys_of(said: Any) -> Iterator[str]:
    """Every key of an answer, however deep."""
    if isinstance(said, dict):
        yield from said
    for each in said.values() if isinstance(said, dict) else said if isinstance(said, list) else ():
        yield from keys_of(each)


class Game(Desk):
    """The desk, with the telephone, the judges and the cashier."""

    def call(self, pick: int) -> Any:
        """One of the calls, the open ones first; none yet is None."""
        found = self.rows("SELECT * FROM callback ORDER BY (state = 'closed'), id DESC")
        return found[pick // 3 % len(found) if pick % 3 == 0 else 0] if found else None

    def _shown(self, call: Any) -> Any:
        """What its agent sees of a call."""
        path = f"/v1/callbacks/{call.id}"
        found = self.shop.get("callback_agent", path, subject=call.agent_id)
        assert found.status_code in (200, 403)
        if found.status_code == 403:
            return None
        assert set(keys_of(found.json)) <= CALL_KEYS
        return found.json | {"agent": call.agent_id}

    def post(self, role: str, path: str, body: Any, *, subject: UUID) -> Any:
        """As `Shop.post`, for steps of the story that ask a shop."""
        return self.send(role, path, body, subject)

    def talk(self, call: Any, manners: list[str]) -> None:
        """The party answers one question in each manner, as long as the call is open."""
        for manner in manners if call else ():
            shown = self._shown(call)
            due_at = call and self.seen(call.referral_id).due_at
            late = due_at is not None and due_at <= self.shop.service.clock()
            if shown is None or shown["state"] != "open" or not shown["question"] or late:
                return
            self._answer(shown, manner)

    def _answer(self, shown: Any, manner: str) -> None:
        if manner in ("honest", "lie"):
            desk: Any = self
            heard: Any = story.answer(desk, shown, honest=manner == "honest")
        else:
            question = shown["question"]
            said, words = "dont_know", None
            if manner == "mumble":
                statement = question["input"] == "confirm_or_correct"
                said, words = "denied" if statement else "answered", "说不清楚，大概是那个吧"
            body = {"position": question["position"], "said": said, "text": words}
            path = f"/v1/callbacks/{shown['id']}/answers"
            heard = story.ok(self.send("callback_agent", path, body, shown["agent"]))
        assert set(keys_of(heard)) <= CALL_KEYS
        assert heard["heard"] in ("accepted", "repeat", "closed")
        sql = "SELECT mark FROM callback_answer WHERE callback_id = :key ORDER BY answered_at DESC"
        mark = self.rows(sql, key=shown["id"])[0].mark
        assert manner == "honest" or mark != "right"

    def meddle(self, call: Any, who: UUID) -> None:
        """Whoever is not the agent of a call finds no call."""
        if call is None or call.agent_id == who:
            return
        body = {"position": 1, "said": "dont_know", "text": None}
        path = f"/v1/callbacks/{call.id}/answers"
        assert self.send("callback_agent", path, body, who).status_code == 404

    def record(self, call: Any, fits: str = "yes") -> None:
        if call is None:
            return
        with at_work(self.shop) as uow:
            referral = uow.session.get_one(Referral, call.referral_id)
            phone = number_of(uow, referral, call.party)
        end = self.shop.service.clock() - timedelta(hours=5 if fits == "too early" else 0)
        start = (end - timedelta(minutes=3)).isoformat()
        body = {
            "external_ref": {"source": "pbx", "id": f"G-{uuid.uuid4().hex[:12]}"},
            "callback_id": str(call.id),
            "dialled": "13700137000" if fits == "other number" else phone,
            "started_at": start,
            "answered_at": None if fits == "missed" else start,
            "ended_at": end.isoformat(),
        }
        self.send("crm", "/v1/call-records", body)

    def read(self, who: UUID, *, right: bool) -> None:
        """A reader opens what waits and says what it names, or that it names nothing."""
        for row in self.rows(_WAITS)[:1]:
            path = f"/v1/callbacks/{row.callback_id}"
            where = {"position": row.position}
            page = self.send("showroom_manager", f"{path}/answer-pages", where, who)
            if page.status_code != 201:
                return
            assert page.json is not None
            self.sent.pop()
            assert set(keys_of(page.json)) <= CALL_KEYS
            with at_work(self.shop) as uow:
                column = "question.expected"
                true = json.loads(uow.open(row.expected, column=column, row=row.callback_id))
            facts = [each["fact"] for each in page.json["facts"]]
            read = [
                {"fact": fact, "value": true.get(fact, true.get("value")) if right else "none"}
                for fact in facts
            ]
            self.send("showroom_manager", f"{path}/readings", where | {"readings": read}, who)

    def judge(self, key: str, who: UUID, verdict: str) -> int:
        body = {"verdict": verdict, "reason": "看过通话证据"}
        return self.decide_on("showroom_manager", key, "judgements", who, body).status_code

    def suspect(self, key: str, who: UUID) -> None:
        body = {"reason": "客户事后称并不认识推荐人"}
        self.decide_on("dealer_admin", key, "suspicions", who, body)

    def state_his_side(self, key: str) -> None:
        sql = "SELECT id, consultant_id FROM consultant_case WHERE referral_id = :key"
        for case in self.rows(sql, key=key):
            path = f"/v1/consultant-cases/{case.id}/statements"
            self.send("consultant", path, {"text": "客户确实是老车主介绍的"}, case.consultant_id)

    def _subject(self, key: str, role: str) -> UUID | None:
        row = self.seen(key)
        own = {"owner": row.owner_id or self.owners[0], "consultant": row.consultant_id}
        return own.get(role)

    def appeal(self, key: str, role: str) -> None:
        body = {"words": "我们确实是朋友，请再查一次"}
        self.send(role, f"/v1/referrals/{key}/appeals", body, self._subject(key, role))

    def decide(self, pick: int, who: UUID, outcome: str) -> None:
        appeals = self.rows("SELECT id FROM appeal ORDER BY (state <> 'open'), id DESC")
        if appeals:
            path = f"/v1/appeals/{appeals[pick % len(appeals) if pick % 3 == 0 else 0].id}"
            body = {"outcome": outcome, "reason": "证据重新看过"}
            self.send("programme_admin", f"{path}/decisions", body, who)

    def pay(self, key: str, who: UUID) -> None:
        self.decide_on("finance", key, "reward-payments", who)

    def withdraw(self, key: str, role: str, party: str) -> None:
        path = f"/v1/referrals/{key}/withdrawals"
        self.send(role, path, {"party": party}, self._subject(key, role))

    def join(self, buyer: int) -> None:
        """A buyer is enrolled, so that he may be thanked too."""
        sql = "SELECT count(*) AS members FROM member"
        if self.rows(sql)[0].members < len(self.owners) + 2:
            story.member(self.shop, name="李四", phone=BUYERS[buyer])

    def change(self, owner: int, *, name: bool) -> None:
        sql = "SELECT version FROM member WHERE id = :key"
        version = self.rows(sql, key=self.owners[owner])[0].version
        body = {"name": "张三丰"} if name else {"phone": f"136{next(_numbers):08}"}
        path = f"/v1/members/{self.owners[owner]}/changes"
        self.send("crm", path, body, version=version)

    def goes_on(self, key: str, step: str = "on") -> None:
        """What comes next in this state, done by people who may."""
        acts: dict[str, Callable[[str], None]] = {
            "submitted": lambda key: self.confirm(key, self.free(key)[0]),
            "registered": lambda key: self._sold(key, "order"),
            "ordered": lambda key: self._sold(key, "delivery"),
            "delivered": self._named_and_checked,
            "check_failed": self._named_and_checked,
            "calling": lambda key: self._called(key, "lie" if step == "lied" else "honest"),
            "adjudication": lambda key: self._judged(key, "accept", "call_once_more", "reject"),
            "fraud_suspected": self._heard_and_judged,
            "reward_held": self._paid,
            "rewarded": lambda key: self._sold(key, "return"),
        }
        if step == "misnamed":
            self.nominate(key, right=False)
        elif step == "strict":
            sales.policy(self.shop, house_rule_strict=True)
        elif len(self.free(key)) > 2:
            acts.get(self.state(key), self._appealed)(key)

    def _sold(self, key: str, kind: str) -> None:
        number = self.reported.index(key)
        order = self.seen(key).order_no or f"R-{number}"
        self.sale(kind=kind, order=order, buyer=self.buyer_of[key], car=100 + number)

    def _named_and_checked(self, key: str) -> None:
        self.nominate(key, right=True)
        self.check(key, self.free(key)[0])

    def _called(self, key: str, manner: str) -> None:
        sql = "SELECT * FROM callback WHERE referral_id = :key AND state <> 'closed'"
        for call in self.rows(sql, key=key):
            self.talk(call, [manner] * 9)
            self.record(call)

    def _judged(self, key: str, *verdicts: str) -> None:
        """The first of these verdicts that can be carried out, by two people."""
        for verdict in verdicts:
            first, second = self.free(key)[:2]
            if self.judge(key, first, verdict) == 201:
                self.judge(key, second, verdict)
                return

    def _heard_and_judged(self, key: str) -> None:
        self.state_his_side(key)
        self._judged(key, "confirm_fraud")

    def _paid(self, key: str) -> None:
        sql = "SELECT max(release_at) AS at FROM referral_reward WHERE referral_id = :key"
        wait = self.rows(sql, key=key)[0].at - self.shop.service.clock()
        self.clock.add(seconds=max(0.0, wait.total_seconds()) + 1)
        self.pay(key, self.free(key)[0])

    def _appealed(self, key: str) -> None:
        self.appeal(key, "consultant")
        self.decide(1, self.free(key)[0], "upheld")
