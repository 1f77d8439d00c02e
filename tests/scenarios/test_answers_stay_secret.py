"""A canary: a referral of unusual facts goes through its whole life, and nobody is told an answer.

What a role may see anyway is said in `SHOWN`, by address; everything else, every log line, event,
audit row, export and error of every role, is searched for every fact and every sealed value.
"""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from api.v1 import OPERATIONS
from loyalty.dealers.roles import Role
from referral.call_models import CallbackQuestion
from referral.questions.values import VALUES
from tests.support import justice, story
from tests.support.past import at_work
from tests.support.refusals import BUYER, OWNER
from tests.support.shop import Shop, hire
from tests.support.story import ok

OWNER_FACTS = {
    "name": "欧阳翡翠",
    "trade": "养殖",
    "model": "辉昂",
    "colour": "紫色",
    "transmission": "自动挡",
    "relation": "邻居",
    "known_for": "十年以上",
    "purchase_year": "2011",
    "plate_province": "贵",
}
BUYER_FACTS = OWNER_FACTS | {
    "name": "慕容琥珀",
    "trade": "律师",
    "model": "途锐",
    "colour": "粉色",
    "transmission": "手动挡",
}
CAR = {"plate": "贵A12345", "model": "辉昂", "colour": "紫色", "owned_from": "2011-03-01"}
WORDS = {
    *(OWNER_FACTS["name"], BUYER_FACTS["name"], "养殖", "律师", "农业", "法律", "辉昂", "途锐"),
    *("紫色", "粉色", "邻居", "十年以上", "agriculture", "phideon", "touareg", "neighbour"),
    *("over_10", "Phideon", "Touareg"),
}
"""What may stand nowhere, as part of whatever text: as recorded, as shown, and as coded."""
MEMBER, CARS = {OWNER_FACTS["name"]}, {"辉昂", "紫色", "phideon"}
ALL = frozenset(WORDS)
SHOWN: tuple[tuple[str, frozenset[str] | set[str]], ...] = (
    (r"GET /v1/members/[^/]+(/summary|/home)?$", MEMBER | CARS),  # the member's own record
    (r"POST /v1/members$", MEMBER),  # the record just entered
    (r"GET /v1/members/[^/]+/vehicles$", CARS),  # his cars, to who works with them
    (r"(POST|GET) /v1/referrals(/[^/]+)?$", {BUYER_FACTS["name"]}),  # the buyer, to who serves him
    (r"POST /v1/referrals/[^/]+/(confirmations|appeals)$", {BUYER_FACTS["name"]}),
    (r"POST /v1/callbacks/[^/]+/answer-pages$", ALL),  # what was said, and every value there is
)
FORBIDDEN_KEYS = {"expected", "mark", "right", "wrong", "decoy_model", "decoy_colour"}
OF_A_FIELD = [("expected", kind) for kind in ("string", "integer", "object", "YYYY-MM")]
KEYS_SHOWN = (
    (r"GET /v1/referrals/[^/]+/evidence$", {"mark", "right", "wrong"}),  # marks without words
    (r"GET /v1/liability$", {"expected"}),  # points expected to be spent
)


class Heard:
    """Every answer the service gave, by method and address."""

    def __init__(self, shop: Shop, patch: pytest.MonkeyPatch) -> None:
        self.answers: list[tuple[str, str, Any]] = []
        for method in ("get", "post"):
            patch.setattr(Shop, method, self._listening(method, getattr(Shop, method)))

    def _listening(self, method: str, send: Any) -> Any:
        def listen(shop: Shop, role: str, path: str, *more: Any, **facts: Any) -> TestResponse:
            answer: TestResponse = send(shop, role, path, *more, **facts)
            address = f"{method.upper()} {path}"
            body = answer.json if answer.is_json else answer.text
            told = json.dumps([body, dict(answer.headers)], ensure_ascii=False)
            self.answers.append((address, told, body))
            return answer

        return listen


def sealed(shop: Shop) -> list[tuple[CallbackQuestion, dict[str, str]]]:
    """Every question with what only the server knows, opened with the server's own key."""
    with at_work(shop) as uow:
        return [
            (
                row,
                json.loads(uow.open(row.expected, column="question.expected", row=row.callback_id)),
            )
            for row in uow.session.query(CallbackQuestion)
        ]


