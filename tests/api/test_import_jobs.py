"""Import jobs over HTTP: parts in order, each at once, every row with its result."""

import json
import uuid
from typing import Any

import pytest

from tests.support import story
from tests.support.shop import Shop
from tests.support.story import balance, ok

HEADER = "member_external_id,document_id,kind,occurred_on,payer,amount_yuan"


class Sender:
    """A CRM that sends documents of one member in parts."""

    def __init__(self, shop: Shop, form: str = "csv") -> None:
        self.shop = shop
        self.member = story.member(shop)
        found = ok(shop.get("crm", f"/v1/members/{self.member}"), 200)
        self.reference: str = found["external_ref"]["id"]
        job = {"kind": "documents", "format": form}
        self.job = ok(shop.post("crm", "/v1/import-jobs", job))
        self.path = f"/v1/import-jobs/{self.job['id']}"

    def row(self, number: int, yuan: str = "100.00", day: str = "2026-03-01") -> str:
        return f"{self.reference},SO-{number},service_order,{day},customer,{yuan}"

    def line(self, number: int, *fen: int, **facts: Any) -> str:
        paid = [{"payer": "customer", "amount": {"amount_fen": f, "currency": "CNY"}} for f in fen]
        body = {
            "external_ref": {"source": "crm", "id": f"SO-{number}"},
            "kind": "service_order",
            "member_ref": {"source": "crm", "id": self.reference},
            "occurred_on": "2026-03-01",
            "lines": paid,
        }
        return json.dumps(body | facts, ensure_ascii=False)

    def send(self, part_no: int, *lines: str, last: bool = False) -> Any:
        content = "".join(f"{line}\n" for line in lines)
        body = {"part_no": part_no, "content": content, "last": last}
        return self.shop.post("crm", f"{self.path}/parts", body)

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            page = ok(self.shop.get("crm", f"{self.path}/rows", **query, **cursor), 200)
            items += page["items"]
            if not page["has_more"]:
                return items
            cursor = {"cursor": page["next_cursor"]}

    def state(self) -> dict[str, Any]:
        found = ok(self.shop.get("dealer_admin", self.path), 200)
        names = ("state", "next_part", "rows_done", "new", "known", "failed")
        return {name: found[name] for name in names}


def test_a_table_comes_in_parts_and_every_row_has_its_result(shop: Shop) -> None:
    sender = Sender(shop)
    assert (sender.job["state"], sender.job["next_part"]) == ("open", 1)
    first = ok(sender.send(1, HEADER, sender.row(1), sender.row(2, "x")))
    assert (first["new"], first["known"], first["failed"]) == (1, 0, 1)
    ok(sender.send(2, "", sender.row(1), sender.row(1, "7.00"), sender.row(3), last=True))
    assert sender.state() == {
        "state": "finished",
        "next_part": 3,
        "rows_done": 5,
        "new": 2,
        "known": 1,
        "failed": 2,
    }
    told = [(row["row_no"], row["outcome"], row["points"], row["code"]) for row in sender.rows()]
    assert told == [
        (2, "new", 100, None),
        (3, "failed", None, "amount_invalid"),
        (5, "known", 100, None),
        (6, "failed", None, "document_changed"),
        (7, "new", 100, None),
    ]
    new, known = sender.rows(outcome="new", limit="1")[0], sender.rows(outcome="known")[0]
    assert new["document_id"] == known["document_id"]
    assert ok(shop.get("crm", f"/v1/documents/{new['document_id']}"), 200)["points"] == 100
    assert balance(shop, sender.member) == 200


