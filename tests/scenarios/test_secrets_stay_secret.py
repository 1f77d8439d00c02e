"""Expected answers and personal data leave by no door (referral.md section 5, ledger.md I12)."""

import json

import pytest
from sqlalchemy import create_engine, inspect, text

from api.commands.work import unit_of_work
from loyalty.dealers.roles import STAFF_ROLES, Role
from referral.call_models import CallbackQuestion
from tests.support import story
from tests.support.shop import Shop

PERSONAL = ("张三", "李四", "13800138000", "13900139000", "京A12345", "LFV2A21K8A3000001")


def expected_answers(shop: Shop) -> list[dict[str, str]]:
    """What only the server knows, opened with the server's own key."""
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        rows = uow.session.query(CallbackQuestion)
        return [
            json.loads(uow.open(row.expected, column="question.expected", row=row.callback_id))
            for row in rows
        ]


def strings(value: object) -> set[str]:
    """Every key and text of an answer."""
    if isinstance(value, dict):
        return set(value) | {one for inner in value.values() for one in strings(inner)}
    if isinstance(value, list):
        return {one for inner in value for one in strings(inner)}
    return {value} if isinstance(value, str) else set()


def test_the_call_desk_sees_questions_and_never_what_is_expected(shop: Shop) -> None:
    story.owner(shop)
    story.calling(shop)
    expected = expected_answers(shop)
    assert len(expected) >= 4
    call, texts = story.desk(shop), []
    while call["state"] == "open":
        texts.append(json.dumps(call, ensure_ascii=False, default=str))
        told = story.answer(shop, call, honest=True)
        assert set(told) == {"callback_id", "position", "heard"}
        call = story.ok(shop.get("callback_agent", f"/v1/callbacks/{call['id']}"), 200)
    assert not any("expected" in shown or "mark" in shown for shown in texts)
    assert not any("速腾" in shown and "高尔夫" in shown for shown in texts)


@pytest.mark.parametrize("role", sorted(STAFF_ROLES | {Role.CRM}))
def test_no_role_reads_marks_or_expected_answers_anywhere(shop: Shop, role: str) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    secrets = {
        value
        for expected in expected_answers(shop)
        for key, value in expected.items()
        if key != "fact" and expected.get("fact") != "name"  # the parties' names are on the report
    }
    assert secrets
    paths = (
        f"/v1/referrals/{referral['id']}",
        f"/v1/referrals/{referral['id']}/history",
        "/v1/referrals",
        "/v1/consultant-cases",
    )
    for path in paths:
        answer = shop.get(role, path)
        assert answer.status_code in (200, 403)
        shown = strings(answer.json)
        assert not {"expected", "mark"} & shown
        assert not secrets & shown


def test_no_personal_data_stands_readable_in_the_database(shop: Shop) -> None:
    story.verified_referral(shop)
    engine = create_engine(shop.service.settings.database_url)
    leaks = []
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            rows = connection.execute(text(f'SELECT t::text FROM "{table}" t')).scalars()
            readable = "\n".join(rows)
            leaks += [(table, word) for word in PERSONAL if word in readable]
            leaks += [
                (table, "bytes of " + word) for word in PERSONAL if word.encode().hex() in readable
            ]
    engine.dispose()
    assert leaks == []


def test_no_personal_data_stands_in_the_log(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    story.verified_referral(shop)
    shop.post("crm", "/v1/members/search", {"phone": "13800138000"})
    shop.get("crm", "/v1/members/nobody")
    logged = capsys.readouterr()
    assert "request_id" in logged.out
    assert not [word for word in PERSONAL if word in logged.out + logged.err]
