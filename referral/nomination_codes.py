"""One-time codes for the owner's nomination (车主提名), sent to the phone of record alone.

Every try is a record whatever came of it, or nobody could be stopped from guessing: a reader would
break the count by raising for a wrong code.
"""

import hmac
import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.clock import start_of_day
from kernel.errors import Conflict, NotFound, TooSoon
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import dealer_name
from loyalty.members.phones import phone_of_record
from loyalty.notices.send import NoticeKind, send_notice
from referral.models import Referral
from referral.moves import locked, refuse_overdue
from referral.nomination_models import NominationAttempt, NominationCode, OwnerNomination
from referral.states import State

DIGITS: Final = 6
VALID: Final = timedelta(minutes=10)
MOST_A_DAY: Final = 5
MOST_WRONG: Final = 5
WITHIN: Final = timedelta(minutes=15)
TAKEN_IN: Final = frozenset({State.REGISTERED, State.ORDERED, State.DELIVERED, State.CHECK_FAILED})
"""Until the evidence was looked at and found good (referral.md, section 3)."""
CODE_ZH: Final = (
    "【{dealer}】您的验证码为 {code}，{minutes} 分钟内有效，用于确认您推荐的朋友。"
    "请勿告诉任何人，包括本店员工。"
)
CODE_EN: Final = (
    "{dealer}: {code} is your code to tell us whom you recommended, good for {minutes} minutes. "
    "Tell nobody, not even our staff."
)


@dataclass(frozen=True, slots=True)
class SentCode:
    """Until when a code is good, and the number it went to; the digits are in the message alone."""

    expires_at: datetime
    phone: str = field(repr=False)


def send_code(uow: UnitOfWork, referral_id: UUID) -> SentCode:
    """Send the owner, who asks himself, a code for this referral; those before it are void.

    Raises as `awaiting_nomination`, and TooSoon `nomination_codes_used_up` after five on a
    business day.
    """
    referral = awaiting_nomination(uow, referral_id)
    assert referral.owner_id is not None
    code, expires_at = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}", uow.now + VALID
    _keep(uow, referral_id, code, expires_at)
    phone = phone_of_record(uow, referral.owner_id)
    facts = {
        "dealer": dealer_name(uow),
        "code": code,
        "minutes": int(VALID.total_seconds() // 60),
    }
    send_notice(
        uow,
        phone,
        NoticeKind.NOMINATION_CODE,
        CODE_ZH.format(**facts),
        CODE_EN.format(**facts),
        expires_at=expires_at,
        member_id=referral.owner_id,
    )
    uow.audit("nomination.code_sent", referral_id)
    return SentCode(expires_at, phone)


def try_code(uow: UnitOfWork, referral_id: UUID, code: str) -> bool:
    """Whether these are the digits of this referral's latest code, and it is alive; the try is
    kept. The referral must be locked.

    Raises TooSoon `nomination_locked` when five were wrong within 15 minutes (api.md: security
    counters live in PostgreSQL and fail closed).
    """
    _refuse_guesser(uow, referral_id)
    latest = uow.session.scalar(
        select(NominationCode)
        .where(NominationCode.referral_id == referral_id)
        .order_by(NominationCode.issued_on.desc(), NominationCode.nth.desc())
        .limit(1)
    )
    alive = latest is not None and uow.now < latest.expires_at
    known = latest.code_index if latest else b""
    right = hmac.compare_digest(known, _index(uow, referral_id, code)) and alive
    uow.session.add(
        NominationAttempt(
            id=new_id(),
            dealer_id=uow.dealer_id,
            referral_id=referral_id,
            at=uow.now,
            right_code=right,
        )
    )
    uow.audit("nomination.tried", referral_id, right_code=right)
    uow.session.flush()
    return right


def awaiting_nomination(uow: UnitOfWork, referral_id: UUID) -> Referral:
    """The caller's own referral, locked, while he may still name his friend.

    Raises NotFound `referral_not_found`, Conflict `already_nominated`, `nomination_closed`,
    `time_is_up`.
    """
    own = Referral.id == referral_id, Referral.owner_id == UUID(uow.actor.id)
    if uow.session.scalar(select(Referral.id).where(*own)) is None:
        raise NotFound("referral_not_found")
    referral = locked(uow, referral_id)
    if uow.session.get(OwnerNomination, referral_id) is not None:
        raise Conflict("already_nominated")
    if State(referral.state) not in TAKEN_IN:
        raise Conflict("nomination_closed")
    refuse_overdue(uow, referral)
    return referral


def _keep(uow: UnitOfWork, referral_id: UUID, code: str, expires_at: datetime) -> None:
    sent = uow.session.scalar(
        select(func.count()).where(
            NominationCode.referral_id == referral_id, NominationCode.issued_on == uow.today
        )
    )
    nth = (sent or 0) + 1
    if nth > MOST_A_DAY:
        tomorrow = start_of_day(uow.today + timedelta(days=1), uow.zone)
        wait = math.ceil((tomorrow - uow.now).total_seconds())
        raise TooSoon("nomination_codes_used_up", retry_after_s=wait)
    uow.session.add(
        NominationCode(
            referral_id=referral_id,
            issued_on=uow.today,
            nth=nth,
            dealer_id=uow.dealer_id,
            code_index=_index(uow, referral_id, code),
            issued_at=uow.now,
            expires_at=expires_at,
        )
    )
    uow.session.flush()


def _refuse_guesser(uow: UnitOfWork, referral_id: UUID) -> None:
    fifth_last = uow.session.scalar(
        select(NominationAttempt.at)
        .where(
            NominationAttempt.referral_id == referral_id,
            NominationAttempt.right_code.is_(False),
            NominationAttempt.at > uow.now - WITHIN,
        )
        .order_by(NominationAttempt.at.desc())
        .offset(MOST_WRONG - 1)
        .limit(1)
    )
    if fifth_last is not None:
        wait = math.ceil((fifth_last + WITHIN - uow.now).total_seconds())
        raise TooSoon("nomination_locked", retry_after_s=wait)


def _index(uow: UnitOfWork, referral_id: UUID, code: str) -> bytes:
    """Of the digits together with what they are for: another referral's code is no code here."""
    return uow.blind(f"{referral_id}/{code}", column="nomination_code")