def test_json_lines_have_several_lines_a_document_and_the_rules_of_a_request(shop: Shop) -> None:
    sender = Sender(shop, "ndjson")
    by_id = sender.line(2, 5_000, member_ref=None, member_id=str(sender.member))
    faulty = {
        '{"kind": 1, "kind": 2}': ("json_duplicate_key", "/kind"),
        "{": ("json_syntax", None),
        sender.line(9, -1): ("field_range", "/lines/0/amount/amount_fen"),
        sender.line(9, 100, colour="A"): ("field_unknown", "/colour"),
        sender.line(9, 100, kind=None): ("field_null", "/kind"),
        sender.line(9, 100, member_id=str(sender.member)): ("member_by_exactly_one", "/member_ref"),
        sender.line(9, 100, member_ref=None): ("member_by_exactly_one", "/member_ref"),
        sender.line(9, 100, member_ref={"source": "dms", "id": "M"}): (
            "member_not_found",
            "/member_ref",
        ),
        sender.line(9, 100, member_ref=None, member_id=str(uuid.uuid4())): (
            "member_not_found",
            None,
        ),
        sender.line(9, 100, occurred_on="2098-01-01"): ("occurred_in_the_future", "/occurred_on"),
        sender.line(9, 100, vin="LFV2A21K7A3000001"): ("vin_check_digit", "/vin"),
    }
    ok(sender.send(1, sender.line(1, 4_950, 50), by_id, "", *faulty, last=True))
    failed = sender.rows(outcome="failed")
    assert [(row["code"], row["pointer"]) for row in failed] == list(faulty.values())
    assert [row["row_no"] for row in failed] == list(range(4, 4 + len(faulty)))
    assert [row["points"] for row in sender.rows(outcome="new")] == [50, 50]
    assert balance(shop, sender.member) == 100


def test_a_part_told_again_answers_its_first_result_and_another_content_is_refused(
    shop: Shop,
) -> None:
    sender = Sender(shop)
    first = ok(sender.send(1, HEADER, sender.row(1)))
    assert ok(sender.send(1, HEADER, sender.row(1)), 200) == first
    changed = sender.send(1, HEADER, sender.row(2))
    assert (changed.status_code, changed.json["code"]) == (409, "part_changed")
    gap = sender.send(3, sender.row(3))
    assert (gap.status_code, gap.json["code"]) == (409, "part_out_of_order")
    assert gap.json["errors"][0]["params"] == {"expected": 2}
    assert (sender.state()["rows_done"], balance(shop, sender.member)) == (1, 100)


def test_a_part_that_is_no_table_changes_nothing_and_may_come_again(shop: Shop) -> None:
    sender = Sender(shop)
    for lines, code in (
        ((sender.row(1),), "columns_missing"),
        ((HEADER.replace("kind", "kind,kind"),), "columns_repeated"),
        ((HEADER, f'"{sender.row(1)}'), "csv_broken"),
    ):
        refused = sender.send(1, *lines)
        assert (refused.status_code, refused.json["code"]) == (422, code)
    assert sender.state()["next_part"] == 1
    ok(sender.send(1, HEADER, sender.row(1)))


def test_an_ended_import_takes_nothing_more_and_keeps_what_it_took(shop: Shop) -> None:
    sender = Sender(shop)
    ok(sender.send(1, HEADER, sender.row(1)))
    cancelled = ok(shop.post("crm", f"{sender.path}/cancellations"))
    assert (cancelled["state"], cancelled["new"]) == ("cancelled", 1)
    again: Any = shop.post("crm", f"{sender.path}/cancellations")
    for answer in (sender.send(2, sender.row(2)), again):
        assert (answer.status_code, answer.json["code"]) == (409, "import_job_ended")
    assert ok(sender.send(1, HEADER, sender.row(1)), 200)["new"] == 1
    assert balance(shop, sender.member) == 100


def test_a_part_has_a_size_that_is_told(shop: Shop) -> None:
    sender = Sender(shop)
    long = sender.send(1, HEADER, "x" * 1_000_001)
    assert (long.status_code, long.json["errors"][0]["code"]) == (422, "field_length")
    body = sender.send(1, HEADER, "x" * 1_048_576)
    assert (body.status_code, body.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("rows", [0, 1])
def test_a_last_part_may_be_empty(shop: Shop, rows: int) -> None:
    sender = Sender(shop)
    ok(sender.send(1, HEADER, *[sender.row(1)][:rows]))
    ok(sender.send(2, last=True))
    assert (sender.state()["state"], sender.state()["rows_done"]) == ("finished", rows)
