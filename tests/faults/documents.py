"""P11: documents in any order, any number of times, over HTTP and by import, give one state.

In play are the standard rule, a flat one and a multiplier of a campaign. Kept out, because the
order matters to them by design: budgets and cooldowns are first come, first served, and of caps
per member only the total is the same, not which document it came from.
"""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from tests.faults.checker import kind_of
from tests.faults.client import together
from tests.faults.rig import Rig, people
from tests.support import earning, ledger_rows
from tests.support.shop import Shop

PEOPLE, WORKERS, IMPORTERS, A_PART = 25, 8, 3, 15
CAMPAIGN = "SPRING-26"
_ACCOUNTS = (
    "SELECT member_id, available, pending, held, arrears, version"
    " FROM point_account WHERE dealer_id = :dealer"
)
_LOTS = (
    "SELECT member_id, rule_id, rule_version, business_on, expires_at, points, remaining,"
    " unit_cost_fen, activated, issuer_id = dealer_id FROM point_lot WHERE dealer_id = :dealer"
)
_DOCUMENTS = (
    "SELECT member_id, source, source_event_id, kind, occurred_on, lines::text, points, rule_id,"
    " rule_version, campaign FROM source_document WHERE dealer_id = :dealer"
)
Paper = dict[str, Any]


def document_storm(rig: Rig, *, documents: int, seed: int) -> list[str]:
    """A dealer told everything in disorder and in part twice, and one told once and in
    order, by one import."""
    dice = Random(seed)
    stormy, calm = rig.open_shop(), rig.open_shop()
    for shop in (stormy, calm):
        _rules(shop)
    crowds = [people(shop, PEOPLE) for shop in (stormy, calm)]
    papers = [_paper(stormy, number, dice) for number in range(documents)]
    new = _storm(rig, stormy, crowds[0], papers, dice)
    _import(rig, calm, [_of(paper, crowds[1]) for paper in papers], part=500)
    broken = [] if new == documents else [f"P11 {new} of {documents} documents told to be new"]
    ours, theirs = (_state(*each) for each in zip((stormy, calm), crowds, strict=True))
    for name, found in ours.items():
        if differs := (found - theirs[name]) + (theirs[name] - found):
            broken.append(f"P11 {name}: {sum(differs.values())} differ: {min(differs)}")
    if sum(theirs["documents"].values()) != documents:
        broken.append("P11 the dealer told in order lacks documents")
    return broken


def _rules(shop: Shop) -> None:
    earning.flat_rule(shop, "survey_thanks", 15)
    double = {"kinds": ["service_order"], "award": {"multiplier_percent": 200}}
    earning.rule(shop, "spring", double | {"campaign": CAMPAIGN})


def _paper(shop: Shop, number: int, dice: Random) -> Paper:
    """A document of the person at a place of the crowd, of one of the last days."""
    paper = {
        "external_ref": {"source": "dms", "id": f"P11-{number}"},
        "kind": dice.choice(("service_order", "service_order", "accessory_sale", "survey")),
        "occurred_on": earning.day(shop, -dice.choice((0, 0, 0, 1, 40))),
        "lines": [
            earning.line(dice.choice((0, 1, 99, 250)), dice.choice(("customer", "warranty")))
            for _ in range(dice.randint(1, 3))
        ],
        "place": dice.randrange(PEOPLE),
    }
    return paper | ({"campaign": CAMPAIGN} if dice.random() < 0.4 else {})


def _of(paper: Paper, crowd: Sequence[UUID]) -> Paper:
    return {name: said for name, said in paper.items() if name != "place"} | {
        "member_id": str(crowd[paper["place"]])
    }


def _storm(
    rig: Rig, shop: Shop, crowd: Sequence[UUID], papers: Sequence[Paper], dice: Random
) -> int:
    """Tell all of them, three in ten again, in any order; how many were told to be new."""
    again = dice.sample(papers, len(papers) * 3 // 10)
    told = [_of(paper, crowd) for paper in (*papers, *again)]
    dice.shuffle(told)

    def work(place: int) -> int:
        mine = told[place::WORKERS]
        return _import(rig, shop, mine) if place < IMPORTERS else _send(rig, shop, mine)

    return sum(together(WORKERS, work))


def _send(rig: Rig, shop: Shop, told: Sequence[Paper]) -> int:
    got = Counter(rig.client.post(shop, "crm", "/v1/documents", each).status for each in told)
    assert set(got) <= {200, 201}, got
    return got[201]


def _import(rig: Rig, shop: Shop, told: Sequence[Paper], part: int = A_PART) -> int:
    job = {"kind": "documents", "format": "ndjson"}
    path = f"/v1/import-jobs/{rig.client.post(shop, 'crm', '/v1/import-jobs', job).id}/parts"
    new = 0
    for number, start in zip(count(1), range(0, len(told), part), strict=False):
        rows = told[start : start + part]
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        body: Paper = {"part_no": number, "content": content, "last": start + part >= len(told)}
        answer = rig.client.post(shop, "crm", path, body)
        assert answer.status == 201, (kind_of(path), answer)
        assert answer.json["failed"] == 0, answer
        new += answer.json["new"]
    return new


def _state(shop: Shop, crowd: Sequence[UUID]) -> dict[str, Counter[tuple[str, ...]]]:
    """Accounts, lots and documents, members named by their place in the crowd."""
    place = {member: number for number, member in enumerate(crowd)}
    asked = {"accounts": _ACCOUNTS, "lots": _LOTS, "documents": _DOCUMENTS}
    return {
        name: Counter(
            tuple(map(str, (place[row[0]], *row[1:])))
            for row in ledger_rows.rows(shop, sql, dealer=shop.dealer_id)
        )
        for name, sql in asked.items()
    }
