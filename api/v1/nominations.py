"""The owner names the friend he recommended, on the phone of record; nobody can do it for him.

A reader would break this by opening either operation to staff: the showroom may explain it to an
owner without the website, and the code still goes to his own phone.
"""

from typing import Any
from uuid import UUID

from api.masking import phone_shown
from api.routes import Routes
from api.schemas import nominations as shapes
from kernel.errors import DomainError
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.nominate import Nominated, Told, nominate
from referral.nomination_codes import send_code

routes = Routes("nominations")


@routes.post(
    "/v1/referrals/<uuid:referral_id>/nomination-codes",
    summary="Send the owner a code for naming his friend",
    roles=(Role.OWNER,),
    body=shapes.NominationCodeIn,
    answer=shapes.NominationCodeOut,
    keeps_answer=False,
    problems=(
        "already_nominated",
        "nomination_closed",
        "nomination_codes_used_up",
        "referral_not_found",
        "time_is_up",
    ),
    example={},
)
def create_nomination_code(
    uow: UnitOfWork, referral_id: UUID, body: dict[str, Any]
) -> dict[str, Any]:
    """Six digits, good for ten minutes, in a message to the phone of record: five a day at most,
    each ends those before it. Only the owner asks, on his own referral; there is no other way."""
    sent = send_code(uow, referral_id, **body)
    return {"expires_at": sent.expires_at, "sent_to": phone_shown(sent.phone)}


@routes.post(
    "/v1/referrals/<uuid:referral_id>/nominations",
    summary="Name the friend one recommended",
    roles=(Role.OWNER,),
    body=shapes.NominationIn,
    answer=shapes.NominationOut,
    problems=(
        "already_nominated",
        "name_invalid",
        "nomination_closed",
        "nomination_code_wrong",
        "nomination_locked",
        "referral_not_found",
        "time_is_up",
    ),
    example={
        "code": "407182",
        "friend_name": "李四",
        "relation": "colleague",
        "known_for": "3_to_10",
        "how_it_came": "他想换车，我带他来店里试驾",
    },
)
def create_nomination(
    uow: UnitOfWork, referral_id: UUID, body: dict[str, Any]
) -> Nominated | DomainError:
    """Once per referral, before its licence is checked. Five wrong codes within 15 minutes lock it
    for as long; the answer is the same whomever one names."""
    code = body.pop("code")
    return nominate(uow, referral_id, Told(**body), code=code)