def values(shop: Shop) -> set[str]:
    """Every true value a question expects; a decoy is read out, so it is none."""
    return {
        value
        for _, expected in sealed(shop)
        for key, value in expected.items()
        if key not in ("fact", "kind") and not key.startswith("decoy")
    }


def statements(shop: Shop) -> list[str]:
    """What is read out of a car: a decoy, checked here to be none of the other's, or the control,
    which is true by intent, worth nothing, and told from a decoy by nobody."""
    texts = []
    with at_work(shop) as uow:
        for row, expected in sealed(shop):
            if row.part != "control" and not any(key.startswith("decoy") for key in expected):
                continue
            zh, en = (
                uow.open(sealed_text, column=f"question.{name}", row=row.callback_id)
                for name, sealed_text in (("text_zh", row.text_zh), ("text_en", row.text_en))
            )
            if row.part != "control":
                model = VALUES["model"][expected["model"]]
                assert model.zh not in zh
                assert model.en not in en
            texts += [zh, en]
    return texts


def told_by(
    call: dict[str, Any], row: CallbackQuestion, expected: dict[str, str]
) -> dict[str, Any]:
    """The answer of somebody who knows the other one."""
    facts = OWNER_FACTS if call["party"] == "buyer" else BUYER_FACTS
    if call["question"]["input"] != "confirm_or_correct":
        return {"said": "answered", "text": facts[expected.get("fact", "name")]}
    if row.part == "control":
        return {"said": "confirmed", "text": "对"}
    return {"said": "denied", "text": f"不是，是{facts['colour']}的{facts['model']}"}


def answered(shop: Shop, *, unclear: str | None = None) -> None:
    """The one open call from the first question to the telephone's record."""
    call = story.desk(shop)
    agent, rows = call["agent"], {(str(r.callback_id), r.position): (r, e) for r, e in sealed(shop)}
    path = f"/v1/callbacks/{call['id']}"
    while call["state"] == "open":
        position = call["question"]["position"]
        row, expected = rows[call["id"], position]
        said = told_by(call, row, expected)
        if unclear and not row.knock_out and said["said"] == "answered":
            said, unclear = {"said": "answered", "text": unclear}, None
        body = {"position": position, **said}
        ok(shop.post("callback_agent", f"{path}/answers", body, subject=agent))
        call = ok(shop.get("callback_agent", path, subject=agent), 200)
    story.call_record(shop, call)


def words_not_shown(address: str) -> set[str]:
    may = {word for pattern, words in SHOWN if re.match(pattern, address) for word in words}
    return WORDS - may


def keys(value: Any) -> Iterator[str]:
    """Every key of an answer; `expected` that tells the type of a field is none of ours."""
    if isinstance(value, dict):
        yield from (key for key, told in value.items() if (key, told) not in OF_A_FIELD)
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def lived(shop: Shop) -> dict[str, str]:
    """Reported, called twice, doubted, judged, appealed, judged again; ids by their names."""
    for _ in range(2):
        hire(shop, "callback_agent")
    member = story.member(shop, name=OWNER_FACTS["name"], occupation="养殖", joined_on="2011-03-01")
    shop.people["owner"] = member
    ok(
        shop.post(
            "crm", "/v1/vehicle-ownerships", {"member_id": str(member), **story.SAGITAR, **CAR}
        )
    )
    report = story.report(shop)
    report["buyer"] |= {"name": BUYER_FACTS["name"], "occupation": "律师"}
    report["slip"] |= {
        "owner_name": OWNER_FACTS["name"],
        "owner_model": "辉昂",
        "owner_colour": "紫色",
        "relation": "邻居",
    }
    referral = story.confirmed(shop, ok(shop.post("consultant", "/v1/referrals", report)))
    story.order(shop)
    car = {**story.GOLF, "model": "途锐", "colour": "粉色", "invoice_no": "FP-7"}
    story.delivery(shop, car=car | {"invoiced_on": story.today(shop)})
    friend = {"friend_name": "王五", "relation": "neighbour", "known_for": "over_10"}
    story.nominated(shop, referral, **friend)
    licence = {"plate_no": CAR["plate"], "owner_name": OWNER_FACTS["name"]}
    story.checked(shop, story.read(shop, referral["id"]), **licence)
    answered(shop, unclear="这个说来话长啊")
    return {"referral_id": referral["id"], "member_id": str(member)}


