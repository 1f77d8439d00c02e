"""What must hold of one dealer's referrals after any step (referral.md, section 7), asked by SQL.

Plain and written apart from the code it watches: a mistake there must not be repeated here.
"""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from api.commands.audit import seal_all
from kernel.audit import verify_chain
from kernel.unit_of_work import UnitOfWork
from loyalty.points.proof import prove as prove_points
from referral.draw_export import draws_to_prove
from referral.lifecycle import TABLE
from referral.models import ReferralTransition
from referral.moves import FIRST_HASH, step_hash
from referral.proof import CHECKS
from referral.rules.draw_check import prove
from tests.support.past import at_work
from tests.support.shop import Shop

NIGHTLY: Final = frozenset({"expire", "leave_open", "not_reached", "call_other", "adjudicate"})
"""All that time alone may do: none of it leads to a payment, none suspects anybody."""

_MARKS = (
    "(SELECT a.callback_id, a.position, CASE a.mark WHEN 'review' THEN g.mark ELSE a.mark END"
    " AS mark FROM callback_answer a LEFT JOIN answer_reading g"
    " ON g.callback_id = a.callback_id AND g.position = a.position)"
)
_ACTS = (
    "SELECT id AS referral, consultant_id AS person, 'consultant' AS duty FROM referral"
    " UNION SELECT id, confirmed_by, 'duty_manager' FROM referral"
    " UNION SELECT id, checked_by, 'licence_checker' FROM referral"
    " UNION SELECT id, rechecked_by, 'licence_checker' FROM referral"
    " UNION SELECT referral_id, checked_by, 'licence_checker' FROM licence_check"
    " UNION SELECT id, callback_agent_id, 'callback_agent' FROM referral"
    " UNION SELECT referral_id, agent_id, 'callback_agent' FROM callback"
    " UNION SELECT b.referral_id, a.answered_by, 'callback_agent' FROM callback_answer a"
    " JOIN callback b ON b.id = a.callback_id"
    " UNION SELECT b.referral_id, a.read_by, 'reader' FROM answer_reading a"
    " JOIN callback b ON b.id = a.callback_id"
    " UNION SELECT referral_id, person_id, 'judge' FROM judgement"
    " UNION SELECT referral_id, decided_by, 'appeal_judge' FROM appeal"
    " UNION SELECT id, paid_by, 'payer' FROM referral"
)
_OVER = (
    "'refused', 'expired', 'cancelled', 'withdrawn', 'cleared', 'fraud_suspected',"
    " 'fraud_confirmed', 'rewarded', 'reversed'"
)

