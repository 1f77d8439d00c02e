"""What must hold after a storm: the ledger proves itself, and history and database agree (I5).

Every acknowledged write exists exactly once, and nothing exists that nobody asked for.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from kernel.database import owner_session
from loyalty.points.proof import prove
from tests.faults.client import Answer
from tests.faults.rig import Rig
from tests.support.shop import Shop

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
HOLDS, CAPTURES = "/v1/point-holds", "/v1/point-holds/{}/captures"
MADE: Final = {
    "/v1/redemptions": "SELECT id FROM redemption WHERE hold_id IS NULL",
    "/v1/documents": "SELECT id FROM source_document",
    HOLDS: "SELECT id FROM point_hold",
    CAPTURES: "SELECT id FROM point_hold WHERE state = 'captured'",
    "/v1/point-holds/{}/releases": "SELECT id FROM point_hold WHERE state = 'released'",
    "/v1/point-adjustments": "SELECT id FROM point_adjustment",
    "/v1/point-transfers": "SELECT id FROM point_transfer",
}
"""What a write of a path leaves behind, by the id it was answered with."""

POSTED: Final = {
    "/v1/redemptions": "redemption",
    HOLDS: "hold",
    CAPTURES: "capture",
    "/v1/point-adjustments": "adjustment",
    "/v1/point-transfers": "transfer_out",
}
"""The kind of posting set each write of a path makes exactly one of."""


def unproven(rig: Rig) -> list[str]:
    """The findings of the ledger's own proof, over everything in the rig's database."""
    with owner_session(rig.service.settings.database_url, read_only=True) as session:
        return [f"{found.number} {found.says}" for found in prove(session) if found.count]


def unaccounted(rig: Rig, shop: Shop) -> list[str]:
    """Where the history of one dealer's writes and his database disagree."""
    return disagreements(shop, rig.history.of(shop.dealer_id))


def disagreements(shop: Shop, history: Sequence[Answer]) -> list[str]:
    """Where the database has more, less or something else than these answers say."""
    answers = [answer for answer in history if answer.final]
    return [*_things(shop, answers), *_postings(shop, answers), *_claims(shop, answers)]


def kind_of(path: str) -> str:
    """The path without the ids in it."""
    return _UUID.sub("{}", path)


def _acknowledged(answers: Sequence[Answer], path: str) -> dict[str, str]:
    """The id each key of these writes was answered with."""
    return {
        answer.key: answer.id
        for answer in answers
        if kind_of(answer.path) == path and answer.status in (200, 201) and answer.id
    }


def _things(shop: Shop, answers: Sequence[Answer]) -> Iterator[str]:
    for path, sql in MADE.items():
        ids = Counter(_acknowledged(answers, path).values())
        found = {str(row[0]) for row in _rows(shop, sql)}
        if lost := ids.keys() - found:
            yield f"I5 {path}: {len(lost)} acknowledged, but not there"
        if extra := found - ids.keys():
            yield f"I5 {path}: {len(extra)} there that nobody was told of"
        if path != "/v1/documents" and any(count > 1 for count in ids.values()):
            yield f"I5 {path}: one thing for several keys"


def _postings(shop: Shop, answers: Sequence[Answer]) -> Iterator[str]:
    rows = _rows(shop, "SELECT kind, count(*) FROM posting_set GROUP BY kind")
    posted = {kind: int(count) for kind, count in rows}
    for path, kind in POSTED.items():
        asked = len(_acknowledged(answers, path))
        if posted.get(kind, 0) != asked:
            yield f"I5 {asked} acknowledged at {path}, {posted.get(kind, 0)} posted as {kind}"


def _claims(shop: Shop, answers: Sequence[Answer]) -> Iterator[str]:
    """Every answer that is kept is kept under its key, and as it was given."""
    rows = _rows(shop, "SELECT key, status, sealed, body FROM idempotency_claim")
    kept = {row.key: row for row in rows}
    wrong = Counter(
        answer.path
        for answer in answers
        if answer.status in (200, 201, 409) and not _is_kept(kept.get(answer.key), answer)
    )
    yield from (f"I5 {path}: {count} answers not kept as given" for path, count in wrong.items())


def _is_kept(row: Any, answer: Answer) -> bool:
    if row is None or row.status != answer.status:
        return False
    return bool(row.sealed) or sha256(row.body).hexdigest() == answer.bytes


def _rows(shop: Shop, sql: str, **values: Any) -> list[Any]:
    with shop.service.database.transaction(shop.dealer_id) as session:
        return list(session.execute(text(sql), values))


def booked(shop: Shop, account: str, members: Sequence[UUID]) -> int:
    """The points of these members that went to one programme account."""
    asked = (
        "SELECT sum(points) FROM point_entry"
        " WHERE side = 'programme' AND account = :account AND member_id = ANY (:members)"
    )
    return int(_rows(shop, asked, account=account, members=list(members))[0][0] or 0)