def judged(shop: Shop, ids: dict[str, str]) -> None:
    """What is left open comes before people, is refused, appealed against and accepted."""
    to_read = ok(shop.get("showroom_manager", "/v1/answers-to-read"), 200)["items"]
    assert to_read
    for call, position in [(each["id"], at) for each in to_read for at in each["positions"]]:
        reader = hire(shop, "duty_manager")
        path = f"/v1/callbacks/{call}"
        page = {"position": position}
        opened = ok(shop.post("duty_manager", f"{path}/answer-pages", page, subject=reader))
        readings = [{"fact": each["fact"], "value": "none"} for each in opened["facts"]]
        body = page | {"readings": readings}
        ok(shop.post("duty_manager", f"{path}/readings", body, subject=reader))
    while story.read(shop, ids["referral_id"])["state"] == "calling":
        answered(shop)
    referral = story.read(shop, ids["referral_id"])
    assert referral["state"] == "adjudication"
    judges = justice.bench(shop, 2)
    for judge in judges:
        ok(
            shop.post(
                "showroom_manager",
                f"/v1/referrals/{referral['id']}/narrative-reveals",
                subject=judge,
            )
        )
        ok(justice.said(shop, referral, "reject", judge))
    appeal = ok(justice.appealed(shop, referral, "owner"))
    ok(shop.post("programme_admin", f"/v1/appeals/{appeal['id']}/reveals"))
    ok(justice.decided(shop, appeal, "upheld"))
    for judge in judges:
        ok(justice.said(shop, justice.read(shop, referral), "accept", judge))
    ids |= {"appeal_id": appeal["id"], "callback_id": str(sealed(shop)[0][0].callback_id)}


def looked_at_by_everybody(shop: Shop, ids: dict[str, str]) -> None:
    """Every read there is, in every role, allowed or not, and requests that are refused."""
    for operation in OPERATIONS:
        path = re.sub(r"<uuid:(\w+)>", lambda n: ids.get(n[1]) or str(uuid.uuid4()), operation.path)
        wrong = Role.FINANCE if Role.FINANCE not in operation.roles else Role.CONSULTANT
        if operation.writes:
            shop.post(wrong, path, {"expected": "?"}, version=1)
            continue
        for role in {*operation.roles, wrong}:
            shop.get(role, path)
    agent = f"/v1/callbacks/{ids['callback_id']}/answers"
    for body in ({"position": 1, "said": "answered", "text": "?"}, {"position": "x"}, {}):
        for one in shop.agents:
            shop.post("callback_agent", agent, body, subject=one)
    for phone in (BUYER, OWNER):
        shop.post("consultant", "/v1/members/search", {"phone": phone})


def test_no_answer_leaves_through_any_door(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = Heard(shop, monkeypatch)
    ids = lived(shop)
    judged(shop, ids)
    looked_at_by_everybody(shop, ids)
    secrets, read_out = values(shop), statements(shop)
    assert {OWNER_FACTS["name"], BUYER_FACTS["name"]} & secrets
    assert [1 for address, told, _ in heard.answers if OWNER_FACTS["name"] in told]
    leaks = set()
    for address, told, body in heard.answers:
        for statement in read_out if "/callbacks" in address else ():
            told = told.replace(statement, "")
        leaks |= {(address, word) for word in words_not_shown(address) if word in told}
        may = {key for pattern, some in KEYS_SHOWN if re.match(pattern, address) for key in some}
        leaks |= {(address, key) for key in (FORBIDDEN_KEYS - may) & set(keys(body))}
    assert leaks == set()
    with at_work(shop) as uow:
        for table in ("outbox_event", "audit_event", "referral_risk", "referral_transition"):
            rows = "\n".join(uow.session.scalars(text(f"SELECT t::text FROM {table} t")))
            assert rows
            assert not [word for word in WORDS if word in rows], table
        marks = set(uow.session.scalars(text("SELECT mark FROM callback_answer")))
    assert marks >= {"right"}
    logged = capsys.readouterr()
    assert "request_id" in logged.out
    assert not [word for word in WORDS if word in logged.out + logged.err]
    assert len(heard.answers) > 300
    for row, _ in sealed(shop):
        assert not [word for word in WORDS if word in repr(row)]
    known = {value.code for fact in VALUES.values() for value in fact.values()}
    assert secrets - known <= {*OWNER_FACTS.values(), *BUYER_FACTS.values()}