BROKEN_BY: Final[dict[str, str]] = {
    "a referral pays at most once per beneficiary and rule": (
        "SELECT referral_id FROM referral_reward WHERE state IN ('paid', 'reversed')"
        " GROUP BY referral_id, beneficiary, rule_id HAVING count(*) > 1"
    ),
    "what is paid belongs to a rewarded referral, what is held to none that is over": (
        "SELECT w.id FROM referral_reward w JOIN referral r ON r.id = w.referral_id"
        " WHERE (w.state = 'paid' AND r.state <> 'rewarded')"
        " OR (w.state = 'reversed' AND r.state <> 'reversed')"
        f" OR (w.state = 'held' AND r.state IN ({_OVER}))"
    ),
    "each side has the points of its paid rewards, and of no other": (
        "SELECT m.id FROM member m LEFT JOIN point_account a ON a.member_id = m.id"
        " WHERE COALESCE(a.available - a.arrears, 0) <> COALESCE((SELECT sum(w.points)"
        " FROM referral_reward w WHERE w.member_id = m.id AND w.state = 'paid'), 0)"
    ),
    "one sale backs at most one referral": (
        "SELECT min(id::text) FROM referral GROUP BY order_no HAVING count(order_no) > 1"
        " UNION ALL SELECT min(id::text) FROM referral"
        " GROUP BY bought_vin_index HAVING count(bought_vin_index) > 1"
        " UNION ALL SELECT min(id::text) FROM referral"
        " GROUP BY invoice_no HAVING count(invoice_no) > 1"
    ),
    "rewarded: submitted before registered before ordered before delivered, then verified": (
        "SELECT id FROM referral WHERE state IN ('reward_held', 'rewarded', 'reversed')"
        " AND (submitted_at < registered_at AND registered_at < ordered_at"
        " AND ordered_at < delivered_at AND delivered_at <= verified_at) IS NOT TRUE"
    ),
    "verified: the licence was checked, and a call passed or people accepted it": (
        "SELECT t.referral_id FROM referral_transition t WHERE t.to_state = 'verified' AND NOT ("
        " EXISTS (SELECT FROM referral_transition c WHERE c.referral_id = t.referral_id"
        " AND c.seq < t.seq AND c.to_state = 'checked')"
        " AND EXISTS (SELECT FROM licence_check c WHERE c.referral_id = t.referral_id AND c.passed)"
        " AND EXISTS (SELECT FROM callback b WHERE b.referral_id = t.referral_id"
        " AND (b.result = 'passed' OR (b.result = 'accepted_by_people' AND t.event = 'accept'))))"
    ),
    "what two people decide, two people have said in that very round": (
        "SELECT t.referral_id, t.seq FROM referral_transition t JOIN (VALUES"
        " ('accept', 'adjudication', 'accept'), ('reject', 'adjudication', 'reject'),"
        " ('call_once_more', 'adjudication', 'call_once_more'),"
        " ('suspect', 'adjudication', 'suspect_fraud'),"
        " ('confirm_fraud', 'fraud_suspected', 'confirm_fraud'),"
        " ('clear', 'fraud_suspected', 'clear')) AS v (event, source, verdict)"
        " ON v.event = t.event AND v.source = t.from_state WHERE 2 <> ("
        " SELECT count(DISTINCT j.person_id) FROM judgement j WHERE j.referral_id = t.referral_id"
        " AND j.round = t.seq - 1 AND j.verdict = v.verdict)"
    ),
    "a call passed with at most one wrong answer, the name right, 6.60 bits": (
        f"SELECT b.id FROM callback b WHERE b.result = 'passed' AND NOT (b.score_bits >= 6.6"
        f" AND 1 >= (SELECT count(*) FROM {_MARKS} m WHERE m.callback_id = b.id"
        " AND m.mark = 'wrong')"
        f" AND EXISTS (SELECT FROM {_MARKS} m JOIN callback_question q"
        " ON q.callback_id = m.callback_id AND q.position = m.position"
        " WHERE m.callback_id = b.id AND q.knock_out AND m.mark = 'right'))"
    ),
    "two wrong answers fail a call that took place, and nothing less does": (
        "SELECT b.id FROM callback b WHERE b.result IS NOT NULL"
        " AND b.reason IS DISTINCT FROM 'call_record_missing' AND (b.result = 'failed') <> (2 <= ("
        f" SELECT count(*) FROM {_MARKS} m WHERE m.callback_id = b.id AND m.mark = 'wrong'))"
    ),
    "a call that speaks for or against anybody reached the party's own number": (
        "SELECT b.id FROM callback b"
        " WHERE b.result IN ('passed', 'failed', 'accepted_by_people') AND NOT EXISTS ("
        " SELECT FROM call_record c WHERE c.callback_id = b.id AND c.number_matches"
        " AND c.answered_at IS NOT NULL)"
    ),
    "each call has its own draw, the second is to the other party and by another agent": (
        "SELECT b.id FROM callback b LEFT JOIN draw d ON d.referral_id = b.referral_id"
        " AND d.purpose = b.purpose WHERE d.party IS DISTINCT FROM b.party"
        " UNION ALL SELECT min(id::text)::uuid FROM callback GROUP BY referral_id, purpose"
        " HAVING count(*) > 1"
        " UNION ALL SELECT referral_id FROM callback GROUP BY referral_id, agent_id"
        " HAVING count(*) > 1"
        " UNION ALL SELECT o.referral_id FROM draw o JOIN draw d USING (referral_id, party)"
        " WHERE d.purpose = 'callback' AND o.purpose = 'other_party'"
    ),
    "one person has one duty on a referral, and took it": (
        f"SELECT referral, person FROM ({_ACTS}) acts WHERE person IS NOT NULL"
        " GROUP BY referral, person HAVING count(*) > 1"
        f" UNION ALL SELECT a.referral, a.person FROM ({_ACTS}) a WHERE a.person IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM referral_duty d WHERE d.referral_id = a.referral"
        " AND d.person_id = a.person AND d.duty = a.duty)"
        " UNION ALL SELECT referral_id, checked_by FROM licence_check"
        " GROUP BY referral_id, checked_by HAVING count(*) > 1"
    ),
    "nothing waits for ever: what people or parties owe has an end": (
        "SELECT id FROM referral WHERE due_at IS NULL AND state IN ('submitted', 'registered',"
        " 'ordered', 'delivered', 'check_failed', 'calling', 'inconclusive', 'unreachable',"
        " 'adjudication', 'fraud_suspected')"
    ),
}

