"""Redeem points for a gift: the whole request is one call of a server-side function, in one trip.

Final in the answer (F38): points, stock, the row, its events and the kept answer commit together.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.numeric import Int4, Int8

from kernel.database import Database
from kernel.errors import Conflict, DomainError, Forbidden, NotFound, RuleViolation, TooSoon
from kernel.idempotency import Claim, KeyReused, StoredAnswer
from kernel.ids import new_id
from loyalty.dealers.directory import Stranger
from loyalty.points.ledger import MOST_POINTS, refusal
from loyalty.rewards.rules.offer import Refusal
from loyalty.rewards.terms_agree import refused_by_terms

REFUSED: Final = "LR001"
BUSY: Final = "55P03"
_REQUEST: Final = (
    "SELECT role, replayed, sealed, status, headers, body FROM reward_redeem("
    "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as his token says; the directory is asked in the same trip."""

    kind: str
    subject: str
    token_id: str
    roles: tuple[str, ...]
    request_id: str


def redeem(
    database: Database,
    caller: Caller,
    claim: Claim,
    *,
    member_id: UUID,
    reward_id: UUID,
    quantity: int,
    honoured_by: UUID | None,
    terms_version: int | None,
    now: datetime,
) -> tuple[str, bool, StoredAnswer]:
    """Spend the member's points on `quantity` pieces of a reward; the role acted in, whether the
    answer is one kept before, and the answer. `terms_version` is the one the caller saw, 0 for
    none, None when he does not say.

    Raises Stranger, Forbidden `role_lacks`, KeyReused, TooSoon `request_in_flight`; and, for the
    caller to keep as the key's answer, NotFound `reward_not_found` and `member_not_found`,
    Conflict `insufficient_points`, `account_frozen`, `out_of_stock`, `terms_changed` and as
    `refused_by_terms`, RuleViolation `partner_unknown`, `honoured_by_staff_only` and
    `points_out_of_range`, Forbidden `own_account`.
    """
    asked = (
        claim.dealer_id, caller.kind, caller.subject, caller.token_id, list(caller.roles),
        claim.client, claim.key, claim.fingerprint, caller.request_id, now,
        new_id(), new_id(), member_id, reward_id, Int8(quantity), honoured_by,
        None if terms_version is None else Int4(terms_version),
    )  # fmt: skip
    try:
        row = database.call(_REQUEST, asked)
    except psycopg.Error as error:
        raise _told(error) from error
    role, replayed, sealed, status, headers, body = row
    return role, replayed, StoredAnswer(status, headers, bytes(body), sealed=sealed)


def _told(error: psycopg.Error) -> Exception:
    if error.sqlstate == REFUSED:
        return _refusal(
            str(error.diag.message_primary), json.loads(error.diag.message_detail or "")
        )
    if error.sqlstate == BUSY and "INTO idempotency_claim" in (error.diag.context or ""):
        return TooSoon("request_in_flight", retry_after_s=1)
    return error


def _refusal(outcome: str, facts: dict[str, Any]) -> DomainError:
    if outcome == "nobody":
        return Stranger("token_subject_unknown")
    if outcome == "withdrawn":
        return Stranger("token_withdrawn")
    if outcome == "role_lacks":
        return Forbidden("role_lacks")
    if outcome == "key_reused":
        return KeyReused("idempotency_key_reused")
    if outcome == "no_reward":
        return NotFound("reward_not_found")
    if outcome == "no_partner":
        return RuleViolation("partner_unknown", pointer="/honoured_by")
    if outcome == "not_by_owner":
        return RuleViolation("honoured_by_staff_only", pointer="/honoured_by")
    if outcome == "own_account":
        return Forbidden("own_account")
    if outcome == "out_of_range":
        return RuleViolation("points_out_of_range", most=MOST_POINTS)
    if outcome == "out_of_stock":
        return Conflict("out_of_stock")
    if outcome == "terms_changed":
        return Conflict("terms_changed", pointer="/terms_version")
    if outcome in set(Refusal):
        return refused_by_terms(outcome, facts)
    return refusal(outcome, **facts)
