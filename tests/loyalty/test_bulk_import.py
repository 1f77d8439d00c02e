"""Documents taken set by set come to exactly what they come to one by one."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from api.commands.work import unit_of_work
from api.service import Service
from kernel.errors import DomainError, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.earning.bulk import Draft, Reference, RowResult, found, take_documents
from loyalty.earning.document import Document
from loyalty.earning.models import EarningRule, RuleBudget
from loyalty.earning.rules.rule import DocumentKind
from loyalty.earning.rules.standard import JobType, Line, Payer
from loyalty.earning.take_document import take_document
from loyalty.members.enroll import Enrolment, enroll
from loyalty.members.vehicles import OwnedVehicle, add_ownership
from loyalty.points import ledger
from loyalty.points.rules.expiry import Mode, Policy, Round, expires_at
from loyalty.tiers.assign import assign_tier
from tests.support.shop import Shop, open_shop

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)
TODAY = date(2026, 7, 15)
VIN = "LFV2A21K8A3000001"
WANG, LI, OWING, IDLE, STRANGER = range(5)
PEOPLE = ("M-wang", "M-li", "M-owing", "M-idle", "M-stranger")
IDLING = Policy(Mode.INACTIVITY, 3, Round.MONTH)
SPEND = ["service_order", "accessory_sale", "insurance_renewal"]
RULES: dict[str, list[dict[str, Any]]] = {
    "capped_by_month": [
        {
            "kinds": SPEND,
            "award": {"per_yuan": {"points": 3, "per_fen": 1000}},
            "caps": {"per_member": {"points": 90, "period": "month"}, "per_document": 60},
        },
        {
            "kinds": SPEND,
            "award": {"per_yuan": {"points": 1, "per_fen": 500}},
            "tier_percent": {"gold": 150},
            "caps": {"per_member": {"points": 70, "period": "day"}, "budget": 150},
        },
    ],
    "double_spring": [
        {"kinds": SPEND, "award": {"multiplier_percent": 200}, "campaign": "春季",
         "caps": {"budget": 200}, "pending": {"days": 400}},
    ],
    "golden": [
        {"kinds": ["service_order"], "award": {"flat": 40}, "tiers": ["gold"],
         "cooldown_days": 5, "pending": {"event": "delivered", "cancel_after_days": 900},
         "group": "gifts"},
    ],
    "kept_alive": [
        {"kinds": ["accessory_sale"], "award": {"flat": 7}, "job_types": ["wash"],
         "expiry": {"mode": "inactivity", "months": 3, "round": "month"},
         "unit_cost_fen": "0.5000"},
    ],
    "model_gift": [
        {"kinds": ["service_order", "survey"], "award": {"flat": 25}, "models": ["速腾"],
         "group": "gifts", "expiry": {"mode": "never", "months": None, "round": "day"}},
    ],
}  # fmt: skip


class Told(NamedTuple):
    """A row of an import, before anybody looked at it."""

    person: int
    by_reference: bool
    source: str
    key: str
    kind: DocumentKind
    days_ago: int
    lines: tuple[Line, ...]
    vin: str | None
    campaign: str | None


def mostly(usual: Sequence[Any], odd: Sequence[Any]) -> st.SearchStrategy[Any]:
    """One of the usual values in nine cases of ten: most rows of a file are good."""
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(usual if n else odd))


LINES = st.lists(
    st.builds(
        Line,
        mostly([Payer.CUSTOMER], [Payer.WARRANTY]),
        mostly([100, 499, 500, 5_000, 9_950, 20_000, 60_000], [-1, 0, 99, 1_000_000_100]),
        st.sampled_from([None, JobType.WASH]),
    ),
    min_size=1,
    max_size=2,
).map(tuple)
ROWS = st.lists(
    st.builds(
        Told,
        person=mostly([WANG, LI, OWING, IDLE], [STRANGER]),
        by_reference=st.booleans(),
        source=mostly(["crm"], ["dms", "redemption"]),
        key=st.integers(1, 50).map("SO-{}".format),
        kind=mostly([DocumentKind.SERVICE_ORDER, DocumentKind.ACCESSORY_SALE], [*DocumentKind]),
        days_ago=mostly([0, 1, 4, 5, 6, 20, 45], [200, 900, -1]),
        lines=mostly([None], [()]).flatmap(lambda none: LINES if none is None else st.just(none)),
        vin=mostly([None, VIN], ["LFV2A21K5A4000002", "LFV2A21K7A3000001"]),
        campaign=st.sampled_from([None, "春季", " 春季 "]),
    ),
    min_size=12,
    max_size=40,
)


class Dealer:
    """A dealer with rules of every sort, and members in every plight."""

    def __init__(self, app: Flask, service: Service) -> None:
        self.shop: Shop = open_shop(app, service)
        with self.work() as uow:
            self.people = [self._enrol(uow, name) for name in PEOPLE[:STRANGER]]
            self._publish(uow)
            for day, tier in ((TODAY - timedelta(days=60), "silver"), (date(2026, 7, 9), "gold")):
                assign_tier(uow, self.people[LI], tier=tier, since_on=day, reason="2026")
            assign_tier(uow, self.people[WANG], tier="gold", since_on=date(2026, 6, 1), reason="-")
            add_ownership(uow, self.people[WANG], SAGITAR)
            self._owe(uow, self.people[OWING], 130)
            self._idle(uow, self.people[IDLE])

    def work(self) -> Any:
        return unit_of_work(
            self.shop.service, self.shop.dealer_id, role=Role.CRM, client="import", now=NOW
        )

    def named(self, person: int) -> UUID:
        return self.people[person] if person < STRANGER else UUID(int=7)

    def draft(self, number: int, told: Told) -> Draft:
        def finish(member: UUID) -> Document:
            day = TODAY - timedelta(days=told.days_ago)
            facts = (told.kind, member, day, told.lines, told.vin, told.campaign)
            return Document(told.source, told.key, *facts)

        reference = Reference("crm", PEOPLE[told.person], "/member_ref")
        return Draft(number, reference if told.by_reference else self.named(told.person), finish)

    def _enrol(self, uow: UnitOfWork, name: str) -> UUID:
        return enroll(
            uow,
            Enrolment(
                source="crm",
                external_id=name,
                name="王伟",
                phone="13800138000",
                joined_on=date(2024, 5, 1),
                occupation=None,
            ),
        )

    def _publish(self, uow: UnitOfWork) -> None:
        for code, bodies in RULES.items():
            for version, body in enumerate(bodies, start=1):
                uow.session.execute(
                    insert(EarningRule),
                    {
                        "dealer_id": uow.dealer_id,
                        "version": version,
                        "id": new_id(),
                        "code": code,
                        "state": "published",
                        "body": body,
                        "effective_from": date(2020, 1, 1) if version == 1 else date(2026, 7, 10),
                        "author_id": uuid4(),
                        "created_at": NOW,
                        "publisher_id": uuid4(),
                        "published_at": NOW,
                    },
                )
                if budget := body.get("caps", {}).get("budget"):
                    row = {"dealer_id": uow.dealer_id, "rule_code": code, "rule_version": version}
                    uow.session.execute(insert(RuleBudget), row | {"budget": budget, "granted": 0})

    def _owe(self, uow: UnitOfWork, member: UUID, points: int) -> None:
        """A burnt credit is taken back: the member owes all of it."""
        posted = self._credit(uow, member, points, date(2026, 5, 1), None)
        ledger.burn(uow, member, points, source=ledger.Source("test", "burn"))
        ledger.claw_back(
            uow,
            member,
            points,
            undone=posted.posting_set_id,
            lots=[],
            issuer_id=uow.dealer_id,
            policy=ledger.DebtPolicy.ARREARS,
            source=ledger.Source("test", "return"),
            reason="-",
        )

    def _idle(self, uow: UnitOfWork, member: UUID) -> None:
        """Lots that visits keep alive: one about to end, one ended before."""
        for key, day in enumerate((date(2026, 4, 20), date(2026, 3, 20))):
            self._credit(uow, member, 10 + key, day, IDLING)

    def _credit(
        self, uow: UnitOfWork, member: UUID, points: int, day: date, policy: Policy | None
    ) -> ledger.Posted:
        ends = expires_at(day, policy, zone=uow.zone) if policy else None
        terms = ledger.Terms(
            rule_id="test",
            rule_version=1,
            business_on=day,
            available_at=uow.now - timedelta(days=1),
            expires_at=ends,
            unit_cost_fen=Decimal(1),
            inactivity_months=policy.months if policy else None,
            inactivity_round=policy.round.value if policy else None,
        )
        source = ledger.Source("test", uuid4().hex if policy is None else day.isoformat())
        return ledger.accrue(
            uow, member, points, issuer_id=uow.dealer_id, source=source, terms=terms
        )


SAGITAR = OwnedVehicle(
    vin=VIN,
    plate=None,
    model="速腾",
    colour="白色",
    transmission="automatic",
    use_nature="非营运",
    owned_from=date(2024, 5, 1),
)
SNAPSHOT = {
    "accounts": """
        SELECT external_id, available, pending, held, arrears, a.version
        FROM point_account a JOIN member m ON m.id = a.member_id ORDER BY 1""",
    "lots": """
        SELECT external_id, s.account_version, l.points, remaining, l.held, expired, open,
               activated, l.business_on, available_at, awaits, cancel_at, expires_at,
               inactivity_months, inactivity_round, l.rule_id, l.rule_version, unit_cost_fen,
               issuer_id = l.dealer_id
        FROM point_lot l JOIN member m ON m.id = l.member_id
        JOIN posting_set s ON s.member_id = l.member_id AND s.id = posting_set_id
        ORDER BY 1, 2, l.rule_id""",
    "postings": """
        SELECT external_id, account_version, kind, points, business_on, posted_at, s.source,
               rule_id, rule_version, shortfall
        FROM posting_set s JOIN member m ON m.id = s.member_id ORDER BY 1, 2""",
    "entries": """
        SELECT external_id, s.account_version, e.line, e.side, e.account, e.points,
               l.rule_id, l.business_on, l.points
        FROM point_entry e JOIN member m ON m.id = e.member_id
        JOIN posting_set s ON s.member_id = e.member_id AND s.id = e.posting_set_id
        LEFT JOIN point_lot l ON l.member_id = e.member_id AND l.id = e.lot_id
        ORDER BY 1, 2, 3""",
    "documents": """
        SELECT external_id, d.source, source_event_id, d.kind, occurred_on, lines, d.points,
               d.rule_id, d.rule_version, vehicle_id IS NOT NULL, campaign, received_at,
               evaluation::text, s.source_key, returns_id
        FROM source_document d JOIN member m ON m.id = d.member_id
        LEFT JOIN posting_set s ON s.member_id = d.member_id AND s.id = posting_set_id
        ORDER BY 2, 3""",
    "grants": """
        SELECT external_id, d.source_event_id, g.rule_code, g.rule_version, g.business_on, g.raw,
               g.points, l.points, l.rule_id
        FROM rule_grant g JOIN member m ON m.id = g.member_id
        JOIN source_document d ON d.id = g.document_id
        JOIN point_lot l ON l.member_id = g.member_id AND l.id = g.lot_id
        ORDER BY 1, d.source, 2, 3""",
    "budgets": "SELECT rule_code, rule_version, granted FROM rule_budget ORDER BY 1, 2",
    "events": """
        SELECT external_id, kind, data->>'points' FROM outbox_event o
        JOIN member m ON m.id = subject_id WHERE kind LIKE 'points.%' ORDER BY 1, o.id""",
}


def snapshot(dealer: Dealer) -> dict[str, list[tuple[Any, ...]]]:
    """The books of a dealer, without the identifiers that differ between two."""
    with dealer.work() as uow:
        found = {
            name: [tuple(row) for row in uow.session.execute(text(question))]
            for name, question in SNAPSHOT.items()
        }
    found["documents"] = [(*row[:12], _unnamed(row[12]), *row[13:]) for row in found["documents"]]
    return found


def _unnamed(evaluation: str) -> Any:
    said = json.loads(evaluation)
    for grant in said["grants"]:
        assert UUID(grant.pop("lot_id"))
    return said


def singly(dealer: Dealer, rows: Sequence[Told]) -> list[RowResult]:
    """One by one, as POST /v1/documents takes them."""
    results = []
    with dealer.work() as uow:
        for number, told in enumerate(rows):
            draft = dealer.draft(number, told)
            try:
                if told.by_reference and told.person == STRANGER:
                    raise NotFound("member_not_found", pointer="/member_ref")
                with uow.session.begin_nested():
                    view, new = take_document(uow, draft.finish(dealer.named(told.person)))
            except DomainError as error:
                results.append(RowResult(number, "failed", error=error))
            else:
                outcome = "new" if new else "known"
                results.append(RowResult(number, outcome, view.id, view.points))
    return results


def together(dealer: Dealer, rows: Sequence[Told], size: int) -> list[RowResult]:
    """Set by set, each chunk in a transaction of its own."""
    drafts = [dealer.draft(number, told) for number, told in enumerate(rows)]
    results = []
    for start in range(0, len(drafts), size):
        with dealer.work() as uow:
            results += take_documents(uow, drafts[start : start + size])
    return results


def said(dealer: Dealer, results: Sequence[RowResult]) -> list[tuple[Any, ...]]:
    with dealer.work() as uow:
        rows = uow.session.execute(text("SELECT id, source_event_id FROM source_document"))
        keys = {row.id: row.source_event_id for row in rows}
    return [
        (each.number, each.outcome, each.points, each.document_id and keys[each.document_id])
        + ((each.error.code, each.error.pointer, each.error.params) if each.error else ())
        for each in results
    ]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, size=st.sampled_from([3, 8, 100]))
def test_documents_in_bulk_come_to_what_they_come_to_one_by_one(
    app: Flask, service: Service, rows: list[Told], size: int
) -> None:
    one, other = Dealer(app, service), Dealer(app, service)
    assert said(other, together(other, rows, size)) == said(one, singly(one, rows))
    books, others = snapshot(one), snapshot(other)
    for part in SNAPSHOT:
        assert others[part] == books[part], part


@pytest.mark.parametrize("person", [OWING, IDLE])
@pytest.mark.parametrize("days", [(0, 20, 45), (45, 20, 0), (20, 0, 45, 20)])
def test_the_order_of_a_members_documents_matters_where_he_owes_or_idles(
    app: Flask, service: Service, person: int, days: tuple[int, ...]
) -> None:
    """A lot told late is not kept alive by a visit told before it; debts are paid one by one."""
    wash = (Line(Payer.CUSTOMER, 5_000, JobType.WASH),)
    rows = [
        Told(person, False, "crm", f"SO-{n}", DocumentKind.ACCESSORY_SALE, day, wash, None, None)
        for n, day in enumerate(days)
    ]
    one, other = Dealer(app, service), Dealer(app, service)
    assert {each.outcome for each in singly(one, rows)} == {"new"}
    together(other, rows, 100)
    assert snapshot(other) == snapshot(one)


def test_a_document_another_took_meanwhile_is_known_and_stops_nothing(
    app: Flask, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only for another member can that happen: the account's lock keeps out those for the same."""
    dealer = Dealer(app, service)
    line = (Line(Payer.CUSTOMER, 5_000),)
    told = Told(WANG, False, "crm", "SO-1", DocumentKind.SERVICE_ORDER, 0, line, None, None)
    looked = found.documents_of
    rivals = [told._replace(person=LI)]

    def then_a_rival(uow: UnitOfWork, keys: Any) -> Any:
        seen = looked(uow, keys)
        if rivals:
            singly(dealer, [rivals.pop()])
        return seen

    monkeypatch.setattr(found, "documents_of", then_a_rival)
    results = together(dealer, [told, told._replace(key="SO-2")], 100)
    assert [(each.outcome, each.error and each.error.code) for each in results] == [
        ("failed", "document_changed"),
        ("new", None),
    ]