_ALL: Final = (
    *("answer_reading", "appeal", "call_record", "callback", "callback_answer"),
    *("callback_question", "case_statement", "consultant_case", "draw", "judgement"),
    *("licence_check", "member", "nomination", "outbox_event", "party_exclusion"),
    *("penalty", "point_account", "point_entry", "posting_set", "referral"),
    *("referral_duty", "referral_reward", "referral_transition", "sale_event"),
)


class Watch:
    """Looks at a dealer after every step and remembers what may never change again."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.last: dict[UUID, ReferralTransition] = {}
        self.draws: dict[tuple[UUID, str], bytes] = {}
        self.visited: set[str] = set()

    def look(self) -> list[ReferralTransition]:
        """Assert that everything holds; the steps taken since the last look."""
        with at_work(self.shop) as uow:
            for says, breaks in BROKEN_BY.items():
                assert uow.session.execute(text(breaks)).all() == [], says
            drawn = uow.session.execute(text("SELECT referral_id, purpose, seed FROM draw")).all()
            now = {(row.referral_id, row.purpose): bytes(row.seed) for row in drawn}
            assert self.draws.items() <= now.items()
            self.draws = now
            return self._new_steps(uow)

    def _new_steps(self, uow: UnitOfWork) -> list[ReferralTransition]:
        found = []
        order = (ReferralTransition.referral_id, ReferralTransition.seq)
        for step in uow.session.scalars(select(ReferralTransition).order_by(*order)):
            before = self.last.get(step.referral_id)
            if before is not None and step.seq <= before.seq:
                continue
            assert_step(before, step)
            self.last[step.referral_id] = step
            self.visited.add(step.to_state)
            found.append(step)
        return found

    def prove(self) -> None:
        """The proofs we run ourselves: of referrals, points, every draw and the audit chain."""
        seal_all(self.shop.service, self.shop.dealer_id)
        with at_work(self.shop) as uow:
            for checks in ((CHECKS,), ()):
                assert [found for found in prove_points(uow.session, *checks) if found.count] == []
            draws = prove(list(draws_to_prove(uow)))
            assert (draws.draws, draws.bad, draws.first) == (len(self.draws), 0, None)
        self.chain_holds()

    def chain_holds(self) -> None:
        with at_work(self.shop) as uow:
            assert verify_chain(uow.session, self.shop.dealer_id).fault is None


def assert_step(before: ReferralTransition | None, step: ReferralTransition) -> None:
    """A step is one of the table, by somebody who may, for a reason where one is wanted."""
    rows = [row for row in TABLE if (row.source, row.event) == (step.from_state, step.event)]
    assert len(rows) == 1, step.event
    row = rows[0]
    assert step.to_state == row.target
    assert step.actor_role in row.roles
    assert (step.reason in row.reasons) if row.reasons else (step.reason is None)
    assert (step.actor_id == "system") == (step.actor_role == "system")
    assert (step.seq, step.from_state) == (
        (before.seq + 1, before.to_state) if before else (1, None)
    )
    assert before is None or step.at >= before.at
    assert step.previous_hash == (before.hash if before else FIRST_HASH)
    assert step.hash == step_hash(step)
    if step.event == "expire":
        assert step.to_state in ("expired", "cleared")


def as_it_is(session: Session) -> tuple[Any, ...]:
    """A digest of everything a request about referrals could change."""
    parts = ", ".join(
        f"(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t)" for name in _ALL
    )
    return tuple(session.execute(text(f"SELECT {parts}")).one())
