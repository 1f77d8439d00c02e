"""Draws recomputed by strangers: what holds is shown, what was tampered with is named."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from api.app import create_app
from api.cli import cli
from api.commands.draw import SAID
from api.commands.work import unit_of_work, work_for
from api.service import Service, build_service
from kernel.database import Database, owner_session, violated
from kernel.errors import RuleViolation
from kernel.ids import new_id
from kernel.settings import load_settings
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral import draw_rules
from referral.continue_calls import replace_absent_agents
from referral.draw import Purpose
from referral.draw_export import draws_to_prove, exported_draws
from referral.draw_rules import Committed
from referral.entropy import promise_entropy
from referral.rules.draw_check import Proof, fault, prove
from referral.rules.draw_line import absent, read, written
from referral.rules.drawn import CALLBACK, JUDGES, OTHER_PARTY, Drawn, Trail
from tests.support import story
from tests.support.clock import TestClock
from tests.support.shop import Shop, hire, open_shop

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 10)
DRAWN_AT = datetime(2026, 3, 10, 2, tzinfo=UTC)
PROMISED_AT = datetime(2026, 3, 9, 15, 59, tzinfo=UTC)  # 23:59 of the day before in Shanghai
SECRET = b"the secret of the tenth of March"
AGENTS = tuple(str(uuid.UUID(int=number)) for number in range(1, 6))


def made(number: int = 1, purpose: str = CALLBACK, first: Drawn | None = None) -> Drawn:
    """An honest draw by the rules."""
    fixed = Committed(
        referral_id=str(uuid.UUID(int=1_000 + number)),
        purpose=purpose,
        parties=draw_rules.PARTIES,
        catalogue_hash="c0ffee",
        selector_version="2",
        wanted_plan="single",
        sample_percent=20,
        agents=AGENTS,
    )
    committed = draw_rules.commitment(fixed)
    seed = draw_rules.seed(SECRET, committed)
    party, sampled = draw_rules.party(seed), purpose == CALLBACK and draw_rules.sampled(seed, 20)
    if first:
        party, sampled = ("buyer" if first.party == "owner" else "owner"), first.sampled
    return Drawn(
        dealer_id=str(uuid.UUID(int=9)),
        zone=ZONE,
        referral_id=fixed.referral_id,
        purpose=purpose,
        parties=draw_rules.PARTIES,
        catalogue_hash=fixed.catalogue_hash,
        selector_version=fixed.selector_version,
        wanted_plan=fixed.wanted_plan,
        sample_percent=fixed.sample_percent,
        agents=AGENTS,
        drawn_at=DRAWN_AT,
        entropy_on=DAY,
        entropy_hash=draw_rules.promise(SECRET),
        secret=SECRET,
        promised_at=PROMISED_AT,
        commitment=committed,
        seed=seed,
        party=party,
        plan="dual" if sampled else "single",
        sampled=sampled,
        called_party=party,
        first_agent=AGENTS[draw_rules.pick(seed, 5, "agent")],
        trail=Trail(PROMISED_AT, promise_seq=4, commitment_seq=7),
    )


def first_release() -> Drawn:
    """A draw as releases before 0.4 made it."""
    draw = made()
    committed = draw_rules.first_commitment(draw.referral_id, draw.parties, "bank-1", "1")
    seed = draw_rules.seed(SECRET, committed)
    party = draw_rules.party(seed)
    return replace(
        draw,
        selector_version="1",
        catalogue_hash="bank-1",
        commitment=committed,
        seed=seed,
        party=party,
        called_party=party,
        promised_at=None,
        trail=None,
        **absent(),
    )


CALL = made()
SECOND = made(purpose=OTHER_PARTY, first=CALL)
LAST = made(purpose=JUDGES)
OLD = first_release()
ELSEWHERE = draw_rules.seed(SECRET, b"chosen")


def test_the_purposes_recomputed_are_those_that_are_drawn_for() -> None:
    assert {CALLBACK, OTHER_PARTY, JUDGES} == set(Purpose)


def test_honest_draws_hold_whatever_they_were_drawn_for() -> None:
    many = [made(number) for number in range(2, 300)]
    assert {draw.plan for draw in many} == {"single", "dual"}
    proof = prove([CALL, SECOND, LAST, *many])
    assert (proof.draws, proof.bad, proof.same_day, proof.untold) == (301, 0, 0, 0)
    assert prove([OLD]) == Proof(draws=1, old=1)


@pytest.mark.parametrize(
    ("draw", "change", "what"),
    [
        (CALL, {"secret": b"another secret"}, "promise"),
        (CALL, {"entropy_hash": draw_rules.promise(b"another secret")}, "promise"),
        (CALL, {"referral_id": str(uuid.UUID(int=5))}, "commitment"),
        (CALL, {"catalogue_hash": "facade"}, "commitment"),
        (CALL, {"sample_percent": 0}, "commitment"),
        (CALL, {"wanted_plan": "dual"}, "commitment"),
        (CALL, {"agents": AGENTS[::-1]}, "commitment"),
        (CALL, {"seed": ELSEWHERE}, "seed"),
        (CALL, {"drawn_at": DRAWN_AT + timedelta(days=1)}, "day"),
        (CALL, {"promised_at": None}, "unpromised"),
        (CALL, {"promised_at": DRAWN_AT + timedelta(seconds=1), "trail": None}, "unpromised"),
        (CALL, {"trail": Trail(None, None, 7)}, "promise_not_chained"),
        (CALL, {"trail": Trail(DRAWN_AT, 4, 7)}, "promise_not_chained"),
        (CALL, {"trail": Trail(PROMISED_AT, 4, None)}, "commitment_not_chained"),
        (CALL, {"trail": Trail(PROMISED_AT, 8, 7)}, "unpromised"),
        (CALL, {"party": draw_rules.other(draw_rules.party(CALL.seed))}, "party"),
        (LAST, {"party": draw_rules.other(draw_rules.party(LAST.seed))}, "party"),
        (SECOND, {"party": CALL.party}, "party"),
        (CALL, {"sampled": not CALL.sampled}, "sample"),
        (LAST, {"sampled": True}, "sample"),
        (CALL, {"plan": "single" if CALL.sampled else "dual"}, "plan"),
        (SECOND, {"plan": "narrative"}, "plan"),
        (LAST, {"plan": "dual"}, "plan"),
        (CALL, {"called_party": SECOND.party}, "called_party"),
        (CALL, {"called_party": None, "first_agent": None}, "called_party"),
        (CALL, {"first_agent": next(a for a in AGENTS if a != CALL.first_agent)}, "agent"),
        (OLD, {"party": draw_rules.other(draw_rules.party(OLD.seed))}, "party"),
        (OLD, {"catalogue_hash": "bank-2"}, "commitment"),
        (OLD, {"secret": b"another secret"}, "seed"),
        (OLD, {"called_party": None}, "called_party"),
        (CALL, {"selector_version": "1"}, "commitment"),
    ],
)
def test_whatever_is_changed_in_a_draw_is_named(
    draw: Drawn, change: dict[str, Any], what: str
) -> None:
    assert fault(draw, {CALL.referral_id: CALL}) is None
    assert fault(replace(draw, **change), {CALL.referral_id: CALL}) == what
    assert SAID[what]


def test_the_first_bad_draw_is_named_and_the_others_are_counted() -> None:
    bad = replace(CALL, party="nobody")
    proof = prove([LAST, bad, replace(LAST, seed=ELSEWHERE)])
    assert proof.first
    assert (proof.bad, proof.first.draw, proof.first.what) == (2, bad, "party")


def test_a_draw_made_once_more_is_seen_even_when_it_says_the_same() -> None:
    proof = prove([CALL, CALL])
    assert proof.first
    assert (proof.bad, proof.first.what) == (1, "repeated")


def test_a_second_call_without_a_first_one_is_seen() -> None:
    proof = prove([SECOND])
    assert proof.first
    assert proof.first.what == "no_first"


def test_a_secret_promised_on_its_own_day_is_told_and_no_fault() -> None:
    midnight = datetime(2026, 3, 9, 16, tzinfo=UTC)
    same_day = replace(CALL, promised_at=midnight, trail=Trail(midnight, 8, 7))
    assert prove([same_day, LAST]) == Proof(draws=2, same_day=1)


def test_a_draw_whose_secret_is_not_told_is_recomputed_from_its_seed() -> None:
    assert prove([replace(CALL, secret=None)]) == Proof(draws=1, untold=1)
    chosen = replace(CALL, secret=None, first_agent=AGENTS[0], agents=AGENTS[:0])
    assert prove([chosen]).bad == 1


@pytest.mark.parametrize("draw", [CALL, SECOND, LAST, OLD, replace(CALL, secret=None)])
def test_a_line_of_the_export_reads_as_the_draw_it_was_written_from(draw: Drawn) -> None:
    line = json.loads(json.dumps(written(draw)))
    assert read(line) == replace(draw, trail=None)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"buyer_phone": "13900139000"}, "/buyer_phone"),
        ({"party": "both"}, "/party"),
        ({"purpose": "another"}, "/purpose"),
        ({"seed": "00"}, "/seed"),
        ({"seed": CALL.seed.hex().upper()}, "/seed"),
        ({"drawn_at": "2026-03-10T10:00:00+08:00"}, "/drawn_at"),
        ({"drawn_at": "2026-03-10T02:00:00"}, "/drawn_at"),
        ({"entropy_on": "20260310"}, "/entropy_on"),
        ({"timezone": "Asia/Nowhere"}, "/timezone"),
        ({"agents": "all"}, "/agents"),
        ({"sampled": 0}, "/sampled"),
        ({"entropy_hash": None}, "/entropy_hash"),
        ({"promised_before": False}, "/promised_before"),
    ],
)
def test_a_line_in_another_form_is_refused(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        read(written(CALL) | change)
    assert refused.value.pointer == pointer


@pytest.fixture
def superuser(service: Service) -> Iterator[Session]:
    """Whom no rule of the tables stops, but their triggers and keys."""
    owner = Database(service.settings.database_url, role=None)
    with Session(owner.engine) as session:
        yield session
        session.rollback()
    owner.dispose()


def two_calls(shop: Shop) -> uuid.UUID:
    """A referral whose first call failed, so that the other party was drawn."""
    story.owner(shop)
    hire(shop, "callback_agent")
    with acting(shop) as uow:
        promise_entropy(uow, uow.today)
    referral = story.calling(shop)
    story.called(shop, honest=False)
    return uuid.UUID(referral["id"])


@pytest.fixture(scope="module")
def called_twice(app: Flask, service: Service, clock: TestClock) -> Shop:
    """A dealer with such a referral, which nobody changes for good."""
    clock.reset()
    shop = open_shop(app, service)
    two_calls(shop)
    return shop


def acting(shop: Shop) -> Any:
    return unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test")


def proven(shop: Shop, session: Session) -> Proof:
    uow = work_for(shop.service, session, shop.dealer_id, role=Role.SYSTEM, client="test")
    return prove(list(draws_to_prove(uow)))


OURS = "dealer_id = :dealer"
COPY = "INSERT INTO draw SELECT {} FROM draw WHERE referral_id = :id AND purpose = 'callback'"
COLUMNS = (
    "referral_id, '{purpose}', dealer_id, {party}, commitment, catalogue_hash, selector_version,"
    " entropy_on, seed, drawn_at, plan, wanted_plan, sampled, sample_percent, agents, entropy_hash"
)
OTHER = "CASE party WHEN 'buyer' THEN 'owner' ELSE 'buyer' END"


def copied(purpose: str, party: str) -> str:
    return COPY.format(COLUMNS.format(purpose=purpose, party=party))


def test_not_even_a_superuser_draws_again_or_the_same_party_twice(
    shop: Shop, superuser: Session
) -> None:
    story.owner(shop)
    key = {"id": story.calling(shop)["id"]}
    for statement, constraint in (
        (copied("callback", OTHER), "pk_draw"),
        (copied("other_party", "party"), "ck_draw_other_party"),
        (copied("once_more", OTHER), "ck_draw_purpose"),
    ):
        with pytest.raises(IntegrityError) as refused, superuser.begin_nested():
            superuser.execute(text(statement), key)
        assert violated(refused.value) == constraint
    superuser.execute(text(copied("other_party", OTHER)), key)
    for statement in (
        copied("other_party", OTHER),
        "UPDATE draw SET party = 'owner' WHERE referral_id = :id AND purpose = 'other_party'",
        "DELETE FROM draw WHERE referral_id = :id AND purpose = 'other_party'",
    ):
        with pytest.raises(DBAPIError), superuser.begin_nested():
            superuser.execute(text(statement), key)


def test_the_draws_of_two_calls_hold_in_the_database(
    called_twice: Shop, superuser: Session
) -> None:
    assert proven(called_twice, superuser) == Proof(draws=2, same_day=2)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        (f"UPDATE draw SET party = {OTHER} WHERE purpose = 'callback' AND {OURS}", "party"),
        (f"UPDATE draw SET party = {OTHER} WHERE purpose = 'other_party' AND {OURS}", "party"),
        (f"UPDATE draw SET seed = sha256(seed) WHERE {OURS}", "seed"),
        (f"UPDATE draw SET agents = agents[1:1] WHERE {OURS}", "commitment"),
        (f"UPDATE draw SET entropy_on = entropy_on - 1 WHERE {OURS}", "promise"),
        (f"UPDATE draw_entropy SET hash = sha256(hash) WHERE {OURS}", "unpromised"),
        (f"UPDATE draw_entropy SET committed_at = committed_at - interval '9 days' WHERE {OURS}",
         "promise_not_chained"),
        ("DELETE FROM audit_link WHERE event_id IN (SELECT id FROM audit_event"
         f" WHERE action = 'draw.entropy_promised') AND {OURS}", "promise_not_chained"),
        (f"DELETE FROM audit_event WHERE action = 'draw.committed' AND {OURS}",
         "commitment_not_chained"),
        (f"UPDATE callback SET party = {OTHER} WHERE {OURS}", "called_party"),
        ("UPDATE callback SET agent_id = (SELECT id FROM staff WHERE 'consultant' = ANY (roles)"
         f" AND {OURS} LIMIT 1) WHERE {OURS}", "agent"),
    ],
)  # fmt: skip
def test_what_is_tampered_with_behind_the_triggers_is_named(
    called_twice: Shop, superuser: Session, sql: str, what: str
) -> None:
    superuser.execute(text("SET LOCAL session_replication_role = replica"))
    superuser.execute(text(sql), {"dealer": called_twice.dealer_id})
    bad = proven(called_twice, superuser).first
    assert bad
    assert bad.what == what


def test_a_call_handed_to_another_agent_still_proves_whom_the_draw_gave_it(
    shop: Shop, superuser: Session
) -> None:
    story.owner(shop)
    story.calling(shop)
    drawn = shop.people["callback_agent"]
    others = [hire(shop, "callback_agent") for _ in "ab"]
    change = {"roles": ["callback_agent"], "team": "call-desk", "active": False}
    story.ok(shop.post("dealer_admin", f"/v1/staff/{drawn}/changes", change, version=1))
    with acting(shop) as uow:
        assert replace_absent_agents(uow) == 1
    with acting(shop) as uow:
        [draw] = draws_to_prove(uow)
    assert (draw.first_agent, prove([draw]).bad) == (str(drawn), 0)
    swap = "UPDATE callback SET agent_id = :{} WHERE agent_id = :{} AND dealer_id = :dealer"
    values = {"a": others[0], "b": others[1], "dealer": shop.dealer_id}
    now = superuser.scalar(text("SELECT agent_id FROM callback WHERE dealer_id = :dealer"), values)
    to, since = ("b", "a") if now == others[0] else ("a", "b")
    superuser.execute(text(swap.format(to, since)), values)
    assert proven(shop, superuser).first


def test_a_draw_before_release_0_4_is_recomputed_with_the_secret_of_that_time(
    shop: Shop, superuser: Session
) -> None:
    story.owner(shop)
    referral = story.delivered(shop)["id"]
    with acting(shop) as uow:
        draw = old_row(uow, referral)
    superuser.execute(
        text(
            "INSERT INTO draw (referral_id, purpose, dealer_id, party, commitment, catalogue_hash,"
            " selector_version, entropy_on, seed, drawn_at) VALUES (:referral, 'callback', :dealer,"
            " :party, :commitment, 'bank-1', '1', :day, :seed, :at)"
        ),
        draw,
    )
    superuser.execute(
        text(
            "INSERT INTO callback (id, dealer_id, referral_id, purpose, party, agent_id, state,"
            " created_at) VALUES (:id, :dealer, :referral, 'callback', :party, :agent, 'open', :at)"
        ),
        draw | {"id": new_id(), "agent": shop.people["callback_agent"]},
    )
    assert proven(shop, superuser) == Proof(draws=1, old=1)
    superuser.execute(text("SET LOCAL session_replication_role = replica"))
    superuser.execute(
        text("UPDATE draw SET seed = sha256(seed) WHERE referral_id = :referral"), draw
    )
    broken = proven(shop, superuser).first
    assert broken
    assert broken.what == "seed"


def old_row(uow: UnitOfWork, referral: str) -> dict[str, Any]:
    committed = draw_rules.first_commitment(referral, draw_rules.PARTIES, "bank-1", "1")
    seed = draw_rules.seed(uow.vault.secret_of_day(uow.today), committed)
    return {
        "referral": referral,
        "dealer": uow.dealer_id,
        "party": draw_rules.party(seed),
        "commitment": committed,
        "day": uow.today,
        "seed": seed,
        "at": uow.now,
    }


def test_a_days_secret_is_exported_once_the_day_is_over_and_not_before(
    called_twice: Shop, clock: TestClock
) -> None:
    clock.reset()
    with acting(called_twice) as uow:
        assert [draw.secret for draw in exported_draws(uow)] == [None, None]
    clock.add(days=1)
    with acting(called_twice) as uow:
        told = list(exported_draws(uow))
    assert [draw_rules.promise(draw.secret or b"") for draw in told] == [
        draw.entropy_hash for draw in told
    ]
    assert prove(told) == Proof(draws=2, same_day=2)
    clock.reset()


def test_the_export_holds_no_personal_data_and_no_answers(called_twice: Shop) -> None:
    with acting(called_twice) as uow:
        said = json.dumps([written(draw) for draw in exported_draws(uow)], ensure_ascii=False)
    for secret in ("张三", "李四", "13800138000", "13900139000", "速腾", "建材", "京A12345"):
        assert secret not in said
    assert "expected" not in said


TEMPLATE = "loyalty_template"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A dealer in a database of his own, the one commands find."""
    name = f"loyalty_draws_{os.getpid()}"
    gone = f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"
    on_server(gone, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    url = make_url(os.environ["TEST_DATABASE_URL"]).set(database=name)
    monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    service = build_service(load_settings())
    yield open_shop(create_app(service), service)
    service.database.dispose()
    on_server(gone)


def on_server(*statements: str) -> None:
    engine = create_engine(os.environ["TEST_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def test_the_commands_export_and_prove_and_name_what_was_forged(
    store: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_calls(store)
    told = run("draw", "verify")
    assert told.exit_code == 0
    assert told.output.startswith("draws: 2 recomputed, 0 bad; 2 with a secret promised the same")
    kept = tmp_path / "draws.jsonl"
    kept.write_text(run("draw", "export").output, "utf-8")
    with owner_session(store.service.settings.database_url) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(f"UPDATE draw SET party = {OTHER} WHERE purpose = 'callback'"))
    forged = run("draw", "verify")
    assert forged.exit_code == 1
    assert "callback: party, the party is not the one the seed decides" in forged.output
    alone(monkeypatch)
    proven_alone = run("draw", "verify", str(kept))
    assert (proven_alone.exit_code, "2 recomputed, 0 bad" in proven_alone.output) == (0, True)


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a database nor a key is there."""
    for name in ("DATABASE_URL", "REDIS_URL", "LOYALTY_DRAW_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOYALTY_ENV", "production")


def seen(*lines: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        file = folder / "draws.jsonl"
        file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
        return file

    return write


@pytest.mark.parametrize(
    ("file", "status", "said"),
    [
        (seen(written(CALL), written(SECOND), written(LAST)), 0, "3 recomputed, 0 bad"),
        (seen(written(OLD)), 0, "1 from before 0.4"),
        (seen(), 0, "0 recomputed"),
        (seen(written(CALL), written(CALL)), 1, "callback: repeated"),
        (seen(written(replace(CALL, seed=ELSEWHERE))), 1, f"{CALL.referral_id}, callback: seed"),
        (seen(written(CALL), {"party": "owner"}), 1, "line 2: not a draw, /dealer_id: missing"),
        (seen([]), 1, "line 1: not a draw"),
    ],
)
def test_a_file_is_proven_without_a_database_and_without_a_key(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: Callable[[Path], Path],
    status: int,
    said: str,
) -> None:
    alone(monkeypatch)
    told = run("draw", "verify", str(file(tmp_path)))
    assert (told.exit_code, said in told.output) == (status, True), told.output


def test_a_file_of_something_else_is_refused_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "draws.jsonl"
    file.write_bytes(json.dumps(written(CALL)).encode() + b"\n\xff\xfe\n")
    told = run("draw", "verify", str(file))
    assert (told.exit_code, "line 2: not JSON" in told.output) == (1, True)
